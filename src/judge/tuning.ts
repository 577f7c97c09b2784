// How much each group of evidence counts, as plain data, and how that is found from judgements whose labels came to be
// known. It holds no feature and can be saved, loaded and refitted without the counts.

import type { Label } from '../submission.ts';
import { groups } from './feature-set.ts';
import type { Score } from './model.ts';

/**
 * Two weights a group (in the order of `groups`), for its evidence towards spam and towards ham: one strong sign of spam
 * among ordinary words says more than they do. Then the weight of the prior, and the bias.
 */
export interface Tuning {
  towardsSpam: number[];
  towardsHam: number[];
  prior: number;
  bias: number;
}

/** A fresh tuning: weights well below 1, because features repeat each other. */
export function newTuning(): Tuning {
  return { towardsSpam: groups.map(() => 0.4), towardsHam: groups.map(() => 0.4), prior: 0.5, bias: 0 };
}

/** A copy that shares nothing. */
export function copyTuning({ towardsSpam, towardsHam, prior, bias }: Tuning): Tuning {
  return { towardsSpam: [...towardsSpam], towardsHam: [...towardsHam], prior, bias };
}

/** What a judgement had to go by, whatever its tuning made of that, and the label that came to be known. */
export interface Observation {
  /** Evidence towards spam by group, then towards ham by group, then the log prior odds, then what no weight applies to. */
  evidence: Float64Array;
  isSpam: boolean;
}

/** An observation of a score given *before* its decision was learned; null where nothing was known: that teaches nothing. */
export function observe(score: Score, label: Label): Observation | null {
  if (!score.informed) return null;
  const evidence = new Float64Array(SIZE);
  for (const part of score.groups) {
    const group = groups.indexOf(part.group);
    evidence[part.evidence > 0 ? group : groups.length + group] = part.evidence;
  }
  evidence[ODDS] = score.odds;
  for (const correction of score.corrections) evidence[FIXED] = (evidence[FIXED] as number) + correction;
  return { evidence, isSpam: label === 'spam' };
}

/**
 * The tuning that observations lead to from a given one, by AdaGrad on logistic loss (Duchi et al. 2011), some passes over
 * them in their order. Weights stay non-negative: a group may be ignored, but never argue backwards.
 */
export function fitTuning(from: Tuning, observations: readonly Observation[]): Tuning {
  const weights = Float64Array.from([...from.towardsSpam, ...from.towardsHam, from.prior]);
  const sums = new Float64Array(weights.length);
  let { bias } = from;
  let biasSum = 0;
  for (let pass = 0; pass < PASSES; pass++) {
    for (const { evidence, isSpam } of observations) {
      let logit = bias + (evidence[FIXED] as number);
      for (let i = 0; i < weights.length; i++) logit += (weights[i] as number) * (evidence[i] as number);
      const error = 1 / (1 + Math.exp(-logit)) - (isSpam ? 1 : 0);
      for (let i = 0; i < weights.length; i++) {
        const gradient = error * (evidence[i] as number);
        const sum = (sums[i] as number) + gradient * gradient;
        sums[i] = sum;
        weights[i] = Math.max(i === ODDS ? 0.01 : 0, (weights[i] as number) - step(WEIGHT_RATE, gradient, sum));
      }
      biasSum += error * error;
      bias -= step(BIAS_RATE, error, biasSum);
    }
  }
  const { length } = groups;
  return {
    towardsSpam: [...weights.slice(0, length)],
    towardsHam: [...weights.slice(length, ODDS)],
    prior: weights[ODDS] as number,
    bias,
  };
}

const ODDS = 2 * groups.length;
const FIXED = ODDS + 1;
const SIZE = FIXED + 1;

const PASSES = 3;
const WEIGHT_RATE = 0.05;
const BIAS_RATE = 0.7;

// The 1 keeps the first steps small.
function step(rate: number, gradient: number, sum: number): number {
  return (rate * gradient) / Math.sqrt(sum + 1);
}
