import { fuzzKinds } from './kinds.ts';

fuzzKinds(3, 4);
