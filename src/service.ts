// The composition root: builds every part once from the settings, hands each what it needs, starts and stops them.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { type Database, type Db, openDatabase } from './db/client.ts';
import { releaseLeases } from './db/leases.ts';
import { listSites } from './db/sites.ts';
import { forgetAddresses, forgetSourceTexts } from './db/submissions.ts';
import { addMissingSites, makeAdminToken } from './first-start.ts';
import { createAddressReader } from './http.ts';
import { createCopies } from './judge/copies.ts';
import { createFactFinder } from './judge/facts.ts';
import { createJudge, type Judge } from './judge/judge.ts';
import { createModels } from './judge/models.ts';
import { createRefitting } from './judge/refitting.ts';
import { decodeStarter } from './judge/starter.ts';
import { createHostLimit } from './limit.ts';
import { type Listener, listen } from './listener.ts';
import { createLog, loggable } from './log.ts';
import { createMetrics } from './metrics.ts';
import { parseAllowed } from './public-address.ts';
import { createRoutes } from './routes.ts';
import { createSafeFetch, type ResolvedAddress } from './safe-fetch.ts';
import { createTargetFetch } from './verify/target-page.ts';
import { createVerification } from './verify/verification.ts';
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
  const database = await (world.database?.(migrations) ?? open(config));
  let listener: Listener | null = null;
  try {
    const { db } = database;
    const newAdminToken = config.ADMIN_TOKEN === undefined ? await makeAdminToken(db, now()) : null;
    await addMissingSites(db, config.SITES, now());
    // Nobody else can be working on an embedded database: what is leased was in hand when the last process was killed.
    if (config.DATABASE_URL === undefined) await releaseLeases(db);
    if (allow.length > 0) log.warn({ FETCH_ALLOW: config.FETCH_ALLOW }, 'addresses that are not public may be fetched');

    listener = await listen(config.HOST, config.PORT);
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
    const metrics = createMetrics();
    const reportWork = (step: string, error: unknown) => {
      metrics.workFailed(step);
      log.error({ step, ...loggable(error) }, 'background work failed');
    };
    const copies = createCopies({ db, now, report: (error) => reportWork('unite copies', error) });
    const source = {
      db,
      now,
      starter: decodeStarter(await readFile(starterFile)),
      report: (error: unknown) => reportWork('models', error),
    };
    const memoryBytes = config.MODEL_MEMORY_MB * 1024 * 1024;
    const models = createModels(source, { memoryBytes, watch: metrics.modelsHeld });
    const judge = createJudge(db, {
      models,
      factsOf: createFactFinder(db, now),
      copies,
      report: (error) => reportWork('judge again', error),
    });
    const refitting = createRefitting({ ...source, models, lessonOf: judge.lesson, done: metrics.refitted });
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
      copies,
      hostTurn: createHostLimit(config.HOST_FETCHES_PER_MINUTE),
      report: (error) => reportWork('verify', error),
      concurrency: config.VERIFY_CONCURRENCY,
    });
    const routes = await createRoutes({
      config,
      db,
      now,
      log,
      judge,
      copies,
      refitting,
      verification,
      address,
      ownHost: publicUrl.host,
    });
    listener.serve(createApp({ log, metrics, routes, isReady: database.isUpToDate }));

    const steps = [
      verification.step,
      createTargetFetch(fetching),
      rejudging(judge, now),
      refitting.step,
      forgetting(db, config.IP_KEEP_HOURS, now),
    ];
    const worker = startWorker(steps, { idleMs: config.WORKER_IDLE_MS, report: reportWork });
    log.info({ url, database: config.DATABASE_URL === undefined ? 'embedded' : 'postgres' }, 'started');

    const listening = listener;
    return {
      url,
      newAdminToken,
      hasSites: (await listSites(db, null, 1)).length > 0,
      async stop() {
        await Promise.all([listening.close(config.STOP_TIMEOUT_MS), worker.stop(config.STOP_TIMEOUT_MS)]);
        await database.close();
        log.info('stopped');
      },
    };
  } catch (error) {
    await listener?.close(0);
    await database.close();
    throw error;
  }
}

/** Opens the database that the settings name. Throws an Error that says which it was and what is wrong. */
async function open(config: Config): Promise<Database> {
  const { DATABASE_URL: databaseUrl, DATA_DIR: dataDir } = config;
  try {
    return await openDatabase({ databaseUrl, dataDir, migrations });
  } catch (error) {
    const which = databaseUrl === undefined ? `in DATA_DIR (${dataDir})` : 'of DATABASE_URL';
    throw new Error(`cannot open the database ${which}: ${loggable(error).error}`, { cause: error });
  }
}

function rejudging(judge: Judge, now: () => Date): Step {
  return {
    name: 'judge again',
    concurrency: 1,
    restFactor: 4,
    claim: async () => ((await judge.rejudge(now())) > 0 ? async () => {} : null),
  };
}

function forgetting(db: Db, hours: number, now: () => Date): Step {
  return {
    name: 'forget',
    concurrency: 1,
    restFactor: 100,
    async claim() {
      const before = new Date(now().getTime() - hours * 3_600_000);
      const forgotten = (await forgetAddresses(db, before, 500)) + (await forgetSourceTexts(db, before, 500));
      return forgotten > 0 ? async () => {} : null;
    },
  };
}

function hostAndPort(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
}
