// The composition root: builds every part once from the settings, hands each what it needs, starts and stops them.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createApp } from './app.ts';
import { createAuth, newToken, tokenHash } from './auth.ts';
import type { Config } from './config.ts';
import { type Database, type Db, openDatabase } from './db/client.ts';
import { addressKey } from './db/installation.ts';
import { defaultSettings, findSiteOf, getSite, hasBase, hasSiteAtOrigin, insertSite, listSites } from './db/sites.ts';
import { approvedUnder, forgetAddresses, releaseLeases } from './db/submissions.ts';
import { findTarget, getTarget } from './db/targets.ts';
import { hasAdminToken, insertToken } from './db/tokens.ts';
import { createPublished } from './deliver/published.ts';
import { createAddressReader } from './http.ts';
import { createJudge, type Judge } from './judge/judge.ts';
import { decodeStarter } from './judge/starter.ts';
import { createLimit } from './limit.ts';
import { listen } from './listener.ts';
import { createLog, type Log, loggable } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createDecisions } from './moderate/decisions.ts';
import { createQueue } from './moderate/queue.ts';
import { createSites } from './moderate/sites.ts';
import { createTargets } from './moderate/targets.ts';
import { createTokens } from './moderate/tokens.ts';
import { parseAllowed } from './public-address.ts';
import { createCommentDoor } from './receive/comment.ts';
import { createIntake } from './receive/intake.ts';
import { createPingbackDoor } from './receive/pingback.ts';
import { createTrackbackDoor } from './receive/trackback.ts';
import { createSafeFetch, type ResolvedAddress } from './safe-fetch.ts';
import { targetKey } from './url.ts';
import { createTargetFetch } from './verify/target-page.ts';
import { createVerification, type Verification } from './verify/verification.ts';
import { type Step, startWorker } from './worker.ts';

/** This version, as it is told to the pages that are fetched. */
export const version = '0.1.0';

/** The folder that holds `drizzle` and `src`, seen from here and from the bundle alike. */
const root = new URL('..', import.meta.url);
const migrations = fileURLToPath(new URL('drizzle', root));
const starterFile = new URL('src/judge/starter/model.bin', root);

/** What tests put in the place of the world: the clock, name resolution, and a database that is open already. */
export interface World {
  now?: () => Date;
  resolve?: (hostname: string) => Promise<readonly ResolvedAddress[]>;
  database?: (migrations: string) => Promise<Database>;
}

export interface Service {
  /** Where it listens. */
  url: string;
  /** The admin token, if this start made one: it cannot be shown again. */
  newAdminToken: string | null;
  /** Whether there is any site yet. */
  hasSites: boolean;
  /** Stops accepting, lets open requests and fetches end, closes the database. */
  stop(): Promise<void>;
}

