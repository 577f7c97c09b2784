// Managing sites: the blogs whose responses are taken in, and their settings.
import { Hono } from 'hono';
import { z } from 'zod';
import { requireSite } from '../auth.ts';
import { type Db, violatedConstraint } from '../db/client.ts';
import { defaultSettings, getSite, insertSite, listSites, type Site, updateSite } from '../db/sites.ts';
import { CodedError } from '../errors.ts';
import { type Env, isId, parseJson, readBody } from '../http.ts';
import { cleanText } from '../text.ts';
import type { Desk } from './desk.ts';
import { urlSchema } from './filters.ts';

/** Sites that one list shows. */
const mostListed = 1_000;

/** A base URL; its query and fragment are dropped. */
const base = urlSchema.transform((url) => {
  url.search = '';
  url.hash = '';
  return url;
});
const name = z
  .string()
  .transform((text) => cleanText(text).trim())
  .pipe(z.string().min(1).max(200));
const bases = z.array(base).min(1).max(20);
const days = z.number().int().min(1).max(36_500).nullable().optional();
const settings = z.strictObject({
  spamAbove: z.number().min(0.5).max(1).optional(),
  approveBelow: z.number().min(0).max(0.5).nullable().optional(),
  shadow: z.boolean().optional(),
  trustAfterApproved: z.number().int().min(1).max(1_000).nullable().optional(),
  holdAfterDays: days,
  closeAfterDays: days,
  engineDecides: z.boolean().optional(),
});
const newSite = z.strictObject({ name: name.optional(), bases, settings: settings.optional() });
const siteChange = z.strictObject({ name: name.optional(), bases: bases.optional(), settings: settings.optional() });

/** `/sites`: reading needs `moderate`, writing `admin`. */
export function createSites({ db, auth, now, maxBodyBytes }: Desk): Hono<Env> {
  const routes = new Hono<Env>();

  routes.get('/', async (c) => {
    const caller = await auth.require(c, 'moderate');
    return c.json({ items: (await listSites(db, caller.siteId, mostListed)).map(siteOf) });
  });

  routes.post('/', async (c) => {
    const caller = await auth.require(c, 'admin');
    if (caller.siteId !== null) throw new CodedError('auth.forbidden', 'a token bound to one site cannot add another');
    const input = parseJson(await readBody(c, maxBodyBytes), newSite, 'moderate.bad_input');
    const settings = { ...defaultSettings, ...given(input.settings) };
    requireOrder(settings);
    const site = {
      name: input.name ?? (input.bases[0] as URL).host,
      bases: input.bases,
      settings,
      now: now(),
    };
    return c.json(siteOf(await uniqueBases(() => insertSite(db, site))), 201);
  });

  routes.get('/:id', async (c) => {
    const caller = await auth.require(c, 'moderate');
    const site = await requireKnown(db, c.req.param('id'));
    requireSite(caller, site.id);
    return c.json(siteOf(site));
  });

  routes.patch('/:id', async (c) => {
    const caller = await auth.require(c, 'admin');
    const site = await requireKnown(db, c.req.param('id'));
    requireSite(caller, site.id);
    const { settings, name, bases } = parseJson(await readBody(c, maxBodyBytes), siteChange, 'moderate.bad_input');
    if (bases !== undefined && caller.siteId !== null)
      throw new CodedError('auth.forbidden', 'a token bound to one site cannot change its bases');
    const change = {
      ...(name && { name }),
      ...(bases && { bases }),
      ...(settings && { settings: given(settings) }),
    };
    const changed = await uniqueBases(() => updateSite(db, site.id, change, requireOrder));
    return c.json(siteOf(changed ?? site));
  });
  return routes;
}

function siteOf({ id, name, bases, settings, createdAt }: Site) {
  return { id, name, bases, settings, createdAt: createdAt.toISOString() };
}

/** The site of this id. Throws `moderate.not_found` where there is none. */
export async function requireKnown(db: Db, id: string): Promise<Site> {
  const site = isId(id) ? await getSite(db, id) : null;
  if (site === null) throw new CodedError('moderate.not_found', `there is no site ${id.slice(0, 50)}`);
  return site;
}

function given(settings: z.output<typeof siteChange>['settings'] = {}): Partial<Site['settings']> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** One probability cannot be spam and wanted: the thresholds may not meet. */
function requireOrder({ spamAbove, approveBelow }: Site['settings']): void {
  if (approveBelow !== null && approveBelow >= spamAbove)
    throw new CodedError(
      'moderate.bad_input',
      `settings.approveBelow: must be below spamAbove; they would be ${approveBelow} and ${spamAbove}`,
    );
}

async function uniqueBases<Result>(write: () => Promise<Result>): Promise<Result> {
  try {
    return await write();
  } catch (error) {
    if (violatedConstraint(error) === null) throw error;
    throw new CodedError('moderate.taken', 'one of these bases belongs to a site already');
  }
}
