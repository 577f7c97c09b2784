// The audit log: what was decided and by whom, who stands out among them, and taking back all that one of them decided.
import { Hono } from 'hono';
import { z } from 'zod';
import { type Caller, requireSite } from '../auth.ts';
import {
  type ActorSummary,
  type DecisionFilter,
  decisionIds,
  getDecision,
  listDecisions,
  summarizeActors,
} from '../db/audit.ts';
import type { Db } from '../db/client.ts';
import { undo } from '../db/undo.ts';
import { CodedError } from '../errors.ts';
import { type Env, isId, parseJson, readBody } from '../http.ts';
import { actions } from '../submission.ts';
import { cleanText } from '../text.ts';
import { readCursor, writeCursor } from './cursor.ts';
import type { Desk } from './desk.ts';
import { idSchema, listOf, readRepeatables, readSingles, sinceOf, timeSchema } from './filters.ts';
import { decisionOf } from './item.ts';

interface Dependencies extends Desk {
  /** Called with the sites whose log has grown, before the answer. */
  learned: (sites: readonly string[]) => Promise<void>;
}

/** Decisions that one request may take back. */
const mostUndone = 5_000;
/** Actors that one summary shows. */
const mostActors = 200;

const fields = {
  actor: listOf(z.string().max(200).transform(cleanText).pipe(z.string().min(1))).optional(),
  action: listOf(z.enum(actions)).optional(),
  site: idSchema.optional(),
  since: timeSchema.optional(),
  until: timeSchema.optional(),
};
const listSchema = z.strictObject({
  ...fields,
  undone: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().optional(),
});
const repeatable = new Set(['actor', 'action']);
const actorsSchema = z.strictObject({ since: fields.since, until: fields.until, site: fields.site });
const undoSchema = z.strictObject({
  filter: z.strictObject({ ...fields, actor: fields.actor.unwrap() }),
  expect: z.number().int().min(0),
});

/** `GET /decisions`, `/decisions/actors` and `/decisions/<id>`, and `POST /decisions/undo`. */
export function createAudit({ db, auth, now, maxBodyBytes, learned }: Dependencies): Hono<Env> {
  const routes = new Hono<Env>();

  routes.get('/', async (c) => {
    const caller = await auth.require(c, 'moderate');
    const { limit, cursor, ...asked } = readRepeatables(c.req.queries(), listSchema, repeatable);
    const filter = filterOf(caller, asked);
    const question = ['decisions', filter];
    const [before] = cursor === undefined ? [] : readCursor(question, cursor, 1);
    const found = await listDecisions(db, { filter, before: before ?? null, limit: limit + 1 });
    const last = found.length > limit ? found[limit - 1] : undefined;
    const items = found
      .slice(0, limit)
      .map((decision) => ({ ...decisionOf(decision), submissions: decision.submissions }));
    return c.json({ items, next: last === undefined ? null : writeCursor(question, [last.seq]) });
  });

  routes.get('/actors', async (c) => {
    const caller = await auth.require(c, 'moderate');
    const asked = readSingles(c.req.queries(), actorsSchema);
    const since = sinceOf(asked.since, now());
    const found = await summarizeActors(db, { ...filterOf(caller, asked), since }, mostActors);
    return c.json({ since: since.toISOString(), items: found.map(actorOf) });
  });

  routes.get('/:id', async (c) => {
    const { siteId } = await auth.require(c, 'moderate');
    const id = c.req.param('id');
    const found = isId(id) ? await getDecision(db, id, siteId) : null;
    if (found === null) throw new CodedError('moderate.not_found', `there is no decision ${id.slice(0, 50)}`);
    return c.json(decisionOf(found.decision, found.results));
  });

  routes.post('/undo', async (c) => {
    const caller = await auth.require(c, 'moderate');
    const input = parseJson(await readBody(c, maxBodyBytes), undoSchema, 'moderate.bad_input');
    const ids = await matching(db, { ...filterOf(caller, input.filter), undone: false }, input.expect);
    const { sites, ...answer } = await undoEach(db, caller, ids, now);
    await learned(sites);
    return c.json(answer);
  });
  return routes;
}

/** What was asked for, cut to what a caller may see. */
function filterOf(
  caller: Caller,
  { site, actor: actors, action, ...rest }: Partial<z.output<typeof listSchema>>,
): DecisionFilter {
  if (site !== undefined) requireSite(caller, site);
  return { siteId: site ?? caller.siteId, actors, actions: action, ...rest };
}

/** The decisions that a filter means now, newest first. Throws unless they are as many as the moderator saw. */
async function matching(db: Db, filter: DecisionFilter, expect: number): Promise<string[]> {
  const ids = await decisionIds(db, filter, mostUndone + 1);
  if (ids.length > mostUndone) {
    const message = `these are more than ${mostUndone} decisions; undo fewer at once`;
    throw new CodedError('moderate.too_many', message, { most: mostUndone });
  }
  if (ids.length !== expect)
    throw new CodedError('moderate.count_changed', `the filter means ${ids.length} decisions now, not ${expect}`, {
      count: ids.length,
    });
  return ids;
}

/** What became of one of many decisions that were to be undone. */
interface Undone {
  id: string;
  ok: boolean;
  /** Submissions that are as before it, and those where a later decision stands. */
  restored: number;
  superseded: number;
  code?: 'moderate.already_undone' | 'moderate.not_found' | 'auth.forbidden';
}

/**
 * Undoes decisions one after the other, each in a transaction of its own: one that held the rows of many decisions could
 * wait for another in a circle. Broken off, it has undone the newest, and asking again undoes the rest.
 */
async function undoEach(db: Db, caller: Caller, ids: readonly string[], now: () => Date) {
  const { actor, siteId } = caller;
  const decisions: Undone[] = [];
  const sites = new Set<string>();
  for (const id of ids) {
    const undone = await undo(db, { id, actor, siteId, now: now() });
    if (undone === null || typeof undone === 'string') {
      decisions.push({ id, ok: false, restored: 0, superseded: 0, code: codeOf(undone) });
      continue;
    }
    for (const site of undone.sites) sites.add(site);
    const restored = undone.results.filter(({ ok }) => ok).length;
    decisions.push({ id, ok: true, restored, superseded: undone.results.length - restored });
  }
  const sum = (count: (undone: Undone) => number) => decisions.reduce((total, undone) => total + count(undone), 0);
  return {
    undone: sum(({ ok }) => (ok ? 1 : 0)),
    restored: sum(({ restored }) => restored),
    superseded: sum(({ superseded }) => superseded),
    decisions,
    sites: [...sites],
  };
}

function codeOf(refused: 'already_undone' | 'other_sites' | null): NonNullable<Undone['code']> {
  if (refused === null) return 'moderate.not_found';
  return refused === 'other_sites' ? 'auth.forbidden' : 'moderate.already_undone';
}

function actorOf({ actor, approve, reject, spam, hold, clear, contradicting, ...rest }: ActorSummary) {
  return {
    actor,
    decisions: { approve, reject, spam, hold },
    ...rest,
    clear,
    contradicting,
    share: clear === 0 ? null : contradicting / clear,
  };
}
