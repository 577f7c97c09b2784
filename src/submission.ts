// The noun of every room: what a submission is, the states it passes through and which moves between them are legal.
// Imports nothing, so that every other file may import it.

/** How a submission came in. A comment has no source; the three pings have a source page that links to the target. */
export const kinds = ['comment', 'pingback', 'trackback', 'webmention'] as const;
export type Kind = (typeof kinds)[number];

/**
 * Where a submission stands. `received`: a ping not verified yet; `held`: waits for a moderator; `rejected`: unwanted
 * but not spam; `invalid`: verification failed, never queued; `removed`: its source is gone; `erased`: a tombstone.
 */
export const statuses = ['received', 'held', 'approved', 'rejected', 'spam', 'invalid', 'removed', 'erased'] as const;
export type Status = (typeof statuses)[number];

/** The moderator's truth about a submission, as the model learns it. */
export type Label = 'ham' | 'spam';

/** What a moderator can do with a submission. */
export const actions = ['approve', 'reject', 'spam', 'hold'] as const;
export type Action = (typeof actions)[number];

/** Who moves a submission. */
export type Mover = 'worker' | 'moderator';

const decided: readonly Status[] = ['held', 'approved', 'rejected', 'spam'];

const legalMoves: Record<Mover, Partial<Record<Status, readonly Status[]>>> = {
  worker: {
    received: ['held', 'spam', 'approved', 'invalid'],
    held: ['removed'],
    approved: ['held', 'removed'],
    // A source that came back: to its former status, or to `held` if its content changed.
    removed: decided,
    // Sent again by its sender.
    invalid: ['received'],
  },
  // A moderator may also repeat a status: confirming a policy's `spam` is what teaches it.
  moderator: {
    held: decided,
    approved: decided,
    rejected: decided,
    spam: decided,
  },
};

/** Whether `mover` may take a submission from one status to another. Erasing is legal from any status but `erased`. */
export function isLegalMove(mover: Mover, from: Status, to: Status): boolean {
  if (to === 'erased') return mover === 'moderator' && from !== 'erased';
  return legalMoves[mover][from]?.includes(to) ?? false;
}

/** The status that an action leads to. */
export const statusAfter: Record<Action, Status> = {
  approve: 'approved',
  reject: 'rejected',
  spam: 'spam',
  hold: 'held',
};

/** What an action says about the text: only approving and marking as spam are statements about it. */
export const labelAfter: Record<Action, Label | null> = {
  approve: 'ham',
  reject: null,
  spam: 'spam',
  hold: null,
};
