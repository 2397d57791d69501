/**
 * What the API server is to whoever hosts it: a function from a request to a response with streams at both ends.
 * A Lambda handler, an HTTPS server and the in-process client are hosts.
 */
export type ApiHandler = (request: ApiRequest) => Promise<ApiResponse>;

export interface ApiRequest {
  method: string;
  /** Still percent-encoded, without the query. */
  path: string;
  query: URLSearchParams;
  /** Names in lower case; repeated headers joined with `, `. */
  headers: Readonly<Record<string, string | undefined>>;
  /** Of `impersonate-*`, whose values may hold commas: every value by itself. Absent where there are none. */
  headerLists?: Readonly<Record<string, readonly string[]>>;
  body: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  peer: Peer;
  /** Aborts when the client goes away. */
  signal: AbortSignal;
  /** Aborts when a streamed answer is to come to its end, with whatever a client needs to go on from there. */
  endStream?: AbortSignal;
}

/** Who is at the other end, as far as the host knows by itself. */
export type Peer =
  | {
      via: 'tls';
      address: string /** DER, verified against the client CA by the host. */;
      clientCertificate?: Uint8Array;
    }
  | { via: 'lambda'; address: string }
  /** A part of the control plane in the same process: already authenticated, as this user. */
  | { via: 'process'; user: UserInfo };

/** `authentication.k8s.io/v1 UserInfo`. */
export interface UserInfo {
  username: string;
  uid?: string;
  groups: string[];
  extra?: Record<string, string[]>;
}

export interface ApiResponse {
  status: number;
  headers: Record<string, string | string[]>;
  body: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** Of a body that is sent in chunks: it is a document, worth nothing without its end, and not a stream that may end any time. */
  isDocument?: boolean;
  /** Set when the request was an upgrade that the pipeline allowed: the host connects both ends, byte by byte. */
  upgrade?: UpgradeTarget;
}

/** Where an upgraded connection (exec, attach, port-forward, proxy) goes on: the server of a node, or a pod. */
export interface UpgradeTarget {
  /** `https://10.0.0.5:10250/exec/default/web/app?command=ls` */
  url: string;
  headers: Record<string, string>;
  /** Set where no certificate is demanded of the server and ours is not shown to it: a pod's. */
  trusts?: 'anyone';
  /** The server of the node by way of which the connection goes: `https://10.0.0.5:10250`. */
  through?: string;
}
