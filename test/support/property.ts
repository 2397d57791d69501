import fc from 'fast-check';

/** Elsewhere each run tries cases of its own; CI tries the same ones for every change, so that what fails is the change's. */
const seed = process.env['PROPERTY_SEED'] ?? (process.env['CI'] === 'true' ? '20260101' : undefined);
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });

/** How many cases a property is tried with: as many as it says, or as one asks for who looks for more. */
export function runs(usual: number): number {
  return Number(process.env['PROPERTY_RUNS'] ?? usual);
}

export { default } from 'fast-check';
