// The history of a submission.
import { asc, eq } from 'drizzle-orm';
import type { Db } from './client.ts';
import { moves } from './schema.ts';

/** Each change of a submission's status, oldest first, at most 500. */
export async function historyOf(db: Db, submissionId: string) {
  const { at, from, to, actor, reason, decisionId: decision, undo } = moves;
  return db
    .select({ at, from, to, actor, reason, decision, undo })
    .from(moves)
    .where(eq(moves.submissionId, submissionId))
    .orderBy(asc(moves.id))
    .limit(500);
}
