// Composes the rooms into routes: each gets the functions of others that it needs.
import { createAuth } from './auth.ts';
import type { Config } from './config.ts';
import { approvedSources } from './db/approved.ts';
import type { Db } from './db/client.ts';
import { addressKey } from './db/installation.ts';
import { findSiteOf, getSite, hasSiteAtOrigin } from './db/sites.ts';
import { findTarget, getTarget } from './db/targets.ts';
import { createPublished } from './deliver/published.ts';
import type { createAddressReader } from './http.ts';
import type { Copies } from './judge/copies.ts';
import type { Judge } from './judge/judge.ts';
import type { Refitting } from './judge/refitting.ts';
import { ruleValue } from './judge/rule-value.ts';
import { createLimit } from './limit.ts';
import { type Log, loggable } from './log.ts';
import { createAudit } from './moderate/audit.ts';
import { createDecisions } from './moderate/decisions.ts';
import type { Desk } from './moderate/desk.ts';
import { createQueue } from './moderate/queue.ts';
import { createReplay } from './moderate/replay.ts';
import { createRetraining } from './moderate/retraining.ts';
import { createRules } from './moderate/rules.ts';
import { createSites } from './moderate/sites.ts';
import { createStats } from './moderate/stats.ts';
import { createTargets } from './moderate/targets.ts';
import { createTokens } from './moderate/tokens.ts';
import { createCommentDoor } from './receive/comment.ts';
import type { Door } from './receive/door.ts';
import { createIntake } from './receive/intake.ts';
import { createPingbackDoor } from './receive/pingback.ts';
import { createTrackbackDoor } from './receive/trackback.ts';
import { targetKey } from './url.ts';
import type { Verification } from './verify/verification.ts';

interface Parts {
  config: Config;
  db: Db;
  now: () => Date;
  log: Log;
  judge: Judge;
  copies: Copies;
  refitting: Refitting;
  verification: Verification;
  address: ReturnType<typeof createAddressReader>;
  ownHost: string;
}

/** All routes, by the path that they are mounted at. */
export async function createRoutes(parts: Parts) {
  const { config, db, now, log, judge, copies, refitting, verification, address, ownHost } = parts;
  const limit = createLimit(config.RATE_PER_MINUTE, address);
  const auth = createAuth(db, config.ADMIN_TOKEN, limit);
  const maxTrustedBodyBytes = config.MAX_TRUSTED_BODY_BYTES;
  const intake = createIntake({
    db,
    now,
    addressKey: await addressKey(db),
    ownHost,
    verifyDelayMs: config.VERIFY_DELAY_MS,
    refetchMinMs: config.REFETCH_MIN_MS,
    targetRefetchHours: config.TARGET_REFETCH_HOURS,
    judgeComment: judge.verdictOnComment,
    copies,
  });
  const door: Door = {
    intake,
    limit,
    address,
    maxBodyBytes: config.MAX_BODY_BYTES,
    report: (error: unknown) => log.error(loggable(error), 'a door failed'),
  };
  const pingback = createPingbackDoor({
    ...door,
    pingsOf: (target) => pingsOf(db, target),
    lookNow: config.PINGBACK_DETAILED ? (id) => verification.lookNow(id, 2_500) : null,
  });
  const trackback = createTrackbackDoor({
    ...door,
    targetById: async (id) => urlOf((await getTarget(db, id))?.url),
    siteBase: async (id) => urlOf((await getSite(db, id))?.bases[0]),
  });
  const comments = createCommentDoor({
    ...door,
    auth,
    maxTrustedBodyBytes,
    maxCommentChars: config.MAX_COMMENT_CHARS,
    siteOf: (target) => findSiteOf(db, target),
    isSiteOrigin: (origin) => hasSiteAtOrigin(db, origin),
  });
  const desk: Desk = { db, auth, now, maxBodyBytes: maxTrustedBodyBytes };
  const { onSubmissions, decisions } = createDecisions({ ...desk, lessonOf: judge.lesson, learned: judge.catchUp });
  return [
    ['/xmlrpc', pingback],
    ['/xmlrpc.php', pingback],
    ['/RPC2', pingback],
    ['/trackback', trackback],
    ['/v1', comments],
    ['/v1/submissions', createQueue(desk)],
    ['/v1/submissions', onSubmissions],
    ['/v1/decisions', decisions],
    ['/v1/decisions', createAudit({ ...desk, learned: judge.catchUp })],
    ['/v1/sites', createSites(desk)],
    ['/v1/sites', createRetraining({ ...desk, retrain: refitting.retrain })],
    ['/v1/sites', createReplay(desk)],
    ['/v1/stats', createStats(desk)],
    ['/v1/targets', createTargets(desk)],
    ['/v1/rules', createRules({ ...desk, readValue: ruleValue })],
    ['/v1/tokens', createTokens(desk)],
    ['/v1/published', createPublished({ db })],
  ] as const;
}

async function pingsOf(db: Db, url: URL): Promise<string[] | 'gone' | null> {
  const site = await findSiteOf(db, url);
  if (site === null) return null;
  const target = await findTarget(db, site.id, targetKey(url));
  if (target === null) return [];
  if (target.state === 'gone') return 'gone';
  return approvedSources(db, target.id, 1_000);
}

function urlOf(text: string | undefined): URL | null {
  return text === undefined ? null : new URL(text);
}
