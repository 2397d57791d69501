/**
 * `node:http` for bundles, without `WebSocket` and what belongs to it. A module that imports from `node:http` itself makes
 * Node.js look at every export, which loads all of fetch, HTTP/2 included, whoever needs it: some 20 ms of each cold start.
 */
const http = process.getBuiltinModule('node:http');

export default http;
export const {
  Agent,
  ClientRequest,
  createServer,
  get,
  globalAgent,
  IncomingMessage,
  maxHeaderSize,
  METHODS,
  OutgoingMessage,
  request,
  Server,
  ServerResponse,
  setMaxIdleHTTPParsers,
  STATUS_CODES,
  validateHeaderName,
  validateHeaderValue,
} = http;
