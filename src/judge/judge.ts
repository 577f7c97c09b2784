// Judges submissions for the rest of the service: keeps each site's model in step with the site's log, and turns what is
// stored into evidence. What a model is and how it scores is model.ts's business.
import { setImmediate } from 'node:timers/promises';
import { approvedTexts } from '../db/approved.ts';
import type { Db } from '../db/client.ts';
import type { NewLesson } from '../db/decision-writes.ts';
import { entriesAfter, type Lesson, lessonsById, logNumber, standingLessons } from '../db/log.ts';
import type { Verdict } from '../db/schema.ts';
import type { Site } from '../db/sites.ts';
import { getSite } from '../db/sites.ts';
import type { Submission } from '../db/submissions.ts';
import { getTarget, type Target } from '../db/targets.ts';
import { keepVerdict, outdatedHeld, saveVerdict } from '../db/verdicts.ts';
import type { Label } from '../submission.ts';
import type { Copies } from './copies.ts';
import type { Taught } from './counts.ts';
import { explain } from './explain.ts';
import { type Evidence, extractFeatures, FEATURES_VERSION, packLesson, unpackLesson } from './features.ts';
import { Model, surpriseOf } from './model.ts';
import { decide } from './policy.ts';
import type { Starter } from './starter.ts';

/** What is judged: a submission, or one that is not stored yet. */
export type Judgeable = Pick<
  Submission,
  'kind' | 'authorName' | 'authorEmail' | 'authorUrl' | 'title' | 'content' | 'source' | 'signals' | 'clusterId'
> & { id: string | null };

/** A comment as it comes in, with what its engine says of the post. */
export interface NewComment {
  author: { name: string; email: string | null; url: string | null };
  content: string;
  post: { title?: string; text?: string } | null;
  /** The cluster of the texts that say much the same; null: there are none. */
  clusterId: string | null;
}

export interface Judge {
  /** The verdict on something under a target (null: one not known yet), by all that the site has decided up to now. */
  verdict(
    site: Site,
    judged: Judgeable,
    target: Pick<Target, 'title' | 'text'> & { id: string | null },
  ): Promise<Verdict>;
  /** The same for a comment that is not stored. */
  verdictOnComment(site: Site, target: Target | null, comment: NewComment): Promise<Verdict>;
  /** The same for a stored submission. */
  verdictOn(submission: Submission): Promise<Verdict>;
  /** What a decision on a submission is to teach. */
  lesson(db: Db, submission: Submission, label: Label): Promise<NewLesson>;
  /** Brings the models of sites up to their logs. */
  catchUp(siteIds: readonly string[]): Promise<void>;
  /** Judges a batch of held submissions again whose verdict is outdated. Answers how many there were. */
  rejudge(now: Date): Promise<number>;
}

/** Held submissions are judged again at most this often as the model learns: a moderator decides many in a row. */
const rejudgeAfterMs = 30_000;
const rejudgeBatch = 20;
const lessonsAtOnce = 500;
/** Log entries read at once; a bulk decision's names hundreds of lessons. */
const entriesAtOnce = 20;

interface SiteModel {
  model: Model;
  /** Log entries that the model has learned. */
  n: number;
}

