import type { ResourceDefinition } from '../definition.ts';
import { define } from './define.ts';

const group = 'authentication.k8s.io';
const namespaced = false;
const verbs = ['create'] as const;

export function authenticationDefinitions(): ResourceDefinition[] {
  return [
    define({ group, verbs, namespaced, plural: 'selfsubjectreviews', kind: 'SelfSubjectReview' }),
    define({ group, verbs, namespaced, plural: 'tokenreviews', kind: 'TokenReview' }),
  ];
}
