import { expect, test } from 'vitest';
import { type Step, startWorker } from '../src/worker.ts';
import { until } from './support/service.ts';

/** A step with `units` to do, each of which ends when its entry in `open` is called. */
function step(units: number, concurrency: number): Step & { open: (() => void)[]; claimed: number; done: number } {
  const made = {
    name: 'test',
    concurrency,
    open: [] as (() => void)[],
    claimed: 0,
    done: 0,
    async claim() {
      if (made.claimed >= units) return null;
      made.claimed += 1;
      return async () => {
        await new Promise<void>((resolve) => made.open.push(resolve));
        made.done += 1;
      };
    },
  };
  return made;
}

test('a step has as many units in hand as it may, and takes the next when one ends', async () => {
  const work = step(5, 2);
  const worker = startWorker([work], { idleMs: 1, report: () => {} });
  await until(() => work.open.length === 2);
  expect(work.claimed).toBe(2);
  work.open[0]?.();
  await until(() => work.open.length === 3);
  expect([work.claimed, work.done]).toEqual([3, 1]);
  for (const open of work.open) open();
  await until(() => work.open.length === 5);
  for (const open of work.open) open();
  await until(() => work.done === 5);
  await worker.stop(1_000);
});

test('stopping claims nothing more and waits for the units in hand', async () => {
  const work = step(3, 1);
  const worker = startWorker([work], { idleMs: 1, report: () => {} });
  await until(() => work.open.length === 1);
  const stopped = worker.stop(10_000).then(() => work.done);
  work.open[0]?.();
  expect(await stopped).toBe(1);
  expect(work.claimed).toBe(1);
});

test('stopping does not wait for ever', async () => {
  const work = step(1, 1);
  const worker = startWorker([work], { idleMs: 1, report: () => {} });
  await until(() => work.open.length === 1);
  await worker.stop(1);
  expect(work.done).toBe(0);
});

test('an error in claiming or working is reported, and the work goes on', async () => {
  const reported: string[] = [];
  let claims = 0;
  const failing: Step = {
    name: 'failing',
    concurrency: 1,
    async claim() {
      claims += 1;
      if (claims === 1) throw new Error('no database');
      return claims > 3 ? null : async () => Promise.reject(new Error(`unit ${claims}`));
    },
  };
  const worker = startWorker([failing], {
    idleMs: 1,
    report: (name, error) => reported.push(`${name}: ${(error as Error).message}`),
  });
  await until(() => claims > 4);
  await worker.stop(1_000);
  expect(reported).toEqual(['failing: no database', 'failing: unit 2', 'failing: unit 3']);
});
