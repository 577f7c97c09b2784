// A site's model in step with the site's log: loaded from a snapshot or built from lessons, then folded on. Which models
// stay in memory is models.ts's business.
import { setImmediate } from 'node:timers/promises';
import type { Db } from '../db/client.ts';
import { entriesBetween, type Lesson, lessonsById, logEnd, standingLessons } from '../db/log.ts';
import { newestSnapshot, newestTuning } from '../db/snapshots.ts';
import type { Taught } from './counts.ts';
import { FEATURES_VERSION, unpackLesson } from './features.ts';
import { Model, type Starter } from './model.ts';
import { unpackCounts } from './packed-counts.ts';
import type { Tuning } from './tuning.ts';

/** A model is its counts, which are those of the log's first `n` entries, and the tuning of its epoch. */
export interface SiteModel {
  model: Model;
  n: number;
  epoch: number;
  /** The epoch for which the tuning was last looked up. */
  tunedFor: number;
  /** Log entries that the newest snapshot known here knows. */
  snapshotN: number;
}

/** What models are made of. `report` hears of what was wrong with them, although they could be made anew. */
export interface Source {
  db: Db;
  starter: Starter | null;
  report: (error: unknown) => void;
}

const lessonsAtOnce = 500;
/** Log entries read at once; a bulk decision's names hundreds of lessons. */
const entriesAtOnce = 40;

/** A site's model as of now: from the newest snapshot and the log, or without one from the lessons that stand. */
export async function loadModel(source: Source, siteId: string): Promise<SiteModel> {
  const snapshot = await newestSnapshot(source.db, siteId, FEATURES_VERSION);
  if (snapshot === null) return rebuildModel(source, siteId);
  return orRebuilt(source, siteId, async () => {
    const { n, epoch, tuning } = snapshot;
    const counts = await unpackCounts(snapshot.counts);
    const model = new Model(source.starter, { counts, tuning: tuning as Tuning });
    return advance(source, siteId, { model, n, epoch, tunedFor: epoch, snapshotN: n });
  });
}

/** A site's model with all that its log has now; `held` is used up. */
export async function advanceModel(source: Source, siteId: string, held: SiteModel): Promise<SiteModel> {
  return orRebuilt(source, siteId, () => advance(source, siteId, held));
}

/** A site's model from the lessons that stand, whatever snapshots say. Reads as of one moment, so that the log number fits. */
export async function rebuildModel({ db, starter }: Source, siteId: string): Promise<SiteModel> {
  return db.transaction(
    async (tx) => {
      const { n, epoch } = (await logEnd(tx, siteId)) ?? { n: 0, epoch: 0 };
      const newest = await newestTuning(tx, siteId, FEATURES_VERSION);
      const model = new Model(starter);
      if (newest !== null) model.tuning = newest.tuning as Tuning;
      let last = 0;
      for (;;) {
        const page = await standingLessons(tx, siteId, last, lessonsAtOnce);
        for (const lesson of page) learn(model, lesson);
        if (page.length < lessonsAtOnce) return { model, n, epoch, tunedFor: epoch, snapshotN: newest?.n ?? 0 };
        last = page.at(-1)?.id ?? last;
        // A site of many decisions must not stop the process from answering.
        await setImmediate();
      }
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

/** Folds the entries up to number `last` that come after those that the model knows, in their order. Throws a RangeError if one cannot be unlearned. */
export async function fold(db: Db, siteId: string, held: SiteModel, last: number): Promise<void> {
  for (;;) {
    const entries = await entriesBetween(db, siteId, { n: held.n, last, limit: entriesAtOnce });
    const lessons = await lessonsById(
      db,
      entries.flatMap((entry) => [...entry.learned, ...entry.unlearned]),
    );
    for (const entry of entries) {
      for (const id of entry.unlearned) unlearn(held.model, lessons.get(id));
      for (const id of entry.learned) learn(held.model, lessons.get(id));
      held.epoch = entry.epoch ?? held.epoch;
      held.n = entry.n;
    }
    if (entries.length < entriesAtOnce) return;
  }
}

/** Decisions are the truth and the model is a cache: one that does not fit the log is made anew. */
async function orRebuilt(source: Source, siteId: string, make: () => Promise<SiteModel>): Promise<SiteModel> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    source.report(error);
    return rebuildModel(source, siteId);
  }
}

async function advance({ db }: Source, siteId: string, held: SiteModel): Promise<SiteModel> {
  for (;;) {
    await fold(db, siteId, held, Number.MAX_SAFE_INTEGER);
    if (held.tunedFor === held.epoch) return held;
    const newest = await newestTuning(db, siteId, FEATURES_VERSION);
    // Another refit since: its entry is in the log already.
    if (newest !== null && newest.epoch > held.epoch) continue;
    // An epoch of another features version brings no tuning that would mean anything here: the last one stays.
    if (newest !== null) held.model.tuning = newest.tuning as Tuning;
    held.snapshotN = newest?.n ?? held.snapshotN;
    held.tunedFor = held.epoch;
    return held;
  }
}

/** Lessons of another features version mean nothing to this model. */
function learn(model: Model, lesson: Lesson | undefined): void {
  if (lesson?.featuresVersion === FEATURES_VERSION) model.learn(taughtBy(lesson));
}

function unlearn(model: Model, lesson: Lesson | undefined): void {
  if (lesson === undefined) throw new RangeError('a lesson that is to be unlearned is there no more');
  if (lesson.featuresVersion === FEATURES_VERSION) model.unlearn(taughtBy(lesson));
}

/** What a stored lesson teaches. */
export function taughtBy({ features, label, surprise }: Lesson): Taught {
  return { packed: unpackLesson(features), label, surprise };
}
