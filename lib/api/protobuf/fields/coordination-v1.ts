export const coordinationV1 = `
  Lease: metadata 1=, spec 2=;
  LeaseList: metadata 1=, items 2!;
  LeaseSpec: holderIdentity 1*, leaseDurationSeconds 2*, acquireTime 3*, renewTime 4*, leaseTransitions 5*,
    strategy 6*, preferredHolder 7*;
`;
