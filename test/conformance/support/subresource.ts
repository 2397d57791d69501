import { expect } from 'vitest';
import type { ControlPlane } from './control-plane.ts';
import { mergePatch } from './requests.ts';

/**
 * GET, PATCH and PUT of a subresource of `path` (an object's): what it is for changes, and nothing else does.
 * `patch` and `update` are values of `status` that the server takes as they are; `spec` is one that must not be taken.
 */
export async function expectSubresource(
  { call }: ControlPlane,
  path: string,
  subresource: string,
  { patch, update, spec }: { patch: object; update: object; spec: object },
): Promise<void> {
  const url = `${path}/${subresource}`;
  const before = await call<{ spec: object }>('GET', url);
  expect(before.status, before.text).toBe(200);
  const patched = await call<{ spec: object; status: object }>('PATCH', url, {
    body: { metadata: { annotations: { patchedstatus: 'true' } }, status: patch, spec },
    contentType: mergePatch,
  });
  expect(patched.status, patched.text).toBe(200);
  expect(patched.json.status).toMatchObject(patch);
  const updated = await call<{ status: object }>('PUT', url, { body: { ...patched.json, status: update } });
  expect(updated.status, updated.text).toBe(200);
  const read = await call<{ spec: object; status: object }>('GET', path);
  expect(read.json.status).toMatchObject(update);
  expect(read.json.spec).toEqual(before.json.spec);
}
