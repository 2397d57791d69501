import { fuzzKinds } from './kinds.ts';

fuzzKinds(2, 4);
