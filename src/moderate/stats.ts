// How good the judging is on each site, by what moderators decided and the scores made before they did; and how far queue
// and model are. It measures only, and only what was decided: what nobody looked at is in no figure.
import { Hono } from 'hono';
import { z } from 'zod';
import { requireSite } from '../auth.ts';
import { listSites, type Site } from '../db/sites.ts';
import { type DecidedBin, decidedBins, type SiteProgress, siteProgress, statusCounts } from '../db/stats.ts';
import type { Env } from '../http.ts';
import { type Status, statuses } from '../submission.ts';
import type { Desk } from './desk.ts';
import { idSchema, readSingles, sinceOf, timeSchema } from './filters.ts';

/** Below this many standing decisions of either label the starter model judges nearly alone. */
const coldBelow = 10;
/** From this many of each label on a site's own decisions outweigh the starter. */
const warmFrom = 100;

const querySchema = z.strictObject({
  site: idSchema.optional(),
  since: timeSchema.optional(),
  cursor: idSchema.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** `GET /stats`, for moderators: the sites in their sight, by pages. */
export function createStats({ db, auth, now }: Desk): Hono<Env> {
  const routes = new Hono<Env>();
  routes.get('/', async (c) => {
    const caller = await auth.require(c, 'moderate');
    const { site, since: asked, cursor, limit } = readSingles(c.req.queries(), querySchema);
    if (site !== undefined) requireSite(caller, site);
    const since = sinceOf(asked, now());
    const found = await listSites(db, site ?? caller.siteId, limit + 1, cursor);
    const sites = found.slice(0, limit);
    const ids = sites.map(({ id }) => id);
    const [bins, progress, counts] = await Promise.all([
      decidedBins(
        db,
        sites.map(({ id, settings: { spamAbove } }) => ({ id, spamAbove })),
        since,
      ),
      siteProgress(db, ids),
      statusCounts(db, ids, statuses),
    ]);
    const items = sites.map((site) =>
      statsOf(site, now(), {
        bins: bins.filter(({ siteId }) => siteId === site.id),
        progress: progress.find(({ siteId }) => siteId === site.id),
        counts: new Map(counts.filter(({ siteId }) => siteId === site.id).map(({ status, count }) => [status, count])),
      }),
    );
    const next = found.length > limit ? (ids.at(-1) ?? null) : null;
    return c.json({ since: since.toISOString(), items, next });
  });
  return routes;
}

interface Facts {
  bins: readonly DecidedBin[];
  progress: SiteProgress | undefined;
  counts: ReadonlyMap<Status, number>;
}

function statsOf(site: Site, now: Date, { bins, progress, counts }: Facts) {
  const { id, name, epoch, logN: n, settings } = site;
  const { ham = 0, spam = 0, oldestHeldAt = null } = progress ?? {};
  const scored = bins.filter(({ bin }) => bin !== null);
  return {
    site: id,
    name,
    state: stateOf(ham, spam),
    model: { ham, spam, epoch, n },
    counts: Object.fromEntries(statuses.map((status) => [status, counts.get(status) ?? 0])),
    queue: {
      length: counts.get('held') ?? 0,
      oldestAt: oldestHeldAt?.toISOString() ?? null,
      oldestSeconds: oldestHeldAt === null ? null : Math.max(0, Math.round((now.getTime() - +oldestHeldAt) / 1_000)),
    },
    decided: {
      ham: total(bins.filter(isHam)),
      spam: total(bins.filter(isSpam)),
      rejected: total(bins.filter(({ action }) => action === 'reject')),
      unscored: total(bins.filter(({ bin }) => bin === null)),
    },
    accuracy: [
      accuracyAt(0.5, scored, (row) => ((row.bin ?? 0) >= 5 ? row.count : 0)),
      accuracyAt(settings.spamAbove, scored, (row) => row.above),
    ],
    policy: policyOf(bins),
    ...calibrationOf(scored.filter((row) => isHam(row) || isSpam(row))),
  };
}

function stateOf(ham: number, spam: number): 'cold' | 'warming' | 'warm' {
  const fewer = Math.min(ham, spam);
  if (fewer < coldBelow) return 'cold';
  return fewer < warmFrom ? 'warming' : 'warm';
}

const isHam = ({ action }: DecidedBin) => action === 'approve';
const isSpam = ({ action }: DecidedBin) => action === 'spam';

function total(rows: readonly DecidedBin[], count = (row: DecidedBin) => row.count): number {
  return rows.reduce((sum, row) => sum + count(row), 0);
}

/** How a threshold alone does; `called` tells how many of alike decisions have a probability of it or more. */
function accuracyAt(threshold: number, scored: readonly DecidedBin[], called: (row: DecidedBin) => number) {
  const [ham, spam] = [scored.filter(isHam), scored.filter(isSpam)];
  const [right, wrong] = [total(spam, called), total(ham, called)];
  return {
    threshold,
    precision: share(right, right + wrong),
    recall: share(right, total(spam)),
    falsePositiveRate: share(wrong, total(ham)),
  };
}

/** What policy did, or in `shadow` would have done, and how much of it moderators decided against. */
function policyOf(bins: readonly DecidedBin[]) {
  const of = (outcome: DecidedBin['outcome']) => bins.filter((row) => row.outcome === outcome);
  const labelled = (rows: readonly DecidedBin[]) => rows.filter((row) => isHam(row) || isSpam(row));
  return {
    spam: { total: total(labelled(of('spam'))), wrong: total(of('spam').filter(isHam)) },
    approved: { total: total(labelled(of('approved'))), wrong: total(of('approved').filter(isSpam)) },
    held: { spam: total(of('held').filter(isSpam)), ham: total(of('held').filter(isHam)) },
  };
}

/** Whether nine in ten that were scored 0.9 are spam: ten bins, the expected error over them, and the Brier score. */
function calibrationOf(labelled: readonly DecidedBin[]) {
  const all = total(labelled);
  const calibration = Array.from({ length: 10 }, (_, bin) => {
    const rows = labelled.filter((row) => row.bin === bin);
    const count = total(rows);
    const probability = share(
      total(rows, (row) => row.probabilities),
      count,
    );
    return { from: bin / 10, to: (bin + 1) / 10, count, probability, spam: share(total(rows.filter(isSpam)), count) };
  });
  const gaps = calibration.map(({ count, probability, spam }) => count * Math.abs((probability ?? 0) - (spam ?? 0)));
  // (p - 1)^2 of spam and p^2 of ham, from their sums.
  const squares = total(labelled, (row) => row.squares + (isSpam(row) ? row.count - 2 * row.probabilities : 0));
  return {
    calibration,
    ece: share(
      gaps.reduce((sum, gap) => sum + gap, 0),
      all,
    ),
    brier: share(squares, all),
  };
}

/** Null where there is nothing to be a share of. */
function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
