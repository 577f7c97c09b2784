// Sites and the bases under which their targets lie.
import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm';
import { v7 as newId } from 'uuid';
import { baseKey, isUnder, parseUrl } from '../url.ts';
import type { Db } from './client.ts';
import { type SiteSettings, siteBases, sites } from './schema.ts';

export type Site = typeof sites.$inferSelect & { bases: string[] };

export const defaultSettings: SiteSettings = {
  spamAbove: 0.9,
  approveBelow: null,
  shadow: false,
  trustAfterApproved: null,
  holdAfterDays: null,
  closeAfterDays: null,
  engineDecides: false,
};

/** Stores a site. A base that another site has already makes the whole write fail on `site_bases_pkey`. */
export async function insertSite(
  db: Db,
  site: { name: string; bases: readonly URL[]; settings: SiteSettings; now: Date },
): Promise<Site> {
  return db.transaction(async (tx) => {
    const [row] = await tx
      .insert(sites)
      .values({ id: newId(), name: site.name, settings: site.settings, createdAt: site.now })
      .returning();
    if (row === undefined) throw new Error('a site was not stored');
    await insertBases(tx, row.id, site.bases);
    return (await withBases(tx, [row]))[0] as Site;
  });
}

/**
 * Changes what is given of a site, and of its settings; `bases` replaces all of them. Null if there is no such site.
 * `check` is shown all settings as they would be, and throws if they do not go together.
 */
export async function updateSite(
  db: Db,
  id: string,
  change: { name?: string; bases?: readonly URL[]; settings?: Partial<SiteSettings> },
  check: (settings: SiteSettings) => void,
): Promise<Site | null> {
  const { bases, name } = change;
  await db.transaction(async (tx) => {
    // Of two changes at the same time the second sees the first: of settings none is lost, of bases it replaces all.
    const [site] = await tx.select().from(sites).where(eq(sites.id, id)).for('update');
    if (site === undefined) return;
    const settings = { ...defaultSettings, ...site.settings, ...change.settings };
    check(settings);
    const columns = { ...(name !== undefined && { name }), ...(change.settings && { settings }) };
    if (Object.keys(columns).length > 0) await tx.update(sites).set(columns).where(eq(sites.id, id));
    if (bases === undefined) return;
    await tx.delete(siteBases).where(eq(siteBases.siteId, id));
    await insertBases(tx, id, bases);
  });
  return getSite(db, id);
}

async function insertBases(db: Db, siteId: string, bases: readonly URL[]): Promise<void> {
  // The same base written twice is one; the first way of writing it stays.
  const byKey = new Map([...bases].reverse().map((url) => [baseKey(url), url]));
  await db.insert(siteBases).values([...byKey].map(([key, url]) => ({ key, host: url.host, url: url.href, siteId })));
}

export async function getSite(db: Db, id: string): Promise<Site | null> {
  const [row] = await db.select().from(sites).where(eq(sites.id, id));
  return row === undefined ? null : ((await withBases(db, [row]))[0] ?? null);
}

/** The oldest sites after the one of id `after` if it is given, or the one of `siteId`. */
export async function listSites(db: Db, siteId: string | null, limit: number, after?: string): Promise<Site[]> {
  const chosen = and(
    siteId === null ? undefined : eq(sites.id, siteId),
    after === undefined ? undefined : gt(sites.id, after),
  );
  return withBases(db, await db.select().from(sites).where(chosen).orderBy(asc(sites.id)).limit(limit));
}

async function withBases(db: Db, found: (typeof sites.$inferSelect)[]): Promise<Site[]> {
  const ids = found.map((site) => site.id);
  const bases =
    ids.length === 0
      ? []
      : await db.select().from(siteBases).where(inArray(siteBases.siteId, ids)).orderBy(asc(siteBases.key));
  return found.map((site) => ({
    ...site,
    // A site stored before a setting existed has the default of it.
    settings: { ...defaultSettings, ...site.settings },
    bases: bases.filter((base) => base.siteId === site.id).map((base) => base.url),
  }));
}

/** The site whose base a target lies under, the longest base winning; null outside every site. */
export async function findSiteOf(db: Db, target: URL): Promise<Site | null> {
  const found = await db.select().from(siteBases).where(eq(siteBases.host, target.host));
  const covering = found.filter((base) => isUnder(base.key, target));
  const longest = covering.sort((a, b) => b.key.length - a.key.length)[0];
  return longest === undefined ? null : getSite(db, longest.siteId);
}

/** Ids of the sites whose engine may decide: all of them, or `siteId` if it is one. */
export async function sitesEnginesDecideOn(db: Db, siteId: string | null): Promise<string[]> {
  const chosen = siteId === null ? undefined : eq(sites.id, siteId);
  const found = await db
    .select({ id: sites.id })
    .from(sites)
    .where(and(chosen, sql`${sites.settings} @> '{"engineDecides": true}'::jsonb`));
  return found.map(({ id }) => id);
}

/** Whether a site has this very base. */
export async function hasBase(db: Db, base: URL): Promise<boolean> {
  return (
    (
      await db
        .select({ key: siteBases.key })
        .from(siteBases)
        .where(eq(siteBases.key, baseKey(base)))
    ).length > 0
  );
}

/** Whether some site has a base of this origin (`https://blog.example`). */
export async function hasSiteAtOrigin(db: Db, origin: string): Promise<boolean> {
  const url = parseUrl(origin);
  if (url === null) return false;
  const found = await db.select({ url: siteBases.url }).from(siteBases).where(eq(siteBases.host, url.host));
  return found.some((base) => new URL(base.url).origin === origin);
}
