// What other thresholds would have done with what moderators have decided on a site. It changes nothing, and asks the
// thresholds alone: rules and trust in authors are left out.
import { Hono } from 'hono';
import { z } from 'zod';
import { requireSite } from '../auth.ts';
import { type Misjudged, type Replayed, replay } from '../db/stats.ts';
import type { Env } from '../http.ts';
import type { Desk } from './desk.ts';
import { probability, readSingles, sinceOf, timeSchema } from './filters.ts';
import { itemOf } from './item.ts';
import { requireKnown } from './sites.ts';

/** The bounds are those of a site's own thresholds. */
const querySchema = z.strictObject({
  spamAbove: probability.pipe(z.number().min(0.5)).optional(),
  approveBelow: probability.pipe(z.number().max(0.5)).optional(),
  since: timeSchema.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** `GET /sites/<id>/replay`, for moderators. */
export function createReplay({ db, auth, now }: Desk): Hono<Env> {
  const routes = new Hono<Env>();
  routes.get('/:id/replay', async (c) => {
    const caller = await auth.require(c, 'moderate');
    const site = await requireKnown(db, c.req.param('id'));
    requireSite(caller, site.id);
    const query = readSingles(c.req.queries(), querySchema);
    const since = sinceOf(query.since, now());
    const { spamAbove, approveBelow } = site.settings;
    const current = { spamAbove, approveBelow };
    const asked = { spamAbove: query.spamAbove ?? spamAbove, approveBelow: query.approveBelow ?? approveBelow };
    const { counts, wrong } = await replay(db, { siteId: site.id, since, asked, now: current, limit: query.limit });
    return c.json({
      since: since.toISOString(),
      ...asked,
      ...figuresOf(counts, ({ would }) => would),
      wrong: wrong.map(wrongOf),
      current: { ...current, ...figuresOf(counts, ({ wouldNow }) => wouldNow) },
    });
  });
  return routes;
}

/** Counts of one pair of thresholds. Rejected is no label: unwanted, but neither spam nor right to publish. */
function figuresOf(counts: readonly Replayed[], would: (row: Replayed) => Replayed['would']) {
  const count = (made: Replayed['would'], ...actions: Replayed['action'][]) =>
    counts
      .filter((row) => would(row) === made && actions.includes(row.action))
      .reduce((sum, row) => sum + row.count, 0);
  const labelled = (made: Replayed['would']) => count(made, 'approve', 'spam');
  return {
    decided: labelled('spam') + labelled('approved') + labelled('held'),
    spam: { total: labelled('spam'), wrong: count('spam', 'approve') },
    approved: { total: labelled('approved'), wrong: count('approved', 'spam') },
    held: { total: labelled('held'), spam: count('held', 'spam'), ham: count('held', 'approve') },
    rejected: {
      spam: count('spam', 'reject'),
      approved: count('approved', 'reject'),
      held: count('held', 'reject'),
    },
    unscored: count(null, 'approve', 'spam', 'reject'),
  };
}

/** An error, with the probability that it was made of. */
function wrongOf({ submission, probability, action, would, decisionId, decidedAt }: Misjudged) {
  return {
    ...itemOf(submission),
    probability,
    label: action === 'spam' ? 'spam' : 'ham',
    would,
    decision: decisionId,
    decidedAt: decidedAt.toISOString(),
  };
}
