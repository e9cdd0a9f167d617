/**
 * What `mp run --live-remote` and `mp live PORT` say to each other, over TCP on 127.0.0.1. A viewer says one line and
 * nothing more; the server answers with lines of JSON, one for each look, or hangs up:
 *
 *     viewer   mp-live 1 5d0c…                     version of the protocol, token
 *     server   {"capture":"/tmp/app.db","status":"recording",…}       LiveDelta, everything at first
 *     server   {"capture":"/tmp/app.db","status":"complete",…}        then what has changed, about once a second
 *     server   "end"
 */

export const HOST = '127.0.0.1';
export const TOKEN_BYTES = 16;
/** Where the token is looked for: unlike an argument, other users can't see it. */
export const TOKEN_VARIABLE = 'MP_TOKEN';
export const END_LINE = '"end"';

export function greeting(token: string): string {
  return `mp-live 1 ${token}\n`;
}

/** For the server's thread. */
export interface ServerRequest {
  token: string;
  /** 0: any that is free. */
  port: number;
  intervalMs: number;
}

export type ToServer =
  /** The capture exists. */
  | { type: 'capture'; path: string }
  /** It is finished: tell the viewers, and end. */
  | { type: 'finish' };

export type FromServer =
  | { type: 'listening'; port: number }
  /** Nobody else listens there; a sentence. */
  | { type: 'failed'; message: string }
  /** Somebody with the token has come. */
  | { type: 'viewer' };
