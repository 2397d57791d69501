import { describe, expect, test } from 'vitest';
import { isLongRunning, parseRequestInfo } from '../../../../functions/apiserver/pipeline/request-info.ts';
import { KumulusError } from '../../../../lib/errors.ts';
import fc from '../../../support/property.ts';

const parse = (method: string, target: string) => {
  const [path = '', query = ''] = target.split('?');
  const { verb, apiGroup, apiVersion, namespace, resource, subresource, name, isResourceRequest } =
    parseRequestInfo(method, path, new URLSearchParams(query));
  return isResourceRequest
    ? [verb, apiGroup, apiVersion, namespace, resource, subresource, name].join('|')
    : verb;
};

describe('a resource request', () => {
  test.each([
    ['GET', '/api/v1/pods', 'list||v1||pods||'],
    ['GET', '/api/v1/namespaces/n/pods', 'list||v1|n|pods||'],
    ['GET', '/api/v1/namespaces/n/pods/p', 'get||v1|n|pods||p'],
    ['HEAD', '/api/v1/namespaces/n/pods/p', 'get||v1|n|pods||p'],
    ['GET', '/api/v1/namespaces/n/pods?watch=1', 'watch||v1|n|pods||'],
    ['GET', '/api/v1/namespaces/n/pods?watch=false', 'list||v1|n|pods||'],
    ['GET', '/api/v1/watch/namespaces/n/pods', 'watch||v1|n|pods||'],
    ['GET', '/api/v1/namespaces/n/pods?fieldSelector=metadata.name%3Dp', 'list||v1|n|pods||p'],
    ['POST', '/api/v1/namespaces/n/pods', 'create||v1|n|pods||'],
    ['POST', '/api/v1/namespaces/n/pods/p/binding', 'create||v1|n|pods|binding|p'],
    ['DELETE', '/apis/apps/v1/namespaces/n/deployments', 'deletecollection|apps|v1|n|deployments||'],
    ['DELETE', '/apis/apps/v1/namespaces/n/deployments/d', 'delete|apps|v1|n|deployments||d'],
    ['PATCH', '/apis/apps/v1/namespaces/n/deployments/d/scale', 'patch|apps|v1|n|deployments|scale|d'],
    ['GET', '/api/v1/namespaces', 'list||v1||namespaces||'],
    ['GET', '/api/v1/namespaces/n', 'get||v1|n|namespaces||n'],
    ['PUT', '/api/v1/namespaces/n/finalize', 'update||v1|n|namespaces|finalize|n'],
    ['PUT', '/api/v1/namespaces/n/status', 'update||v1|n|namespaces|status|n'],
    ['GET', '/api/v1/nodes/x/', 'get||v1||nodes||x'],
  ])('%s %s', (method, target, expected) => {
    expect(parse(method, target)).toBe(expected);
  });
});

test.each(['/', '/api', '/api/v1', '/apis/apps', '/apis/apps/v1', '/healthz', '/apix/v1/pods'])(
  '%s is no resource request',
  (path) => {
    expect(parse('GET', path)).toBe('get');
  },
);

test('long-running requests are told apart', () => {
  const long = (target: string) => {
    const [path = '', query = ''] = target.split('?');
    return isLongRunning(parseRequestInfo('GET', path, new URLSearchParams(query)));
  };
  expect(long('/api/v1/pods?watch=true')).toBe(true);
  expect(long('/api/v1/namespaces/n/pods/p/exec')).toBe(true);
  expect(long('/api/v1/namespaces/n/pods/p/log')).toBe(true);
  expect(long('/api/v1/namespaces/n/pods/p')).toBe(false);
});

test('no path makes it fail otherwise than by BadRequest', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(fc.string(), fc.constantFrom('api', 'apis', 'v1', 'namespaces', '..', '%2e', '%', '')),
        { maxLength: 10 },
      ),
      (parts) => {
        try {
          parseRequestInfo('GET', `/${parts.join('/')}`, new URLSearchParams());
        } catch (error) {
          expect(error).toBeInstanceOf(KumulusError);
          expect((error as KumulusError).kind).toBe('BadRequest');
        }
      },
    ),
  );
});
