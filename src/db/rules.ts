// The rules of moderators: what is always let in or kept out. What they mean is judge/rule-set.ts's business.
import { and, asc, eq, gt, isNull, or, sql } from 'drizzle-orm';
import { v7 as newId } from 'uuid';
import type { Db } from './client.ts';
import { rules, sites } from './schema.ts';

export type Rule = typeof rules.$inferSelect;

/** Rules that one site may have, and that there may be for all sites. */
export const mostRules = 1_000;

/** Stores a rule. `too_many` where there are `mostRules` already; fails on `rules_value` where one has its field and value. */
export async function insertRule(
  db: Db,
  rule: Pick<Rule, 'siteId' | 'effect' | 'field' | 'value' | 'note' | 'actor'> & { now: Date },
): Promise<Rule | 'too_many'> {
  const { now, ...columns } = rule;
  return db.transaction(async (tx) => {
    await renew(tx, rule.siteId);
    if ((await tx.$count(rules, of(rule.siteId))) >= mostRules) return 'too_many';
    const [stored] = await tx
      .insert(rules)
      .values({ id: newId(), ...columns, createdAt: now })
      .returning();
    if (stored === undefined) throw new Error('a rule was not stored');
    return stored;
  });
}

export async function getRule(db: Db, id: string): Promise<Rule | null> {
  const [row] = await db.select().from(rules).where(eq(rules.id, id));
  return row ?? null;
}

/** The rule of a site (null: of all sites) on this very value; null if there is none. */
export async function findRule(db: Db, rule: Pick<Rule, 'siteId' | 'field' | 'value'>): Promise<Rule | null> {
  const [row] = await db
    .select()
    .from(rules)
    .where(and(of(rule.siteId), eq(rules.field, rule.field), eq(rules.value, rule.value)));
  return row ?? null;
}

export async function deleteRule(db: Db, rule: Rule): Promise<void> {
  await db.transaction(async (tx) => {
    await renew(tx, rule.siteId);
    await tx.delete(rules).where(eq(rules.id, rule.id));
  });
}

/** All rules that act on a site: its own and those of all sites. */
export async function rulesActingOn(db: Db, siteId: string): Promise<Rule[]> {
  return db
    .select()
    .from(rules)
    .where(acting(siteId))
    .limit(2 * mostRules);
}

/** A page of rules, oldest first, after the one named by `after`; `sight`: only those that act on this site. */
export async function listRules(
  db: Db,
  query: {
    sight: string | null;
    filter: { siteId?: string; field?: Rule['field']; effect?: Rule['effect'] };
    after: string | null;
    limit: number;
  },
): Promise<Rule[]> {
  const { sight, filter, after, limit } = query;
  const where = and(
    sight === null ? undefined : acting(sight),
    filter.siteId === undefined ? undefined : eq(rules.siteId, filter.siteId),
    filter.field === undefined ? undefined : eq(rules.field, filter.field),
    filter.effect === undefined ? undefined : eq(rules.effect, filter.effect),
    after === null ? undefined : gt(rules.id, after),
  );
  return db.select().from(rules).where(where).orderBy(asc(rules.id)).limit(limit);
}

function of(siteId: string | null) {
  return siteId === null ? isNull(rules.siteId) : eq(rules.siteId, siteId);
}

function acting(siteId: string) {
  return or(isNull(rules.siteId), eq(rules.siteId, siteId));
}

/** Tells all processes that the rules of a site, or of all, are others now; two changes of them take turns. */
async function renew(tx: Db, siteId: string | null): Promise<void> {
  // Without the lock a site that is added at this moment would not hear of a rule for all.
  if (siteId === null) await tx.execute(sql`lock table sites in share row exclusive mode`);
  await tx
    .update(sites)
    .set({ rulesVersion: sql`${sites.rulesVersion} + 1` })
    .where(siteId === null ? undefined : eq(sites.id, siteId));
}