/** Starts the service. Throws an Error with a message for the operator if it cannot. */
export async function startService(config: Config, world: World = {}): Promise<Service> {
  const now = world.now ?? (() => new Date());
  const log = createLog(config.LOG_LEVEL);
  // Settings are checked before the database is touched.
  const allow = config.FETCH_ALLOW.map(parseAllowed);
  const address = createAddressReader(config.TRUST_PROXY);
  const database = await (world.database?.(migrations) ??
    openDatabase({ databaseUrl: config.DATABASE_URL, dataDir: config.DATA_DIR, migrations }));
  try {
    const { db } = database;
    const newAdminToken = await ensureAdminToken(db, config, now);
    await ensureSites(db, config.SITES, now);
    // Nobody else can be working on an embedded database: what is leased was in hand when the last process was killed.
    if (config.DATABASE_URL === undefined) await releaseLeases(db);
    if (allow.length > 0) log.warn({ FETCH_ALLOW: config.FETCH_ALLOW }, 'addresses that are not public may be fetched');

    const listener = await listen(config.HOST, config.PORT);
    const { url } = listener;
    const publicUrl = new URL(config.PUBLIC_URL ?? url);
    const fetch = createSafeFetch({
      allow,
      userAgent: `Backtalk/${version} (+${publicUrl.href})`,
      timeoutMs: config.FETCH_TIMEOUT_MS,
      maxBytes: config.FETCH_MAX_BYTES,
      maxRedirects: config.FETCH_MAX_REDIRECTS,
      refuseHosts: [hostAndPort(publicUrl)],
      ...(world.resolve && { resolve: world.resolve }),
    });
    const judge = createJudge(db, decodeStarter(await readFile(starterFile)));
    const fetching = {
      db,
      now,
      fetch,
      attempts: config.VERIFY_ATTEMPTS,
      retryMs: config.VERIFY_RETRY_MS,
      // Long enough for a fetch that uses all its time, and for what is done with it.
      leaseMs: config.FETCH_TIMEOUT_MS + 10_000,
    };
    const verification = createVerification({
      ...fetching,
      judge: judge.verdictOn,
      concurrency: config.VERIFY_CONCURRENCY,
    });
    const metrics = createMetrics();
    const routes = await createRoutes({ config, db, now, log, judge, verification, address, ownHost: publicUrl.host });
    listener.serve(createApp({ log, metrics, routes, isReady: database.isUpToDate }));

    const report = (step: string, error: unknown) => {
      metrics.workFailed(step);
      log.error({ step, ...loggable(error) }, 'background work failed');
    };
    const steps = [
      verification.step,
      createTargetFetch(fetching),
      rejudging(judge, now),
      forgetting(db, config.IP_KEEP_HOURS, now),
    ];
    const worker = startWorker(steps, { idleMs: config.WORKER_IDLE_MS, report });
    log.info({ url, database: config.DATABASE_URL === undefined ? 'embedded' : 'postgres' }, 'started');

    return {
      url,
      newAdminToken,
      hasSites: (await listSites(db, 1)).length > 0,
      async stop() {
        await Promise.all([listener.close(config.STOP_TIMEOUT_MS), worker.stop(config.STOP_TIMEOUT_MS)]);
        await database.close();
        log.info('stopped');
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

interface Parts {
  config: Config;
  db: Db;
  now: () => Date;
  log: Log;
  judge: Judge;
  verification: Verification;
  address: ReturnType<typeof createAddressReader>;
  ownHost: string;
}

async function createRoutes({ config, db, now, log, judge, verification, address, ownHost }: Parts) {
  const auth = createAuth(db, config.ADMIN_TOKEN);
  const limit = createLimit(config.RATE_PER_MINUTE, address);
  const maxBodyBytes = config.MAX_BODY_BYTES;
  const intake = createIntake({
    db,
    now,
    addressKey: await addressKey(db),
    ownHost,
    verifyDelayMs: config.VERIFY_DELAY_MS,
    refetchMinMs: config.REFETCH_MIN_MS,
    judgeComment: (site, target, { author, content, post }) => {
      const judged = {
        id: null,
        kind: 'comment',
        authorName: author.name,
        authorEmail: author.email,
        authorUrl: author.url,
        title: null,
        content,
        source: null,
        signals: [],
      } as const;
      const text = { title: post?.title ?? target?.title ?? null, text: post?.text ?? target?.text ?? null };
      return judge.verdict(site, { ...judged, signals: [] }, { id: target?.id ?? null, ...text });
    },
  });
  const door = {
    intake,
    limit,
    address,
    maxBodyBytes,
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
    maxCommentChars: config.MAX_COMMENT_CHARS,
    siteOf: (target) => findSiteOf(db, target),
    isSiteOrigin: (origin) => hasSiteAtOrigin(db, origin),
  });
  const desk = { db, auth, now, maxBodyBytes };
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
    ['/v1/sites', createSites(desk)],
    ['/v1/targets', createTargets(desk)],
    ['/v1/tokens', createTokens(desk)],
    ['/v1/published', createPublished({ db })],
  ] as const;
}

async function ensureAdminToken(db: Db, config: Config, now: () => Date): Promise<string | null> {
  if (config.ADMIN_TOKEN !== undefined || (await hasAdminToken(db))) return null;
  const token = newToken();
  await insertToken(db, { hash: tokenHash(token), name: 'admin', scope: 'admin', siteId: null, now: now() });
  return token;
}

async function ensureSites(db: Db, wanted: readonly string[], now: () => Date): Promise<void> {
  for (const base of wanted.map((text) => new URL(text))) {
    if (!(await hasBase(db, base)))
      await insertSite(db, { name: base.host, bases: [base], settings: defaultSettings, now: now() });
  }
}

async function pingsOf(db: Db, url: URL): Promise<string[] | 'gone' | null> {
  const site = await findSiteOf(db, url);
  if (site === null) return null;
  const target = await findTarget(db, site.id, targetKey(url));
  if (target === null) return [];
  if (target.state === 'gone') return 'gone';
  const found = await approvedUnder(db, target.id, 1_000);
  return found.map((submission) => submission.source).filter((source) => source !== null);
}

function rejudging(judge: Judge, now: () => Date): Step {
  return {
    name: 'judge again',
    concurrency: 1,
    claim: async () => ((await judge.rejudge(now())) > 0 ? async () => {} : null),
  };
}

function forgetting(db: Db, hours: number, now: () => Date): Step {
  return {
    name: 'forget addresses',
    concurrency: 1,
    claim: async () =>
      (await forgetAddresses(db, new Date(now().getTime() - hours * 3_600_000), 500)) > 0 ? async () => {} : null,
  };
}

function hostAndPort(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
}

function urlOf(text: string | undefined): URL | null {
  return text === undefined ? null : new URL(text);
}
