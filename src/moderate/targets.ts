// Managing targets: an engine may describe its posts, close them, and open them again.
import { Hono } from 'hono';
import { z } from 'zod';
import { type Caller, requireSite } from '../auth.ts';
import type { Db } from '../db/client.ts';
import { findSiteOf } from '../db/sites.ts';
import { describeTarget, ensureTarget, getTarget, listTargets, type Target } from '../db/targets.ts';
import { CodedError } from '../errors.ts';
import { type Env, isId, parseJson, readBody } from '../http.ts';
import { cleanText } from '../text.ts';
import type { Desk } from './desk.ts';
import { idSchema, readSingles, timeSchema, urlSchema } from './filters.ts';

const description = {
  title: z.string().max(500).transform(cleanText).optional(),
  text: z.string().transform(cleanText).optional(),
  state: z.enum(['open', 'closed', 'gone']).optional(),
  publishedAt: timeSchema.optional(),
};
const newTarget = z.strictObject({ url: urlSchema, ...description });
const targetChange = z.strictObject(description);
const listSchema = z.strictObject({
  site: idSchema.optional(),
  cursor: idSchema.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** `/targets`: describing a post needs `submit`, reading the list `moderate`. */
export function createTargets({ db, auth, now, maxBodyBytes }: Desk): Hono<Env> {
  const routes = new Hono<Env>();

  routes.get('/', async (c) => {
    const caller = await auth.require(c, 'moderate');
    const { site, cursor, limit } = readSingles(c.req.queries(), listSchema);
    if (site !== undefined) requireSite(caller, site);
    const found = await listTargets(db, site ?? caller.siteId, cursor ?? null, limit + 1);
    const items = found.slice(0, limit);
    return c.json({ items: items.map(targetOf), next: found.length > limit ? (items.at(-1)?.id ?? null) : null });
  });

  routes.post('/', async (c) => {
    const caller = await auth.require(c, 'submit');
    const { url, ...input } = parseJson(await readBody(c, maxBodyBytes), newTarget, 'moderate.bad_input');
    const site = await findSiteOf(db, url);
    if (site === null)
      throw new CodedError('receive.unknown_target', 'the url does not lie under a site of this service');
    requireSite(caller, site.id);
    const target = await ensureTarget(db, site.id, url, now());
    return c.json(targetOf(await describeTarget(db, target, given(input))));
  });

  routes.patch('/:id', async (c) => {
    const caller = await auth.require(c, 'submit');
    const target = await requireTarget(db, c.req.param('id'), caller);
    const input = parseJson(await readBody(c, maxBodyBytes), targetChange, 'moderate.bad_input');
    return c.json(targetOf(await describeTarget(db, target, given(input))));
  });

  routes.get('/:id', async (c) => {
    const caller = await auth.require(c, 'moderate');
    return c.json(targetOf(await requireTarget(db, c.req.param('id'), caller)));
  });
  return routes;
}

async function requireTarget(db: Db, id: string, caller: Caller): Promise<Target> {
  const target = isId(id) ? await getTarget(db, id) : null;
  if (target === null) throw new CodedError('moderate.not_found', `there is no target ${id.slice(0, 50)}`);
  requireSite(caller, target.siteId);
  return target;
}

function given({ title, text, state, publishedAt }: z.output<typeof targetChange>) {
  return {
    ...(title !== undefined && { title }),
    ...(text !== undefined && { text }),
    ...(state !== undefined && { state }),
    ...(publishedAt !== undefined && { publishedAt }),
  };
}

function targetOf({ id, siteId, url, state, title, titleTold, textTold, ...times }: Target) {
  return {
    id,
    site: siteId,
    url,
    state,
    title,
    registered: titleTold || textTold,
    publishedAt: times.publishedAt?.toISOString() ?? null,
    fetchedAt: times.fetchedAt?.toISOString() ?? null,
    createdAt: times.createdAt.toISOString(),
  };
}
