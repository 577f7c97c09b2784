// Deciding on submissions, one or many at once, and taking it back. Reading the audit log is in audit.ts.
import { Hono } from 'hono';
import { z } from 'zod';
import type { Caller } from '../auth.ts';
import type { Db } from '../db/client.ts';
import type { LessonOf } from '../db/decision-writes.ts';
import { type Decision, type DecisionRequest, type DecisionResult, decide } from '../db/decisions.ts';
import { idsMatching } from '../db/queue.ts';
import { getSubmission } from '../db/submissions.ts';
import { undo } from '../db/undo.ts';
import { CodedError } from '../errors.ts';
import { type Env, isId, parseJson, readBody } from '../http.ts';
import { type Action, actions, statuses } from '../submission.ts';
import { cleanText } from '../text.ts';
import { type Decider, decidableFilter, requireDecidable, requireDecider, requireOwn } from './deciders.ts';
import type { Desk } from './desk.ts';
import { filterOf, filterSchema, idSchema } from './filters.ts';
import { decisionOf, itemOf } from './item.ts';
import { requireSubmission } from './queue.ts';

interface Dependencies extends Desk {
  lessonOf: LessonOf;
  /** Called with the sites whose log has grown, before the answer: the next verdict must know of this decision. */
  learned: (sites: readonly string[]) => Promise<void>;
}

/** Submissions that one decision may touch. */
const mostAtOnce = 500;

const note = z.string().max(2_000).transform(cleanText).nullish();
const actionSchema = z.strictObject({ note, from: z.enum(statuses).optional() });
const bulkSchema = z.union([
  z.strictObject({ action: z.enum(actions), ids: z.array(idSchema).min(1), note }),
  z.strictObject({ action: z.enum(actions), filter: filterSchema, expect: z.number().int().min(0), note }),
]);
/** `POST /submissions/<id>/<action>`, `POST /decisions` and `POST /decisions/<id>/undo`. */
export function createDecisions(deps: Dependencies): { onSubmissions: Hono<Env>; decisions: Hono<Env> } {
  return { onSubmissions: singleActions(deps), decisions: decisionRoutes(deps) };
}

function singleActions(deps: Dependencies): Hono<Env> {
  const routes = new Hono<Env>();
  routes.post(`/:id/:action{${actions.join('|')}}`, async (c) => {
    const caller = await requireDecider(deps.db, deps.auth, c);
    const body = await readBody(c, deps.maxBodyBytes);
    const input = body.length === 0 ? {} : parseJson(body, actionSchema, 'moderate.bad_input');
    const action = c.req.param('action') as Action;
    const { id } = await requireSubmission(deps.db, c.req.param('id'), caller.siteId);
    await requireDecidable(deps.db, caller, [id]);
    const { decision, results } = await run(deps, caller, {
      action,
      ids: [id],
      from: input.from,
      note: input.note ?? null,
    });
    const submission = await getSubmission(deps.db, id);
    if (submission === null) throw new CodedError('moderate.not_found', `there is no submission ${id}`);
    const [result] = results;
    if (result?.code === 'moderate.status_changed') {
      throw new CodedError('moderate.status_changed', `its status is ${result.from}, not ${input.from}`, {
        submission: itemOf(submission),
      });
    }
    if (result?.code === 'moderate.illegal_move') {
      throw new CodedError(
        'moderate.illegal_move',
        `a submission that is ${result.from} cannot be decided: ${action}`,
        { submission: itemOf(submission) },
      );
    }
    if (decision === null) throw new Error('a decision was neither made nor found');
    return c.json({ decision: decisionOf(decision, results), submission: itemOf(submission) });
  });
  return routes;
}

function decisionRoutes(deps: Dependencies): Hono<Env> {
  const { db, auth } = deps;
  const routes = new Hono<Env>();

  routes.post('/', async (c) => {
    const caller = await requireDecider(db, auth, c);
    const input = parseJson(await readBody(c, deps.maxBodyBytes), bulkSchema, 'moderate.bad_input');
    const { action, note = null } = input;
    const chosen =
      'ids' in input ? { ids: few([...new Set(input.ids)]) } : await matching(db, caller, input.filter, input.expect);
    await requireDecidable(db, caller, chosen.ids);
    const { decision, results } = await run(deps, caller, { action, ...chosen, from: undefined, note });
    if (decision === null) throw nothingDecided(results);
    return c.json(decisionOf(decision, results));
  });

  routes.post('/:id/undo', async (c) => {
    const caller = await requireDecider(db, auth, c);
    const id = c.req.param('id');
    if (isId(id)) await requireOwn(db, caller, id);
    const undone = isId(id)
      ? await undo(db, { id, actor: caller.actor, siteId: caller.siteId, now: deps.now() })
      : null;
    if (undone === null) throw new CodedError('moderate.not_found', `there is no decision ${id.slice(0, 50)}`);
    if (undone === 'other_sites')
      throw new CodedError(
        'auth.forbidden',
        'this decision was made for other sites too, and your token is bound to one',
      );
    if (undone === 'already_undone')
      throw new CodedError('moderate.already_undone', 'this decision has been undone already');
    await deps.learned(undone.sites);
    return c.json(decisionOf(undone.decision, undone.results));
  });
  return routes;
}

type Run = Pick<DecisionRequest, 'action' | 'ids' | 'from' | 'note' | 'versions'>;

async function run(
  deps: Dependencies,
  caller: Caller,
  request: Run,
): Promise<{ decision: Decision | null; results: DecisionResult[] }> {
  const { actor, siteId } = caller;
  const { decision, results, sites } = await decide(
    deps.db,
    { ...request, actor, siteId, now: deps.now() },
    deps.lessonOf,
  );
  await deps.learned(sites);
  return { decision, results };
}

/** What a filter means, as it is now. Throws unless it is as many as the moderator saw. */
async function matching(
  db: Db,
  caller: Decider,
  filter: z.output<typeof filterSchema>,
  expect: number,
): Promise<Pick<Run, 'ids' | 'versions'>> {
  const read = decidableFilter(caller, filterOf(filter, caller.siteId));
  if (read.similarTo !== undefined) await requireSubmission(db, read.similarTo, caller.siteId);
  const found = few(await idsMatching(db, read, mostAtOnce + 1));
  if (found.length !== expect)
    throw new CodedError('moderate.count_changed', `the filter means ${found.length} submissions now, not ${expect}`, {
      count: found.length,
    });
  return { ids: found.map(({ id }) => id), versions: new Map(found.map(({ id, version }) => [id, version])) };
}

function few<Item>(items: Item[]): Item[] {
  if (items.length <= mostAtOnce) return items;
  const message = `these are more than ${mostAtOnce} submissions; decide on fewer at once`;
  throw new CodedError('moderate.too_many', message, { most: mostAtOnce });
}

/** Nothing was changed, and nothing stands that could be answered: says which of the reasons it is. */
function nothingDecided(results: readonly DecisionResult[]): CodedError {
  if (results.every((result) => result.code === 'moderate.not_found'))
    return new CodedError('moderate.not_found', 'there is no such submission', { results });
  return new CodedError('moderate.illegal_move', 'none of these submissions can be decided so', { results });
}
