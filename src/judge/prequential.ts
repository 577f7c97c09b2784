// A site without a database: judges rows in their order and learns their labels as the service would from a moderator who
// decides at once. For measuring; the service itself keeps its models in models.ts.

import { type Evidence, extractFeatures, type Features } from './features.ts';
import type { LabelledRow } from './labelled-rows.ts';
import { Model, type Score, type Starter, surpriseOf } from './model.ts';
import { isRefitDue, mostRefitted } from './refit.ts';
import { SimilarTexts, signalsOfCopies } from './similar-texts.ts';
import { Threads } from './threads.ts';
import { fitTuning, newTuning, type Observation, observe } from './tuning.ts';

/** What a row was judged by, and how. */
export interface JudgedRow {
  evidence: Evidence;
  features: Features;
  score: Score;
}

/** One site, empty at first but for a starter. */
export class PrequentialSite {
  readonly model: Model;
  readonly #starter: Starter | null;
  readonly #threads = new Threads();
  #copies = new SimilarTexts();
  readonly #observations: Observation[] = [];
  #decisions = 0;
  #refittedAt = 0;

  constructor(starter: Starter | null) {
    this.#starter = starter;
    this.model = new Model(starter);
  }

  /** Judges a row by all that was learned before. */
  judge(row: LabelledRow): JudgedRow {
    const signals = [...(row.evidence.signals ?? []), ...signalsOfCopies(this.#copies.look(comparedText(row)))];
    const thread = row.post === '' ? [] : this.#threads.of(row.post);
    const evidence = { ...row.evidence, signals, thread };
    const features = extractFeatures(evidence, this.model);
    return { evidence, features, score: this.model.score(features) };
  }

  /** Learns the true label of a judged row; ham joins its post's thread. Refits as often as the service does. */
  learn(row: LabelledRow, { features: { packed }, score }: JudgedRow): void {
    const { label } = row;
    const observation = observe(score, label);
    if (observation !== null) this.#observations.push(observation);
    if (this.#observations.length > mostRefitted) this.#observations.shift();
    this.model.learn({ packed, label, surprise: surpriseOf(score, label) });
    this.#decisions++;
    this.#copies.add(comparedText(row), label);
    // Cheaper than an order of use, and copies come in waves.
    if (this.#decisions % mostCompared === 0) this.#copies = new SimilarTexts();
    if (label === 'ham' && row.post !== '') this.#threads.add(row.post, row.evidence.content);
    if (!isRefitDue(this.#decisions, this.#refittedAt)) return;
    this.#refittedAt = this.#decisions;
    this.model.tuning = fitTuning(this.#starter?.tuning ?? newTuning(), this.#observations);
  }
}

/** Rows after which what they are compared with is forgotten: files may be of any size. */
const mostCompared = 20_000;

function comparedText({ evidence }: LabelledRow): { title: string | null; content: string } {
  return { title: evidence.title ?? null, content: evidence.content };
}
