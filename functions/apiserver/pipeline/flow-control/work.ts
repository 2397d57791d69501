/** How many seats a request takes: lists by what they read, writes by who watches (docs, "Seats Occupied by a Request"). */
import type { RequestInfo } from '../request-info.ts';
import { plainWork, type Work } from './queue-set.ts';

const objectsPerSeat = 100;
const watchesPerSeat = 10;
/** What it takes to send one write's event to as many watches as one seat stands for. */
const eventMs = 5;
const maxSeatsOfAnyRequest = 10;

/** What is known of a resource type: how much of it is in memory, and how many watch it. */
export interface ResourceLoad {
  objects: number;
  watchers: number;
}

export type LoadOf = (info: RequestInfo) => ResourceLoad | undefined;

/** `maxSeats` is the level's limit for one request; undefined for none of its own. */
export function estimateWork(
  info: RequestInfo,
  query: URLSearchParams,
  loadOf: LoadOf,
  maxSeats: number | undefined,
): Work {
  const most = Math.min(maxSeats ?? maxSeatsOfAnyRequest, maxSeatsOfAnyRequest);
  switch (info.verb) {
    case 'list':
      return listWork(info, loadOf, most);
    case 'watch':
      return sendsState(query) ? listWork(info, loadOf, most) : plainWork;
    case 'create':
    case 'update':
    case 'patch':
    case 'delete':
      return writeWork(info, loadOf, most);
    default:
      return plainWork;
  }
}

/** Whether a watch begins with everything that is there. */
function sendsState(query: URLSearchParams): boolean {
  if (query.get('sendInitialEvents') === 'true') return true;
  const revision = query.get('resourceVersion') ?? '';
  return revision === '' || revision === '0';
}

/** Lists come from memory, where every object of the type is looked at unless one is named. */
function listWork(info: RequestInfo, loadOf: LoadOf, most: number): Work {
  const objects = info.name === '' ? (loadOf(info)?.objects ?? 0) : 1;
  if (objects <= objectsPerSeat) return plainWork;
  const initialSeats = Math.min(Math.ceil(objects / objectsPerSeat), most);
  return { initialSeats, finalSeats: 0, lingerMs: 0 };
}

function writeWork(info: RequestInfo, loadOf: LoadOf, most: number): Work {
  // A token is written nowhere.
  if (info.subresource === 'token' && info.resource === 'serviceaccounts') return plainWork;
  const watchers = loadOf(info)?.watchers ?? 0;
  if (watchers < watchesPerSeat) return plainWork;
  const wanted = Math.ceil(watchers / watchesPerSeat);
  const finalSeats = Math.min(wanted, most);
  return { initialSeats: 1, finalSeats, lingerMs: (wanted * eventMs) / finalSeats };
}
