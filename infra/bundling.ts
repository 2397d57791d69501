/** How esbuild makes the functions' bundles, here and wherever they are measured. */
export const bundling = {
  target: 'node24',
  minify: true,
  mainFields: ['module', 'main'],
  // Of the packages that are no modules.
  banner: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
};
