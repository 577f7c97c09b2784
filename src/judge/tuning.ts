// How much each group of evidence counts: the layer that depends on the order of decisions, as plain data. It holds no
// feature and can be saved, loaded and refitted without the counts.

import type { Label } from '../submission.ts';
import { groups } from './feature-set.ts';
import type { Score } from './model.ts';

/**
 * Two weights a group (in the order of `groups`), for its evidence towards spam and towards ham: one strong sign of spam
 * among ordinary words says more than they do. Then the weight of the prior, the bias, and the sums of squared gradients.
 */
export interface Tuning {
  towardsSpam: number[];
  towardsHam: number[];
  prior: number;
  bias: number;
  gradients: { towardsSpam: number[]; towardsHam: number[]; prior: number; bias: number };
}

/** A fresh tuning: weights well below 1, because features repeat each other. */
export function newTuning(): Tuning {
  return { towardsSpam: all(0.4), towardsHam: all(0.4), prior: 0.5, bias: 0, gradients: noGradients() };
}

/** The weights and bias of a tuning, ready to adapt as quickly as a fresh one. Shares nothing with it. */
export function restartTuning(tuning: Tuning): Tuning {
  return { ...copyTuning(tuning), gradients: noGradients() };
}

/** A copy that shares nothing. */
export function copyTuning(tuning: Tuning): Tuning {
  const { gradients } = tuning;
  return {
    towardsSpam: [...tuning.towardsSpam],
    towardsHam: [...tuning.towardsHam],
    prior: tuning.prior,
    bias: tuning.bias,
    gradients: {
      towardsSpam: [...gradients.towardsSpam],
      towardsHam: [...gradients.towardsHam],
      prior: gradients.prior,
      bias: gradients.bias,
    },
  };
}

/**
 * One AdaGrad step of logistic loss (Duchi et al. 2011) on a score given *before* its decision was learned. Weights stay
 * non-negative: a group may be ignored, but never argue backwards.
 */
export function adapt(tuning: Tuning, score: Score, label: Label): void {
  // A prior without evidence teaches nothing about the groups.
  if (!score.informed) return;
  const { gradients } = tuning;
  const error = score.probability - (label === 'spam' ? 1 : 0);
  score.groups.forEach((part) => {
    const group = groups.indexOf(part.group);
    const side = part.evidence > 0 ? 'towardsSpam' : 'towardsHam';
    const gradient = error * part.evidence;
    const sum = (gradients[side][group] ?? 0) + gradient * gradient;
    gradients[side][group] = sum;
    tuning[side][group] = Math.max(0, (tuning[side][group] ?? 0) - step(WEIGHT_RATE, gradient, sum));
  });
  const priorGradient = (error * score.prior) / Math.max(tuning.prior, 1e-6);
  gradients.prior += priorGradient * priorGradient;
  tuning.prior = Math.max(0.01, tuning.prior - step(WEIGHT_RATE, priorGradient, gradients.prior));
  gradients.bias += error * error;
  tuning.bias -= step(BIAS_RATE, error, gradients.bias);
}

const WEIGHT_RATE = 0.12;
const BIAS_RATE = 0.7;

// The 1 keeps the first steps small.
function step(rate: number, gradient: number, sum: number): number {
  return (rate * gradient) / Math.sqrt(sum + 1);
}

function all(value: number): number[] {
  return groups.map(() => value);
}

function noGradients(): Tuning['gradients'] {
  return { towardsSpam: all(0), towardsHam: all(0), prior: 0, bias: 0 };
}
