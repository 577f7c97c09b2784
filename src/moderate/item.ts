// How a submission is shown to moderators.
import type { Decision, DecisionResult } from '../db/decisions.ts';
import type { Submission } from '../db/submissions.ts';

/** A submission as lists show it. */
export function itemOf(submission: Submission) {
  const { id, kind, status, version, siteId, source, target, title, content, parentId, ref, probability } = submission;
  const { authorName: name, authorEmail: email, authorUrl: url } = submission;
  return {
    id,
    kind,
    status,
    version,
    site: siteId,
    source,
    target,
    author: { name, email, url },
    title,
    content,
    parent: parentId,
    ref,
    probability,
    wouldBe: submission.verdict?.wouldBe ?? null,
    receivedAt: submission.receivedAt.toISOString(),
    updatedAt: submission.updatedAt.toISOString(),
  };
}

/** A submission's verdict in full; null as long as it has not been judged. */
export function verdictOf({ verdict, judgedAt }: Submission) {
  if (verdict === null) return null;
  const { outcome, wouldBe = null, probability, reasons, groups, tokens, epoch, n } = verdict;
  const judged = judgedAt?.toISOString() ?? null;
  return { outcome, wouldBe, probability, reasons, groups, tokens, epoch, n, judgedAt: judged };
}

/** A decision as the audit log shows it. */
export function decisionOf(decision: Decision, results?: readonly DecisionResult[]) {
  const { id, action, actor, note, at, undoneAt, undoneBy } = decision;
  return {
    id,
    action,
    actor,
    note,
    at: at.toISOString(),
    undoneAt: undoneAt?.toISOString() ?? null,
    undoneBy,
    ...(results && { results }),
  };
}
