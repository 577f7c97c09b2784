// Reading the queue: lists of submissions, and one of them with all that is known about it.
import { Hono } from 'hono';
import type { Auth } from '../auth.ts';
import type { Db } from '../db/client.ts';
import { fetchesOf } from '../db/fetches.ts';
import { historyOf } from '../db/moves.ts';
import { listSubmissions, placeOf } from '../db/queue.ts';
import { countSimilar } from '../db/similar.ts';
import { getSubmission, type Submission } from '../db/submissions.ts';
import { CodedError } from '../errors.ts';
import { type Env, isId } from '../http.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { filterOf, readQuery } from './filters.ts';
import { itemOf, verdictOf } from './item.ts';

/** `GET /submissions` and `GET /submissions/<id>`. */
export function createQueue({ db, auth }: { db: Db; auth: Auth }): Hono<Env> {
  const queue = new Hono<Env>();

  queue.get('/', async (c) => {
    const caller = await auth.require(c, 'moderate');
    const { sort, limit, cursor, ...filters } = readQuery(c.req.queries());
    const filter = filterOf(filters, caller.siteId);
    if (filter.similarTo !== undefined) await requireSubmission(db, filter.similarTo, caller.siteId);
    const question = [sort, filter];
    const [seq, probability] = cursor === undefined ? [] : readCursor(question, cursor, 2);
    const place = seq === undefined || probability === undefined ? null : { seq, probability };
    const found = await listSubmissions(db, { filter, sort, place, limit: limit + 1 });
    const last = found.length > limit ? found[limit - 1] : undefined;
    const next = last === undefined ? null : writeCursor(question, [placeOf(last).seq, placeOf(last).probability]);
    const listed = found.slice(0, limit);
    const similar = await countSimilar(db, listed, caller.siteId);
    return c.json({ items: listed.map((item) => ({ ...itemOf(item), similarCount: similar.get(item.id) })), next });
  });

  queue.get('/:id', async (c) => {
    const caller = await auth.require(c, 'moderate');
    const submission = await requireSubmission(db, c.req.param('id'), caller.siteId);
    const [fetches, history, similar] = await Promise.all([
      fetchesOf(db, submission.id),
      historyOf(db, submission.id),
      countSimilar(db, [submission], caller.siteId),
    ]);
    return c.json({
      ...itemOf(submission),
      similarCount: similar.get(submission.id),
      signals: submission.signals,
      verdict: verdictOf(submission),
      fetches: fetches.map(({ id: _, submissionId: __, at, ...fetch }) => ({ at: at.toISOString(), ...fetch })),
      history: history.map(({ at, ...move }) => ({ at: at.toISOString(), ...move })),
    });
  });
  return queue;
}

/** The submission of this id. Throws `moderate.not_found` where there is none or it belongs to a site out of the caller's sight. */
export async function requireSubmission(db: Db, id: string, siteId: string | null): Promise<Submission> {
  const found = isId(id) ? await getSubmission(db, id) : null;
  if (found === null || (siteId !== null && found.siteId !== siteId))
    throw new CodedError('moderate.not_found', `there is no submission ${id.slice(0, 50)}`);
  return found;
}
