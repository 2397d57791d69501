/** What an expression throws: no value came out of it, and here is why. */
export class CelError extends Error {
  override readonly name = 'CelError';
}
