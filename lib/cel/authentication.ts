/** What expressions of an AuthenticationConfiguration may name: a token's claims, or the user that they make (KEP-3331). */
import { userInfoFields } from './admission.ts';
import { type Environment, kubernetesFunctions } from './environment.ts';
import { dyn, mapOf, string } from './types.ts';

export const claimsEnvironment: Environment = {
  variables: new Map([['claims', mapOf(string, dyn)]]),
  functions: kubernetesFunctions,
  objects: new Map(),
};

const userInfo = 'kubernetes.UserInfo';

export const userEnvironment: Environment = {
  variables: new Map([['user', { kind: 'object', name: userInfo }]]),
  functions: kubernetesFunctions,
  objects: new Map([[userInfo, userInfoFields]]),
};
