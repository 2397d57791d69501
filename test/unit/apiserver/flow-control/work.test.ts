import { expect, it } from 'vitest';
import { estimateWork } from '../../../../functions/apiserver/pipeline/flow-control/work.ts';
import { parseRequestInfo } from '../../../../functions/apiserver/pipeline/request-info.ts';

function work(
  method: string,
  path: string,
  load: { objects?: number; watchers?: number },
  maxSeats?: number,
) {
  const url = new URL(`http://x${path}`);
  const info = parseRequestInfo(method, url.pathname, url.searchParams);
  const of = () => ({ objects: load.objects ?? 0, watchers: load.watchers ?? 0 });
  return estimateWork(info, url.searchParams, of, maxSeats);
}

const seats = (initialSeats: number) => ({ initialSeats, finalSeats: 0, lingerMs: 0 });

it('takes a seat a hundred objects for a list, and for a watch that begins with one', () => {
  expect(work('GET', '/api/v1/pods', { objects: 100 })).toEqual(seats(1));
  expect(work('GET', '/api/v1/pods', { objects: 450 })).toEqual(seats(5));
  expect(work('GET', '/api/v1/pods', { objects: 1e6 })).toEqual(seats(10));
  expect(work('GET', '/api/v1/pods', { objects: 1e6 }, 4)).toEqual(seats(4));
  expect(work('GET', '/api/v1/pods?fieldSelector=metadata.name%3Da', { objects: 1e6 })).toEqual(seats(1));
  expect(work('GET', '/api/v1/pods?watch=1&resourceVersion=7', { objects: 450 })).toEqual(seats(1));
  expect(work('GET', '/api/v1/pods?watch=1', { objects: 450 })).toEqual(seats(5));
  expect(work('GET', '/api/v1/namespaces/n/pods/p', { objects: 450 })).toEqual(seats(1));
});

it('keeps a seat ten watches for the events of a write', () => {
  const path = '/api/v1/namespaces/n/pods';
  expect(work('POST', path, { watchers: 9 })).toEqual(seats(1));
  expect(work('POST', path, { watchers: 50 })).toEqual({ initialSeats: 1, finalSeats: 5, lingerMs: 5 });
  expect(work('POST', path, { watchers: 200 })).toEqual({ initialSeats: 1, finalSeats: 10, lingerMs: 10 });
  expect(work('POST', '/api/v1/namespaces/n/serviceaccounts/a/token', { watchers: 200 })).toEqual(seats(1));
});
