/** What a load needs of a connection, in either version of HTTP. */
export interface Connection {
  /** One request at a time. Rejects when the connection breaks. */
  send(call: Call): Promise<Answer>;
  close(): void;
}

export interface Call {
  method: string;
  /** With the query. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

export interface Answer {
  status: number;
  /** Of the body. */
  sizeBytes: number;
  /** Only of answers that are not large: more is counted and let go. */
  body: Buffer;
}

/** Where the server is, and who asks. PEM. */
export interface Target {
  port: number;
  ca: string;
  cert?: string;
  key?: string;
  token?: string;
}

/** Bodies beyond it are not kept. */
export const keptBytes = 4 * 1024 * 1024;
