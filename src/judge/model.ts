// The Bayes model: grouped naive Bayes over presence of features (Raina et al. 2003), a starter's counts blended under
// the site's own. It holds counts and gives scores; it reads no text and explains nothing.

import type { Label } from '../submission.ts';
import { Counts, type CountsSnapshot, type Taught } from './counts.ts';
import { BUCKET_BITS, type Group, groupOf, groups, presenceOf } from './feature-set.ts';
import type { Background, Features } from './features.ts';
import { copyTuning, newTuning, type Tuning } from './tuning.ts';

/** A shared, read-only beginning: counts of other sites' decisions and the tuning found with them. */
export interface Starter {
  readonly counts: Counts;
  readonly tuning: Tuning;
}

/**
 * What one group of evidence says towards spam (`evidence` above 0) or towards ham (below 0): an entry for each.
 * `contribution` = `weight` x `evidence`, in log odds; `features`: how many of the group were known, on both sides.
 */
export interface GroupScore {
  group: Group;
  weight: number;
  evidence: number;
  contribution: number;
  features: number;
}

/**
 * A judgement: `logit` = `bias` + `prior` + the sum of contributions + the sum of `corrections` (one a group, in the order
 * of `groups`). Not `informed`: only one class is known.
 */
export interface Score {
  probability: number;
  logit: number;
  bias: number;
  prior: number;
  /** The log odds of spam before anything of the text was looked at; `prior` is what the tuning makes of them. */
  odds: number;
  informed: boolean;
  groups: GroupScore[];
  corrections: Float64Array;
}

/** What is known of one feature: log-likelihood ratio and correction (above 0: spam), and the times it was seen. */
export interface FeatureWeight {
  ratio: number;
  correction: number;
  spam: number;
  ham: number;
}

/** By how many sixteenths a score given before a decision missed it; 0 where nothing could be known. */
export function surpriseOf(score: Score, label: Label): number {
  if (!score.informed) return 0;
  return Math.round(16 * Math.abs(score.probability - (label === 'spam' ? 1 : 0)));
}

/** A site's model. Learning and unlearning are exact: the counts depend on what was learned, not on the order. */
export class Model implements Background {
  /** Replaced when a refit opens another epoch; see tuning.ts. */
  tuning: Tuning;
  readonly #starter: Starter | null;
  readonly #counts: Counts;

  constructor(starter: Starter | null = null, from?: { counts: CountsSnapshot; tuning: Tuning }) {
    this.#starter = starter;
    this.#counts = from === undefined ? new Counts() : Counts.from(from.counts);
    this.tuning = copyTuning(from?.tuning ?? starter?.tuning ?? newTuning());
  }

  /** Counts one decision. */
  learn(taught: Taught): void {
    this.#counts.add(taught);
  }

  /** Takes one decision back. Throws a RangeError if it was never learned so. */
  unlearn(taught: Taught): void {
    this.#counts.remove(taught);
  }

  /** The site's own counts, without the starter's. */
  snapshot(): CountsSnapshot {
    return this.#counts.snapshot();
  }

  /** Bytes of memory that the site's own counts take. */
  get bytes(): number {
    return this.#counts.bytes;
  }

  /** The number of the site's own decisions. */
  get decisions(): number {
    return this.#counts.hamDocuments + this.#counts.spamDocuments;
  }

  get documents(): number {
    const starter = this.#starter?.counts;
    return this.decisions + (starter === undefined ? 0 : starter.hamDocuments + starter.spamDocuments);
  }

  frequency(feature: number): number {
    const slot = this.#counts.indexOf(feature);
    let seen = this.#counts.hamAt(slot) + this.#counts.spamAt(slot);
    if (this.#starter !== null) {
      const at = this.#starter.counts.indexOf(feature);
      seen += this.#starter.counts.hamAt(at) + this.#starter.counts.spamAt(at);
    }
    return seen;
  }

