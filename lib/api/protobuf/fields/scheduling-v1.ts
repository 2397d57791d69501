export const schedulingV1 = `
  PriorityClass: metadata 1=, value 2!, globalDefault 3, description 4, preemptionPolicy 5*;
  PriorityClassList: metadata 1=, items 2!;
`;
