// Judges submissions for the rest of the service: turns what is stored into evidence, and scores into verdicts. Where models
// come from is models.ts's business, what a model is and how it scores model.ts's.
import { approvedTexts } from '../db/approved.ts';
import type { Db } from '../db/client.ts';
import type { NewLesson } from '../db/decision-writes.ts';
import { logEnd } from '../db/log.ts';
import type { Verdict } from '../db/schema.ts';
import type { Site } from '../db/sites.ts';
import { getSite } from '../db/sites.ts';
import type { Submission } from '../db/submissions.ts';
import { getTarget, postedAt, type Target } from '../db/targets.ts';
import { keepVerdict, outdatedHeld, saveVerdict } from '../db/verdicts.ts';
import type { Label } from '../submission.ts';
import type { Copies } from './copies.ts';
import { explain } from './explain.ts';
import type { FactFinder } from './facts.ts';
import { type Evidence, extractFeatures, FEATURES_VERSION, packLesson, readFeatures } from './features.ts';
import { surpriseOf } from './model.ts';
import type { Models } from './models.ts';
import { decide } from './policy.ts';
import type { Subject } from './rule-set.ts';

/** What is judged: a submission, or one that is not stored yet. */
export type Judgeable = Subject &
  Pick<Submission, 'signals' | 'clusterId'> &
  Partial<Pick<Submission, 'sourceText'>> & { id: string | null };

/** A comment as it comes in, with what its engine says of the post. */
export interface NewComment {
  author: { name: string; email: string | null; url: string | null };
  content: string;
  post: { title?: string; text?: string; publishedAt?: Date } | null;
  ip: string | null;
  forwarded: boolean;
  /** The cluster of the texts that say much the same; null: there are none. */
  clusterId: string | null;
}

/** What judging takes of a target. `id` null: one not known yet; `postedAt`: when the post was published. */
export type JudgedTarget = Pick<Target, 'title' | 'text'> & { id: string | null; postedAt: Date | null };

export interface Judge {
  /** The verdict on something under a target, by all that the site has decided up to now. */
  verdict(site: Site, judged: Judgeable, target: JudgedTarget): Promise<Verdict>;
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

/** What judging needs besides the database. `report` hears of errors that are ours. */
interface Sources {
  models: Models;
  factsOf: FactFinder;
  copies: Pick<Copies, 'signalsOf'>;
  report: (error: unknown) => void;
}

/** One judge for the process. */
export function createJudge(db: Db, { models, factsOf, copies, report }: Sources): Judge {
  async function verdict(site: Site, judged: Judgeable, target: JudgedTarget): Promise<Verdict> {
    const thread = target.id === null ? [] : await approvedTexts(db, target.id, judged.id);
    const facts = await factsOf(site, judged, target.postedAt);
    const told = await copies.signalsOf(db, { ...judged, siteId: site.id });
    const { model, n, epoch } = await models.of(site.id, site.logN);
    const evidence = evidenceOf(judged, target, thread, told.signals);
    const reading = readFeatures(evidence, model);
    const score = model.score(reading.features);
    const { probability } = score;
    const { signals, kind } = judged;
    const { reasons: policy, ...made } = decide({ probability, signals, kind }, site.settings, facts);
    const { reasons, groups, tokens } = explain(model, evidence, reading, score, told.sentences);
    return { ...made, probability, reasons: [...reasons, ...policy], groups, tokens, epoch, n };
  }

  async function verdictOn(submission: Submission): Promise<Verdict> {
    const [site, target] = await Promise.all([getSite(db, submission.siteId), getTarget(db, submission.targetId)]);
    if (site === null || target === null) throw new Error('a submission without its site or target');
    return verdict(site, submission, { ...target, postedAt: postedAt(target) });
  }

  return {
    verdict,
    verdictOn,
    verdictOnComment(site, target, { author, content, post, ip, forwarded, clusterId }) {
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
        ip,
        forwarded,
        clusterId,
      };
      const title = post?.title ?? target?.title ?? null;
      const text = post?.text ?? target?.text ?? null;
      const posted = post?.publishedAt ?? (target === null ? null : postedAt(target));
      return verdict(site, judged, { id: target?.id ?? null, title, text, postedAt: posted });
    },
    async lesson(tx, submission, label) {
      const target = await getTarget(tx, submission.targetId);
      const thread = await approvedTexts(tx, submission.targetId, submission.id);
      const { signals } = await copies.signalsOf(tx, submission);
      const { model } = await models.of(submission.siteId, 0);
      const evidence = evidenceOf(submission, target ?? { title: null, text: null }, thread, signals);
      const features = extractFeatures(evidence, model);
      const surprise = surpriseOf(model.score(features), label);
      return { features: packLesson(features.packed), featuresVersion: FEATURES_VERSION, surprise };
    },
    async catchUp(siteIds) {
      await Promise.all(siteIds.map(async (siteId) => models.of(siteId, (await logEnd(db, siteId))?.n ?? 0)));
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
    ...given({ title: judged.title, source: judged.source, sourceText: judged.sourceText ?? null }),
  };
}

/** The fields that have a value. */
function given<Name extends string>(fields: Record<Name, string | null>): { [Key in Name]?: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as { [Key in Name]?: string };
}
