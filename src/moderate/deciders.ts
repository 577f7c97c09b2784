// Who may decide: moderators, and on sites whose moderators work in the blog engine, the engine's own tokens. It decides
// nothing itself.
import type { Auth, Caller } from '../auth.ts';
import { getDecision } from '../db/audit.ts';
import type { Db } from '../db/client.ts';
import type { QueueFilter } from '../db/queue.ts';
import { sitesEnginesDecideOn } from '../db/sites.ts';
import { sitesOf } from '../db/submissions.ts';
import { CodedError } from '../errors.ts';
import type { Ctx } from '../http.ts';

/** A caller who may decide; `only`: the sites that an engine may decide on, null for moderators. */
export interface Decider extends Caller {
  only: readonly string[] | null;
}

/** The caller, who must be a moderator, or an engine that may decide on some site. Throws as `auth.require` does. */
export async function requireDecider(db: Db, auth: Auth, c: Ctx): Promise<Decider> {
  const caller = await auth.require(c, 'submit');
  if (caller.scope !== 'submit') return { ...caller, only: null };
  const only = await sitesEnginesDecideOn(db, caller.siteId);
  if (only.length === 0) throw forbidden();
  return { ...caller, only };
}

/** Throws `auth.forbidden` if any of the submissions belongs to a site that the caller may not decide on. */
export async function requireDecidable(db: Db, { only }: Decider, ids: readonly string[]): Promise<void> {
  if (only !== null) requireAmong(only, await sitesOf(db, ids));
}

/** The part of a filter that the caller may decide on. Throws `auth.forbidden` if it names other sites. */
export function decidableFilter({ only }: Decider, filter: QueueFilter): QueueFilter {
  if (only === null) return filter;
  const site = filter.site ?? [...only];
  requireAmong(only, site);
  return { ...filter, site };
}

/** Throws `auth.forbidden` for a decision that the caller may not take back: an engine only its own. */
export async function requireOwn(db: Db, decider: Decider, decisionId: string): Promise<void> {
  if (decider.only === null) return;
  const found = await getDecision(db, decisionId, decider.siteId);
  if (found === null) return;
  if (found.decision.actor !== decider.actor)
    throw new CodedError('auth.forbidden', 'a token of scope submit may take back its own decisions only');
  await requireDecidable(
    db,
    decider,
    found.results.map(({ id }) => id),
  );
}

function requireAmong(only: readonly string[], sites: readonly string[]): void {
  if (sites.some((site) => !only.includes(site))) throw forbidden();
}

function forbidden(): CodedError {
  return new CodedError(
    'auth.forbidden',
    'this needs a token of scope moderate; yours has submit, and the site does not let its engine decide (engineDecides)',
  );
}
