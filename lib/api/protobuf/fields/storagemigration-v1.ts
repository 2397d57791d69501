export const storagemigrationV1 = `
  StorageVersionMigration: metadata 1=, spec 2=, status 3=;
  StorageVersionMigrationList: metadata 1=, items 2!;
  StorageVersionMigrationSpec: resource 1=;
  StorageVersionMigrationStatus: conditions 1, resourceVersion 2;
`;
