// Refitting: finds anew what depends on the order of decisions, from decisions alone, so that what was undone leaves no
// trace in it. Pure; when and where it is done is refitting.ts's business.
import { setImmediate } from 'node:timers/promises';
import type { Label } from '../submission.ts';
import type { CountsSnapshot } from './counts.ts';
import { Model, type Starter } from './model.ts';
import type { Tuning } from './tuning.ts';

/** One lesson, unpacked. */
export interface Taught {
  packed: Uint32Array;
  label: Label;
}

/** Log entries since the last refit before which a new one is never due: fewer say nothing new about weights. */
export const leastGrowth = 10;

/** Whether a log of `entries`, of which the last refit knew `known`, has grown enough for another refit. */
export function isRefitDue(entries: number, known: number): boolean {
  return entries - known >= Math.max(leastGrowth, Math.min(entries / 5, 2_000));
}

/**
 * The tuning that a model of the counts `before` comes to which judges each lesson, adapts to its label, and then learns
 * it. The same lessons in the same order give the same bits. Lets others work in between.
 */
export async function refit(
  starter: Starter | null,
  before: CountsSnapshot,
  lessons: AsyncIterable<Taught> | Iterable<Taught>,
): Promise<Tuning> {
  const { tuning } = new Model(starter);
  const model = new Model(starter, { counts: before, tuning });
  let seen = 0;
  for await (const { packed, label } of lessons) {
    model.adapt(model.score({ packed }), label);
    model.learn(packed, label);
    seen++;
    if (seen % lessonsInARow === 0) await setImmediate();
  }
  return model.tuning;
}

const lessonsInARow = 100;
