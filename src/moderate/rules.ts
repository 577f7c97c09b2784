// Managing rules: what moderators always let in or keep out. What a value means, and what a rule does, the judge knows.
import { Hono } from 'hono';
import { z } from 'zod';
import { type Caller, requireSite } from '../auth.ts';
import { type Db, violatedConstraint } from '../db/client.ts';
import { deleteRule, findRule, getRule, insertRule, listRules, mostRules, type Rule } from '../db/rules.ts';
import { getSite } from '../db/sites.ts';
import { CodedError } from '../errors.ts';
import { type Env, isId, parseJson, readBody } from '../http.ts';
import { cleanText } from '../text.ts';
import type { Desk } from './desk.ts';
import { idSchema, readSingles } from './filters.ts';

interface Dependencies extends Desk {
  /** The form in which a value is stored and compared, or what is wrong with it. */
  readValue: (field: Rule['field'], written: string) => { ok: true; value: string } | { ok: false; problem: string };
}

const effect = z.enum(['allow', 'block']);
const field = z.enum(['ip', 'host', 'url', 'email', 'author', 'phrase']);
const newRule = z.strictObject({
  effect,
  field,
  value: z.string().transform(cleanText),
  site: idSchema.nullish(),
  note: z.string().max(2_000).transform(cleanText).nullish(),
});
const listSchema = z.strictObject({
  site: idSchema.optional(),
  field: field.optional(),
  effect: effect.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: idSchema.optional(),
});

/** `/rules`, for moderators; a rule for all sites needs an admin of all sites. */
export function createRules({ db, auth, now, maxBodyBytes, readValue }: Dependencies): Hono<Env> {
  const routes = new Hono<Env>();

  routes.get('/', async (c) => {
    const caller = await auth.require(c, 'moderate');
    const { site, field, effect, limit, cursor } = readSingles(c.req.queries(), listSchema);
    if (site !== undefined) requireSite(caller, site);
    const filter = { ...(site && { siteId: site }), ...(field && { field }), ...(effect && { effect }) };
    const query = { sight: caller.siteId, filter, after: cursor ?? null, limit: limit + 1 };
    const found = await listRules(db, query);
    const items = found.slice(0, limit);
    return c.json({ items: items.map(ruleOf), next: found.length > limit ? (items.at(-1)?.id ?? null) : null });
  });

  routes.post('/', async (c) => {
    const caller = await auth.require(c, 'moderate');
    const input = parseJson(await readBody(c, maxBodyBytes), newRule, 'moderate.bad_input');
    const { effect, field, note = null } = input;
    // A token of one site speaks of that site.
    const siteId = input.site ?? caller.siteId;
    requireMayWrite(caller, siteId);
    if (siteId !== null && (await getSite(db, siteId)) === null)
      throw new CodedError('moderate.bad_input', 'site: there is no such site');
    const read = readValue(field, input.value);
    if (!read.ok) throw new CodedError('moderate.bad_input', `value: ${read.problem}`);
    const rule = { siteId, effect, field, value: read.value, note, actor: caller.actor, now: now() };
    const stored = await unique(db, rule, () => insertRule(db, rule));
    if (stored === 'too_many')
      throw new CodedError('moderate.too_many', `there are ${mostRules} rules already; delete some first`, {
        most: mostRules,
      });
    return c.json(ruleOf(stored), 201);
  });

  routes.get('/:id', async (c) => {
    const caller = await auth.require(c, 'moderate');
    return c.json(ruleOf(await requireKnown(db, c.req.param('id'), caller)));
  });

  routes.delete('/:id', async (c) => {
    const caller = await auth.require(c, 'moderate');
    const rule = await requireKnown(db, c.req.param('id'), caller);
    requireMayWrite(caller, rule.siteId);
    await deleteRule(db, rule);
    return c.json(ruleOf(rule));
  });
  return routes;
}

/** The rule of this id. Throws `moderate.not_found` where there is none, or it is another site's than the caller's. */
async function requireKnown(db: Db, id: string, caller: Caller): Promise<Rule> {
  const rule = isId(id) ? await getRule(db, id) : null;
  const isInSight = rule !== null && (caller.siteId === null || rule.siteId === null || rule.siteId === caller.siteId);
  if (!isInSight) throw new CodedError('moderate.not_found', `there is no rule ${id.slice(0, 50)}`);
  return rule;
}

function requireMayWrite(caller: Caller, siteId: string | null): void {
  if (siteId !== null) requireSite(caller, siteId);
  else if (caller.scope !== 'admin' || caller.siteId !== null)
    throw new CodedError(
      'auth.forbidden',
      'a rule for all sites needs a token of scope admin for all sites; or name a site',
    );
}

async function unique<Result>(
  db: Db,
  rule: Pick<Rule, 'siteId' | 'field' | 'value'>,
  write: () => Promise<Result>,
): Promise<Result> {
  try {
    return await write();
  } catch (error) {
    if (violatedConstraint(error) === null) throw error;
    const known = await findRule(db, rule);
    const message = `there is a rule on ${rule.field} ${rule.value} already`;
    throw new CodedError('moderate.taken', message, known === null ? undefined : { rule: ruleOf(known) });
  }
}

function ruleOf({ id, siteId, effect, field, value, note, actor, createdAt }: Rule) {
  return { id, site: siteId, effect, field, value, note, actor, createdAt: createdAt.toISOString() };
}
