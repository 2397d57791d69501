import { fuzzKinds } from './kinds.ts';

fuzzKinds(0, 4);
