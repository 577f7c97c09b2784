// Turns a probability, the signals, a site's settings and what is known besides into an outcome with its reasons. It never
// sees a text and never teaches the model: what it decides is not a moderator's word.

import type { Reason, SiteSettings } from '../db/schema.ts';
import type { Kind, Status } from '../submission.ts';

export interface Outcome {
  outcome: Extract<Status, 'held' | 'spam' | 'approved'>;
  /** What would have been done, had the site not asked only to watch. */
  wouldBe?: 'spam' | 'approved';
  /** The last is the one that the outcome rests on. */
  reasons: Reason[];
}

/** A rule of the moderators that matches what is judged. */
export interface MatchedRule {
  effect: 'allow' | 'block';
  field: string;
  value: string;
}

/** What is known of a submission besides its verdict. */
export interface Facts {
  /** The rule that decides; null where none matches. */
  rule: MatchedRule | null;
  /** Submissions of the same author that moderators approved before; 0 where nobody vouches for who that is. */
  approvedBefore: number;
  /** Days since the post was published. */
  postAgeDays: number;
}

/** The facts of something of which nothing is known besides its verdict. */
export const noFacts: Facts = { rule: null, approvedBefore: 0, postAgeDays: 0 };

interface Judged {
  probability: number;
  signals: readonly string[];
  kind: Kind;
}

/**
 * The outcome for something judged; what nothing decides is held for a moderator. A rule is a moderator's own word: it
 * wins over the probability, over the post's age, and also where the site only watches what automation would do.
 */
export function decide(judged: Judged, settings: SiteSettings, facts: Facts): Outcome {
  if (facts.rule !== null) return byRule(facts.rule, judged);
  const made = byJudgement(judged, settings, facts);
  if (!settings.shadow || made.outcome === 'held') return made;
  const instead = made.outcome === 'spam' ? 'put aside as spam' : 'approved';
  const watching = { code: 'shadow', detail: `this site only watches: it would have been ${instead}` };
  return { outcome: 'held', wouldBe: made.outcome, reasons: [...made.reasons, watching] };
}

function byRule({ effect, field, value }: MatchedRule, judged: Judged): Outcome {
  const reason = { code: `rule_${effect}`, detail: `a rule of the moderators: ${effect} ${field} ${value}` };
  if (effect === 'block') return { outcome: 'spam', reasons: [reason] };
  if (judged.signals.includes('no_link_back')) return { outcome: 'held', reasons: [reason, noLinkBack] };
  return { outcome: 'approved', reasons: [reason] };
}

function byJudgement({ probability, signals }: Judged, settings: SiteSettings, facts: Facts): Outcome {
  const { spamAbove, holdAfterDays } = settings;
  const percent = `${(probability * 100).toFixed(1)} %`;
  if (probability >= spamAbove) {
    const detail = `the chance of spam is ${percent}, at or above ${spamAbove * 100} %`;
    return { outcome: 'spam', reasons: [{ code: 'above_spam_threshold', detail }] };
  }
  const approving = reasonToApprove(probability, settings, facts);
  if (approving === null)
    return { outcome: 'held', reasons: [{ code: 'awaits_moderator', detail: `the chance of spam is ${percent}` }] };
  if (signals.includes('no_link_back')) return { outcome: 'held', reasons: [noLinkBack] };
  if (holdAfterDays !== null && facts.postAgeDays >= holdAfterDays) {
    const detail = `the post is ${Math.floor(facts.postAgeDays)} days old: from ${holdAfterDays} on nothing is approved unseen`;
    return { outcome: 'held', reasons: [{ code: 'old_post', detail }] };
  }
  return { outcome: 'approved', reasons: [approving] };
}

const noLinkBack = { code: 'no_link_back', detail: 'the source does not link here, so it is never approved unseen' };

function reasonToApprove(probability: number, settings: SiteSettings, facts: Facts): Reason | null {
  const { spamAbove, approveBelow, trustAfterApproved } = settings;
  // NaN compares false everywhere; it must not be approved for not being above.
  const trusted = trustAfterApproved !== null && facts.approvedBefore >= trustAfterApproved;
  if (trusted && probability < spamAbove) {
    const detail = `moderators have approved this author before, ${trustAfterApproved} times or more, and marked nothing as spam`;
    return { code: 'trusted_author', detail };
  }
  if (approveBelow === null || !(probability < approveBelow)) return null;
  const detail = `the chance of spam is ${(probability * 100).toFixed(1)} %, below ${approveBelow * 100} %`;
  return { code: 'below_approve_threshold', detail };
}
