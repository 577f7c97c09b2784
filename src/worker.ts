// Runs the background work: claims units from each step's queue, several at a time where a step allows, and rests when
// there is nothing to do. What the work is, is the steps' business.
import { setTimeout as sleep } from 'node:timers/promises';

/** One kind of background work. `claim` takes one unit and answers what does it, or null when there is none. */
export interface Step {
  name: string;
  /** Units in hand at the same time. */
  concurrency: number;
  /** How many times as long as the worker's `idleMs` it rests when there is nothing to do; 1 without. */
  restFactor?: number;
  claim(): Promise<(() => Promise<void>) | null>;
}

export interface Worker {
  /** Claims nothing more and waits for the units in hand, at most `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

/** Starts working on all steps. An error of a unit is reported, and its lease brings it back later. */
export function startWorker(
  steps: readonly Step[],
  options: { idleMs: number; report: (step: string, error: unknown) => void },
): Worker {
  const stopping = new AbortController();
  const rest = (ms: number) => sleep(ms, undefined, { signal: stopping.signal }).catch(() => {});
  const loops = steps.map((step) => loop(step, stopping.signal, rest, options));
  return {
    async stop(timeoutMs) {
      stopping.abort();
      await Promise.race([Promise.all(loops), sleep(timeoutMs, undefined, { ref: false })]);
    },
  };
}

async function loop(
  step: Step,
  stopping: AbortSignal,
  rest: (ms: number) => Promise<void>,
  { idleMs, report }: { idleMs: number; report: (step: string, error: unknown) => void },
): Promise<void> {
  const inHand = new Set<Promise<void>>();
  while (!stopping.aborted) {
    if (inHand.size >= step.concurrency) {
      await Promise.race(inHand);
      continue;
    }
    try {
      const work = await step.claim();
      if (work === null) {
        await rest(idleMs * (step.restFactor ?? 1));
        continue;
      }
      const unit: Promise<void> = work()
        .catch((error: unknown) => report(step.name, error))
        .finally(() => inHand.delete(unit));
      inHand.add(unit);
    } catch (error) {
      report(step.name, error);
      await rest(idleMs);
    }
  }
  await Promise.all(inHand);
}
