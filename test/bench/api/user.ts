/** The user without groups whom the server of the benchmark makes a certificate for. */
export const benchUser = 'bench-user';
