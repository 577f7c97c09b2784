// Refits in the life of the service: which site is due, one process at a time, from a consistent read to the log entry that
// opens the next epoch. What a refit computes is refit.ts's business.
import { setImmediate } from 'node:timers/promises';
import type { Db } from '../db/client.ts';
import type { LessonOf } from '../db/decision-writes.ts';
import { type Lesson, logEnd, newestStanding } from '../db/log.ts';
import { oldLessons, replaceLessons } from '../db/renewal.ts';
import { extendRefit, growingSites, leaseRefit, storeRefit } from '../db/snapshots.ts';
import type { Step } from '../worker.ts';
import { FEATURES_VERSION } from './features.ts';
import type { Models } from './models.ts';
import { packCounts } from './packed-counts.ts';
import { isRefitDue, leastGrowth, mostRefitted, refit } from './refit.ts';
import { fold, loadModel, rebuildModel, type SiteModel, type Source, taughtBy } from './site-model.ts';

/** The epoch that a refit opened, the number of its log entry, the lessons that stood, and how long it took. */
export interface Refitted {
  epoch: number;
  n: number;
  lessons: number;
  seconds: number;
}

export interface Refitting {
  /** Refits sites whose log has grown enough. */
  step: Step;
  /** Refits a site now, from its lessons and not from a snapshot of them. Null if a refit of it is under way already. */
  retrain(siteId: string): Promise<Refitted | null>;
}

interface Dependencies extends Source {
  now: () => Date;
  models: Models;
  lessonOf: LessonOf;
  /** Called after each refit. */
  done: () => void;
}

const lessonsAtOnce = 500;
/** Lessons of an older features version that are replaced at once; making one takes some milliseconds. */
const renewedAtOnce = 50;
/** After that time another process may try: this one died, or is too slow, and its result will be refused. */
const leaseMs = 120_000;
const sitesAtOnce = 1_000;

export function createRefitting(deps: Dependencies): Refitting {
  const { db, now } = deps;
  const lease = async (siteId: string) => leaseRefit(db, siteId, now(), new Date(now().getTime() + leaseMs));
  return {
    step: {
      name: 'refit',
      concurrency: 1,
      restFactor: 10,
      async claim() {
        const asked = { featuresVersion: FEATURES_VERSION, least: leastGrowth, now: now(), limit: sitesAtOnce };
        const growing = await growingSites(db, asked);
        const due = growing.find((site) => site.isOutdated || isRefitDue(site.logN, site.snapshotN));
        if (due === undefined || !(await lease(due.id))) return null;
        // If this fails its lease stays, so that it is not tried again at once.
        return async () => void (await refitSite(deps, due.id, loadModel));
      },
    },
    async retrain(siteId) {
      if (!(await lease(siteId))) return null;
      try {
        const refitted = await refitSite(deps, siteId, rebuildModel);
        deps.models.drop(siteId);
        return refitted;
      } finally {
        await extendRefit(db, siteId, null);
      }
    },
  };
}

/** Refits a site whose refit is leased, with its counts as `read` has them. Null if another refit was first. */
async function refitSite(
  deps: Dependencies,
  siteId: string,
  read: (source: Source, siteId: string) => Promise<SiteModel>,
): Promise<Refitted | null> {
  const start = performance.now();
  const { db, starter, now } = deps;
  await renewLessons(deps, siteId);
  const held = await read(deps, siteId);
  const { n, epoch, recent } = await readRecent(db, siteId);
  await fold(db, siteId, held, n);
  const lessons = held.model.decisions;
  const counts = held.model.snapshot();
  // Sorting a large site's counts takes a while; others get their turn in between.
  await setImmediate();
  const taught = recent.map(taughtBy);
  for (const lesson of taught) held.model.unlearn(lesson);
  await setImmediate();
  const tuning = await refit(starter, held.model.snapshot(), taught);
  const snapshot = { siteId, n, featuresVersion: FEATURES_VERSION, counts: await packCounts(counts), tuning };
  const entry = await storeRefit(db, epoch, { ...snapshot, at: now() });
  if (entry === null) return null;
  deps.done();
  return { epoch: epoch + 1, n: entry, lessons, seconds: Math.round(performance.now() - start) / 1_000 };
}

/** Where the log ends, and the newest lessons that stand there, in their order: read as of one moment. */
async function readRecent(db: Db, siteId: string): Promise<{ n: number; epoch: number; recent: Lesson[] }> {
  return db.transaction(
    async (tx) => {
      const end = await logEnd(tx, siteId);
      if (end === null) throw new Error('a site to be refitted does not exist');
      const recent: Lesson[] = [];
      for (;;) {
        const beforeId = recent.at(-1)?.id ?? Number.MAX_SAFE_INTEGER;
        const page = await newestStanding(tx, siteId, FEATURES_VERSION, { beforeId, limit: lessonsAtOnce });
        recent.push(...page);
        if (page.length < lessonsAtOnce || recent.length >= mostRefitted) return { ...end, recent: recent.reverse() };
      }
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

/** Makes the lessons of older features versions anew where the text still exists; the others no longer count. */
async function renewLessons(deps: Dependencies, siteId: string): Promise<void> {
  const { db, now, lessonOf, report } = deps;
  let afterId = 0;
  for (;;) {
    const old = await oldLessons(db, siteId, FEATURES_VERSION, { afterId, limit: renewedAtOnce });
    if (old.length === 0) return;
    afterId = old.at(-1)?.id ?? afterId;
    const renewed = [];
    for (const lesson of old) {
      // One that cannot be made must not keep the others waiting.
      const made = await lessonOf(db, lesson.submission, lesson.label).catch(report);
      if (made) renewed.push({ ...lesson, ...made });
    }
    await replaceLessons(db, siteId, renewed, now());
    await extendRefit(db, siteId, new Date(now().getTime() + leaseMs));
  }
}
