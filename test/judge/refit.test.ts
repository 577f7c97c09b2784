// Refits and the stored form of models, on made-up features: nothing here depends on what features a text has.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Counts, type Taught } from '../../src/judge/counts.ts';
import { Model } from '../../src/judge/model.ts';
import { packCounts, unpackCounts } from '../../src/judge/packed-counts.ts';
import { isRefitDue, refit } from '../../src/judge/refit.ts';
import type { Tuning } from '../../src/judge/tuning.ts';

const nothing = new Counts().snapshot();

describe('a refit', () => {
  test('is due after ten entries at first, after a fifth of the log later, and after two thousand at most', () => {
    const leastGrowth = (known: number) => {
      let entries = known;
      while (!isRefitDue(entries, known)) entries++;
      return entries - known;
    };
    expect([0, 20, 100, 1_000, 8_000, 1_000_000].map(leastGrowth)).toEqual([10, 10, 25, 250, 2_000, 2_000]);
  });

  test('of the same lessons gives the same bits, whatever was decided and undone meanwhile', async () => {
    const operation = fc.record({
      of: fc.nat({ max: 30 }),
      label: fc.constantFrom('ham' as const, 'spam' as const, null),
      surprise: fc.nat({ max: 16 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 150 }), async (operations) => {
        // Each submission has one label at most, as decisions, undos and decisions once more leave it.
        const model = new Model();
        const standing = new Map<number, Taught>();
        for (const { of, label, surprise } of operations) {
          const before = standing.get(of);
          if (before !== undefined) model.unlearn(before);
          standing.delete(of);
          if (label === null) continue;
          const taught = { packed: madeUp(of), label, surprise };
          model.learn(taught);
          standing.set(of, taught);
        }
        const rebuilt = new Model();
        for (const taught of standing.values()) rebuilt.learn(taught);
        expect(model.snapshot()).toEqual(rebuilt.snapshot());

        const lessons = [...standing.values()];
        for (const lesson of lessons) model.unlearn(lesson);
        expect(bitsOf(await refit(null, model.snapshot(), lessons))).toEqual(
          bitsOf(await refit(null, nothing, lessons)),
        );
      }),
      { numRuns: 40 },
    );
  });

  test('turns the weights towards what the lessons show', async () => {
    const lessons = Array.from({ length: 200 }, (_, i) => ({
      packed: Uint32Array.of(i % 2 ? word(1) : word(2), word(10 + i)),
      label: i % 2 ? ('spam' as const) : ('ham' as const),
      surprise: i % 5,
    }));
    const probability = async (replayed: readonly Taught[]) => {
      const counts = new Counts();
      for (const lesson of lessons) counts.add(lesson);
      const tuning = await refit(null, nothing, replayed);
      return new Model(null, { counts: counts.snapshot(), tuning }).score({ packed: Uint32Array.of(word(1)) })
        .probability;
    };
    expect(await probability(lessons)).toBeGreaterThan(await probability([]));
  });
});

describe('a snapshot', () => {
  test('gives back the counts that were packed', async () => {
    const feature = fc.record({
      feature: fc.integer({ min: 1, max: 0xffffffff }),
      ham: fc.integer({ min: 0, max: 0xffffffff }),
      spam: fc.nat(1_000),
      surprise: fc.nat(16_000),
    });
    const list = fc.uniqueArray(feature, { maxLength: 200, selector: (at) => at.feature });
    await fc.assert(
      fc.asyncProperty(list, fc.nat(), fc.nat(), async (features, hamDocuments, spamDocuments) => {
        features.sort((a, b) => a.feature - b.feature);
        const counts = {
          features: Uint32Array.from(features, (at) => at.feature),
          ham: Uint32Array.from(features, (at) => at.ham),
          spam: Uint32Array.from(features, (at) => at.spam),
          hamSurprise: Uint32Array.from(features, (at) => at.surprise),
          spamSurprise: Uint32Array.from(features, (at) => at.spam + at.surprise),
          hamDocuments,
          spamDocuments,
          hamDocumentsSurprise: spamDocuments,
          spamDocumentsSurprise: hamDocuments,
        };
        expect(await unpackCounts(await packCounts(counts))).toEqual(counts);
      }),
      { numRuns: 60 },
    );
  });

  test('that is damaged is refused with a RangeError', async () => {
    const counts = new Counts();
    for (let i = 0; i < 50; i++) counts.add({ packed: madeUp(i), label: 'spam', surprise: 3 });
    const bytes = await packCounts(counts.snapshot());
    await expect(unpackCounts(bytes.slice(0, -5))).rejects.toThrow(RangeError);
    await expect(unpackCounts(new Uint8Array([1, 2, 3]))).rejects.toThrow(RangeError);
    await expect(unpackCounts(new Uint8Array())).rejects.toThrow(RangeError);
  });
});

// Every supported Node must come to these bits, or replicas on different ones would disagree. A change of the model's
// arithmetic changes them, and only that; then they are written anew.
test('a fixed model gives fixed bits', async () => {
  const counts = new Counts();
  const lessons = Array.from({ length: 40 }, (_, i) => ({
    packed: madeUp(i),
    label: i % 3 ? ('ham' as const) : ('spam' as const),
    surprise: i % 7,
  }));
  const tuning = await refit(null, nothing, lessons);
  for (const lesson of lessons) counts.add(lesson);
  const model = new Model(null, { counts: counts.snapshot(), tuning });
  const probes = [0, 1, 2, 50, 51].map((seed) => bits(model.score({ packed: madeUp(seed) }).probability));
  expect(probes).toEqual([
    '3fefffe07cc41719',
    '3edeb18c71699573',
    '3f15d8e0acd1e6d7',
    '3eea4a263720021a',
    '3fefff4cb4442e1e',
  ]);
});

/** A feature of the words. */
function word(bucket: number): number {
  return (1 << 22) | bucket;
}

/** Thirty features over the first three groups: some in every text of a third, some in a few, some in one. */
function madeUp(seed: number): Uint32Array {
  const features = new Set<number>();
  for (let i = 0; i < 10; i++) {
    const group = ((i % 3) + 1) << 22;
    features.add(group | (100 + (seed % 3) * 10 + i));
    features.add(group | (1_000 + ((seed * 7 + i * 13) % 89)));
    features.add(group | (10_000 + seed * 10 + i));
  }
  return Uint32Array.from(features).sort();
}

function bits(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
}

function bitsOf({ towardsSpam, towardsHam, prior, bias }: Tuning): string[] {
  return [...towardsSpam, ...towardsHam, prior, bias].map(bits);
}