  /** Judges features. The same counts and tuning give the same bits. */
  score(features: Features): Score {
    const blend = this.#blend();
    if (blend.hamDocuments === 0 || blend.spamDocuments === 0) return uninformed();
    const towardsSpam = new Float64Array(groups.length);
    const towardsHam = new Float64Array(groups.length);
    const known = new Uint32Array(groups.length);
    const bases = groups.map((_, group) => this.#base(group, blend));
    const { packed } = features;
    const corrections = new Float64Array(groups.length);
    const correctionScale = CORRECTION / Math.sqrt(Math.max(packed.length, 1));
    const starter = this.#starter?.counts ?? null;
    for (let i = 0; i < packed.length; i++) {
      const feature = packed[i] as number;
      const group = (feature >>> BUCKET_BITS) - 1;
      const slot = this.#counts.indexOf(feature);
      const at = starter === null ? -1 : starter.indexOf(feature);
      if (slot < 0 && at < 0) continue;
      corrections[group] = (corrections[group] as number) + this.#correction(slot) * correctionScale;
      const ratio = this.#ratio(feature, slot, at, blend.share, bases[group] as Base);
      if (ratio === null) continue;
      const side = ratio > 0 ? towardsSpam : towardsHam;
      side[group] = (side[group] as number) + ratio;
      known[group] = (known[group] as number) + 1;
    }
    const { tuning } = this;
    const odds = Math.log((blend.spamDocuments + 1) / (blend.hamDocuments + 1));
    const prior = tuning.prior * odds;
    const scores: GroupScore[] = [];
    let logit = tuning.bias + prior;
    groups.forEach((group, i) => {
      logit += corrections[i] as number;
      const count = known[i] as number;
      if (count === 0) return;
      const scale = (bases[i] as Base).trust / Math.sqrt(count);
      for (const isSpam of [true, false]) {
        const evidence = ((isSpam ? towardsSpam[i] : towardsHam[i]) as number) * scale;
        if (evidence === 0) continue;
        const weight = (isSpam ? tuning.towardsSpam[i] : tuning.towardsHam[i]) ?? 0;
        scores.push({ group, weight, evidence, contribution: weight * evidence, features: count });
        logit += weight * evidence;
      }
    });
    const { bias } = tuning;
    return { probability: sigmoid(logit), logit, bias, prior, odds, informed: true, groups: scores, corrections };
  }

  /**
   * Tells what is known of each feature of a text of `features` features; null if it was never seen. Times seen are the site's
   * and the starter's together.
   */
  weigher(features: number): (feature: number) => FeatureWeight | null {
    const blend = this.#blend();
    const bases = groups.map((_, group) => this.#base(group, blend));
    const correctionScale = CORRECTION / Math.sqrt(Math.max(features, 1));
    const own = this.#counts;
    const starter = this.#starter?.counts;
    return (feature) => {
      const base = bases[groupOf(feature)] as Base;
      const slot = own.indexOf(feature);
      const at = starter?.indexOf(feature) ?? -1;
      const ratio = this.#ratio(feature, slot, at, blend.share, base);
      if (ratio === null) return null;
      return {
        ratio: ratio * base.trust,
        correction: this.#correction(slot) * correctionScale,
        spam: own.spamAt(slot) + (starter?.spamAt(at) ?? 0),
        ham: own.hamAt(slot) + (starter?.hamAt(at) ?? 0),
      };
    };
  }

  #blend(): Blend {
    const own = this.#counts;
    const starter = this.#starter?.counts;
    const share = starter === undefined ? 0 : STARTER_DECISIONS / (STARTER_DECISIONS + this.decisions);
    const hamDocuments = own.hamDocuments + own.hamDocumentsSurprise / 16 + share * (starter?.hamDocuments ?? 0);
    const spamDocuments = own.spamDocuments + own.spamDocumentsSurprise / 16 + share * (starter?.spamDocuments ?? 0);
    return { share, hamDocuments, spamDocuments };
  }

  /** The texts a group could be seen in: all, or those where it was present. */
  #base(group: number, blend: Blend): Base {
    let ham = blend.hamDocuments;
    let spam = blend.spamDocuments;
    const present = presenceOf(group);
    if (present !== null) {
      const slot = this.#counts.indexOf(present);
      const starter = this.#starter?.counts;
      const at = starter?.indexOf(present) ?? -1;
      ham = this.#emphasizedHam(slot) + blend.share * (starter?.hamAt(at) ?? 0);
      spam = this.#emphasizedSpam(slot) + blend.share * (starter?.spamAt(at) ?? 0);
    }
    const rarer = Math.min(ham, spam);
    return {
      present,
      offset: Math.log((ham + 2 * SMOOTHING) / (spam + 2 * SMOOTHING)),
      trust: rarer / (rarer + HALF_TRUST),
    };
  }

  /** The ratio of a feature that stands at `slot` in the site's counts and `at` in the starter's; null if it was never seen. */
  #ratio(feature: number, slot: number, at: number, share: number, base: Base): number | null {
    // Presence is a fact of the site's form: what other sites' forms ask for says nothing here.
    if (feature === base.present) return null;
    let ham = this.#emphasizedHam(slot);
    let spam = this.#emphasizedSpam(slot);
    if (this.#starter !== null && at >= 0) {
      ham += share * this.#starter.counts.hamAt(at);
      spam += share * this.#starter.counts.spamAt(at);
    }
    const seen = ham + spam;
    if (seen === 0) return null;
    return ((Math.log((spam + SMOOTHING) / (ham + SMOOTHING)) + base.offset) * seen) / (seen + HALF_SEEN);
  }

  // A decision that surprised is counted up to twice: what the model got wrong is where it has most to learn.
  #emphasizedHam(slot: number): number {
    return this.#counts.hamAt(slot) + this.#counts.hamSurpriseAt(slot) / 16;
  }

  #emphasizedSpam(slot: number): number {
    return this.#counts.spamAt(slot) + this.#counts.spamSurpriseAt(slot) / 16;
  }

  /**
   * How a feature is to be moved because of the decisions that surprised, as stochastic gradient descent on logistic loss
   * would have moved it: the sum of its gradients over the root of their size (dual averaging, Duchi et al. 2011). Sums,
   * unlike steps, can be taken back.
   */
  #correction(slot: number): number {
    if (slot < 0) return 0;
    const spam = this.#counts.spamSurpriseAt(slot);
    const ham = this.#counts.hamSurpriseAt(slot);
    return spam === ham ? 0 : (spam - ham) / 16 / Math.sqrt((spam + ham) / 16 + 0.3);
  }
}

/** How far the corrections of all features of a text, over the root of their number, move its logit. */
const CORRECTION = 0.75;

/** The number of a site's decisions at which a document of the starter counts half. */
const STARTER_DECISIONS = 50;

/** What is added to every count, so that a feature seen in one class only does not decide alone. */
const SMOOTHING = 0.1;

/** The sightings at which the ratio of a feature counts half. */
const HALF_SEEN = 1.5;

/** The number of texts of the rarer class at which ratios count half: the first few of a kind say little about it. */
const HALF_TRUST = 2;

interface Blend {
  share: number;
  hamDocuments: number;
  spamDocuments: number;
}

interface Base {
  present: number | null;
  offset: number;
  trust: number;
}

// One in five: where only one class is known nothing can be told from a text, and most of what is held is wanted.
function uninformed(): Score {
  const prior = Math.log(0.25);
  return {
    probability: sigmoid(prior),
    logit: prior,
    bias: 0,
    prior,
    odds: 0,
    informed: false,
    groups: [],
    corrections: new Float64Array(groups.length),
  };
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
