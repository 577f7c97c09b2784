// Refitting: finds anew what depends on the order of decisions, from decisions alone, so that what was undone leaves no
// trace in it. Pure; when and where it is done is refitting.ts's business.
import { setImmediate } from 'node:timers/promises';
import type { CountsSnapshot, Taught } from './counts.ts';
import { Model, type Starter } from './model.ts';
import { fitTuning, newTuning, type Observation, observe, type Tuning } from './tuning.ts';

/** Lessons, counted from the newest, that a refit goes by: older ones were judged by what the model was long ago. */
export const mostRefitted = 10_000;

/** Log entries since the last refit before which a new one is never due: fewer say nothing new about weights. */
export const leastGrowth = 10;

/** Whether a log of `entries`, of which the last refit knew `known`, has grown enough for another refit. */
export function isRefitDue(entries: number, known: number): boolean {
  return entries - known >= Math.max(leastGrowth, Math.min(entries / 5, 2_000));
}

/**
 * The tuning that comes of judging each lesson by a model of the counts `before` and of the lessons before it. The same
 * lessons in the same order give the same bits. Lets others work in between.
 */
export async function refit(
  starter: Starter | null,
  before: CountsSnapshot,
  lessons: AsyncIterable<Taught> | Iterable<Taught>,
): Promise<Tuning> {
  const tuning = starter?.tuning ?? newTuning();
  const model = new Model(starter, { counts: before, tuning });
  const observations: Observation[] = [];
  let seen = 0;
  for await (const lesson of lessons) {
    const observation = observe(model.score({ packed: lesson.packed }), lesson.label);
    if (observation !== null) observations.push(observation);
    model.learn(lesson);
    seen++;
    if (seen % lessonsInARow === 0) await setImmediate();
  }
  return fitTuning(tuning, observations);
}

const lessonsInARow = 100;