/** One judge for the process. `starter` null: every site begins with an empty model. `report` hears of errors that are ours. */
export function createJudge(db: Db, starter: Starter | null, copies: Copies, report: (error: unknown) => void): Judge {
  const models = new Map<string, Promise<SiteModel>>();

  /** The site's model with at least `n` log entries. Readers and folders of one site take turns in the order they came. */
  function modelOf(siteId: string, n: number): Promise<SiteModel> {
    const before = models.get(siteId) ?? load(db, siteId, starter);
    const after = before.then((held) => (held.n >= n ? held : fold(db, siteId, held)));
    models.set(siteId, after);
    // A model that failed half-way is not to be trusted: the next reader builds it anew from the lessons that stand.
    after.catch(() => {
      if (models.get(siteId) === after) models.delete(siteId);
    });
    return after;
  }

  async function verdict(
    site: Site,
    judged: Judgeable,
    target: Pick<Target, 'title' | 'text'> & { id: string | null },
  ): Promise<Verdict> {
    const thread = target.id === null ? [] : await approvedTexts(db, target.id, judged.id);
    const { model, n } = await modelOf(site.id, site.logN);
    const { signals, sentences } = await copies.factsOf(db, { ...judged, siteId: site.id });
    const evidence = evidenceOf(judged, target, thread, signals);
    const features = extractFeatures(evidence, model);
    const score = model.score(features);
    const { probability } = score;
    const { outcome, reasons: policy } = decide(
      { probability, signals: judged.signals, kind: judged.kind },
      site.settings,
    );
    const { reasons, groups, tokens } = explain(model, evidence, features, score, sentences);
    return { outcome, probability, reasons: [...reasons, ...policy], groups, tokens, epoch: 0, n };
  }

  async function verdictOn(submission: Submission): Promise<Verdict> {
    const [site, target] = await Promise.all([getSite(db, submission.siteId), getTarget(db, submission.targetId)]);
    if (site === null || target === null) throw new Error('a submission without its site or target');
    return verdict(site, submission, target);
  }

  return {
    verdict,
    verdictOn,
    verdictOnComment(site, target, { author, content, post, clusterId }) {
      const { name: authorName, email: authorEmail, url: authorUrl } = author;
      const kind = 'comment' as const;
      const judged = {
        id: null,
        kind,
        authorName,
        authorEmail,
        authorUrl,
        title: null,
        content,
        source: null,
        signals: [],
        clusterId,
      };
      const title = post?.title ?? target?.title ?? null;
      return verdict(site, judged, { id: target?.id ?? null, title, text: post?.text ?? target?.text ?? null });
    },
    async lesson(tx, submission, label) {
      const target = await getTarget(tx, submission.targetId);
      const thread = await approvedTexts(tx, submission.targetId, submission.id);
      const { model } = await modelOf(submission.siteId, 0);
      const { signals } = await copies.factsOf(tx, submission);
      const evidence = evidenceOf(submission, target ?? { title: null, text: null }, thread, signals);
      const features = extractFeatures(evidence, model);
      const surprise = surpriseOf(model.score(features), label);
      return { features: packLesson(features.packed), featuresVersion: FEATURES_VERSION, surprise };
    },
    async catchUp(siteIds) {
      await Promise.all(siteIds.map(async (siteId) => modelOf(siteId, (await logNumber(db, siteId)) ?? 0)));
    },
    async rejudge(now) {
      const outdated = await outdatedHeld(db, new Date(now.getTime() - rejudgeAfterMs), rejudgeBatch);
      for (const submission of outdated) {
        try {
          await saveVerdict(db, submission, await verdictOn(submission), now);
        } catch (error) {
          // One that cannot be judged must not keep the others waiting.
          report(error);
          await keepVerdict(db, submission, now);
        }
      }
      return outdated.length;
    },
  };
}

/** Builds a site's model from the lessons that stand. Reads them as of one moment, so that the log number fits. */
async function load(db: Db, siteId: string, starter: Starter | null): Promise<SiteModel> {
  return db.transaction(
    async (tx) => {
      const held: SiteModel = { model: new Model(starter), n: (await logNumber(tx, siteId)) ?? 0 };
      let last = 0;
      for (;;) {
        const page = await standingLessons(tx, siteId, last, lessonsAtOnce);
        for (const lesson of page) learn(held.model, lesson);
        if (page.length < lessonsAtOnce) return held;
        last = page.at(-1)?.id ?? last;
        // A site of many decisions must not stop the process from answering.
        await setImmediate();
      }
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

/** Folds the entries that came after those that the model knows, in their order. */
async function fold(db: Db, siteId: string, held: SiteModel): Promise<SiteModel> {
  for (;;) {
    const entries = await entriesAfter(db, siteId, held.n, entriesAtOnce);
    const lessons = await lessonsById(
      db,
      entries.flatMap((entry) => [...entry.learned, ...entry.unlearned]),
    );
    for (const entry of entries) {
      for (const id of entry.unlearned) unlearn(held.model, lessons.get(id));
      for (const id of entry.learned) learn(held.model, lessons.get(id));
      held.n = entry.n;
    }
    if (entries.length < entriesAtOnce) return held;
  }
}

/** Lessons of another features version mean nothing to this model. */
function learn(model: Model, lesson: Lesson | undefined): void {
  if (lesson?.featuresVersion === FEATURES_VERSION) model.learn(taughtBy(lesson));
}

function unlearn(model: Model, lesson: Lesson | undefined): void {
  if (lesson?.featuresVersion === FEATURES_VERSION) model.unlearn(taughtBy(lesson));
}

function taughtBy({ features, label, surprise }: Lesson): Taught {
  return { packed: unpackLesson(features), label, surprise };
}

function evidenceOf(
  judged: Judgeable,
  target: Pick<Target, 'title' | 'text'>,
  thread: readonly string[],
  signals: readonly string[],
): Evidence {
  const { kind, content } = judged;
  return {
    kind,
    content,
    signals: [...judged.signals, ...signals],
    author: given({ name: judged.authorName, email: judged.authorEmail, url: judged.authorUrl }),
    post: given({ title: target.title, text: target.text }),
    thread: [...thread].reverse(),
    ...given({ title: judged.title, source: judged.source }),
  };
}

/** The fields that have a value. */
function given<Name extends string>(fields: Record<Name, string | null>): { [Key in Name]?: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as { [Key in Name]?: string };
}
