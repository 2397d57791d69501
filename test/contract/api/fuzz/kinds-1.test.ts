import { fuzzKinds } from './kinds.ts';

fuzzKinds(1, 4);
