import type { IdentityExpression } from '../../../../lib/cel/index.ts';

/** One `jwt` of an AuthenticationConfiguration (API reference, `apiserver.config.k8s.io/v1`), checked and compiled. */
export interface JwtAuthenticator {
  issuer: {
    /** What tokens have as `iss`; keys are found by way of it. */
    url: string;
    /** Where the discovery document is, if not at `<url>/.well-known/openid-configuration`. */
    discoveryUrl?: string;
    /** PEM; without it those of the system. */
    certificateAuthority?: string;
    /** A token must be meant for one of them. */
    audiences: readonly string[];
  };
  username: PrefixedClaim | IdentityExpression;
  groups?: PrefixedClaim | IdentityExpression;
  uid?: { claim: string } | IdentityExpression;
  extra: readonly { key: string; expression: IdentityExpression }[];
  /** Claims that a token must have, with the value they must have. */
  requiredClaims: ReadonlyMap<string, string>;
  claimRules: readonly Rule[];
  userRules: readonly Rule[];
}

export interface PrefixedClaim {
  claim: string;
  /** Goes before what the claim says; may be empty. */
  prefix: string;
}

export interface Rule {
  expression: IdentityExpression;
  /** For the log, where it is not kept. */
  message: string;
}
