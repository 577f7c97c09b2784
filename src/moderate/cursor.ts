// Cursors of the moderators' lists: the place where the next page begins, bound to the question it belongs to. A place
// begins with an arrival number.
import { createHash } from 'node:crypto';
import { CodedError } from '../errors.ts';

/** A cursor for the same question, beginning after `place`. */
export function writeCursor(question: unknown, place: readonly number[]): string {
  return Buffer.from(JSON.stringify([fingerprint(question), ...place])).toString('base64url');
}

/** The place that a cursor names. Throws `moderate.bad_cursor` for one that is damaged or belongs to another question. */
export function readCursor(question: unknown, cursor: string, length: number): number[] {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    parts = null;
  }
  if (!Array.isArray(parts) || parts.length !== length + 1 || !isPlace(parts.slice(1))) {
    throw new CodedError('moderate.bad_cursor', 'cursor: this is not one of ours');
  }
  if (parts[0] !== fingerprint(question)) {
    throw new CodedError(
      'moderate.bad_cursor',
      'cursor: it belongs to other filters or another order; begin again without it',
    );
  }
  return parts.slice(1);
}

function isPlace(parts: unknown[]): boolean {
  return Number.isSafeInteger(parts[0]) && parts.every((part) => Number.isFinite(part));
}

function fingerprint(question: unknown): string {
  return createHash('sha256').update(JSON.stringify(question)).digest('base64url').slice(0, 12);
}
