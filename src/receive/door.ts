// What every door is given, and the form of an answer in XML.
import type { Ctx } from '../http.ts';
import type { Limit } from '../limit.ts';
import type { Intake } from './intake.ts';

export interface Door {
  intake: Intake;
  limit: Limit;
  /** The client's address. */
  address: (c: Ctx) => string;
  /** Bytes of a request body. */
  maxBodyBytes: number;
  /** Hears of errors that are ours. */
  report: (error: unknown) => void;
}

/** An XML document as an answer, with its length: HTTP/1.0 clients cannot read chunks. */
export function xmlAnswer(c: Ctx, document: string, status: 200 | 405 | 413 | 415 = 200): Response {
  return c.body(document, status, {
    'Content-Type': 'text/xml; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(document)),
  });
}
