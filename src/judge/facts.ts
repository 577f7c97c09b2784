// Gathers what policy must know of a submission besides its verdict: the rule that matches, what moderators made of its
// author before, and the age of the post. Decides nothing.
import { type Author, approvedBefore } from '../db/authors.ts';
import type { Db } from '../db/client.ts';
import { rulesActingOn } from '../db/rules.ts';
import type { Site } from '../db/sites.ts';
import type { Submission } from '../db/submissions.ts';
import { daysBetween } from '../db/targets.ts';
import type { Facts } from './policy.ts';
import { compileRules, matchRule, type RuleSet, type Subject } from './rule-set.ts';

/** Gathers the facts of a submission on a site, under a post published at `postedAt` (null: nobody knows the post yet). */
export type FactFinder = (
  site: Site,
  subject: Subject & Pick<Submission, 'signals'>,
  postedAt: Date | null,
) => Promise<Facts>;

/** Sites whose rules are kept in memory. */
const mostSites = 500;

/** One for the process. A site's row says whether the rules in memory are its latest, in every process and at once. */
export function createFactFinder(db: Db, now: () => Date): FactFinder {
  const known = new Map<string, { version: number; rules: RuleSet }>();

  async function rulesOf(site: Site): Promise<RuleSet> {
    const held = known.get(site.id);
    if (held?.version === site.rulesVersion) return held.rules;
    const rules = compileRules(await rulesActingOn(db, site.id));
    known.delete(site.id);
    known.set(site.id, { version: site.rulesVersion, rules });
    const [oldest] = known.keys();
    if (known.size > mostSites && oldest !== undefined) known.delete(oldest);
    return rules;
  }

  return async (site, subject, postedAt) => {
    const { trustAfterApproved } = site.settings;
    const author = trustAfterApproved === null ? null : authorOf(subject);
    return {
      rule: matchRule(await rulesOf(site), subject),
      approvedBefore: author === null ? 0 : await approvedBefore(db, site.id, author, trustAfterApproved ?? 0),
      postAgeDays: postedAt === null ? 0 : daysBetween(postedAt, now()),
    };
  };
}

/** Who somebody vouches for: the engine for a comment's e-mail address, verification for a ping's source. Else nobody. */
function authorOf({ kind, forwarded, authorEmail, source, signals }: Parameters<FactFinder>[1]): Author | null {
  if (kind === 'comment') return forwarded && authorEmail !== null ? { email: authorEmail } : null;
  return source === null || signals.includes('no_link_back') ? null : { host: new URL(source).host };
}
