// Turns a probability, the signals and a site's settings into an outcome with its reasons. It never sees a text and
// never teaches the model: what it decides is not a moderator's word.

import type { Reason, SiteSettings } from '../db/schema.ts';
import type { Kind, Status } from '../submission.ts';

export interface Outcome {
  outcome: Extract<Status, 'held' | 'spam' | 'approved'>;
  reasons: Reason[];
}

/** The outcome for something judged. Everything that no rule decides is held for a moderator. */
export function decide(
  judged: { probability: number; signals: readonly string[]; kind: Kind },
  settings: Pick<SiteSettings, 'spamAbove' | 'approveBelow'>,
): Outcome {
  const { probability, signals } = judged;
  const percent = `${(probability * 100).toFixed(1)} %`;
  if (probability >= settings.spamAbove) {
    const detail = `the chance of spam is ${percent}, at or above ${settings.spamAbove * 100} %`;
    return { outcome: 'spam', reasons: [{ code: 'above_spam_threshold', detail }] };
  }
  // NaN compares false above; it must not be approved below.
  const low = settings.approveBelow !== null && probability < settings.approveBelow;
  if (low && signals.includes('no_link_back')) {
    const detail = 'the source does not link here, so it is never approved unseen';
    return { outcome: 'held', reasons: [{ code: 'no_link_back', detail }] };
  }
  if (low) {
    const detail = `the chance of spam is ${percent}, below ${(settings.approveBelow ?? 0) * 100} %`;
    return { outcome: 'approved', reasons: [{ code: 'below_approve_threshold', detail }] };
  }
  return { outcome: 'held', reasons: [{ code: 'awaits_moderator', detail: `the chance of spam is ${percent}` }] };
}
