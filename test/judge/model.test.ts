// The model's promises: learning can be taken back, contributions sum to the logit, one class alone decides nothing.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Counts, type Taught } from '../../src/judge/counts.ts';
import { type Evidence, extractFeatures, type Features, noBackground } from '../../src/judge/features.ts';
import { Model, surpriseOf } from '../../src/judge/model.ts';
import { fitTuning, newTuning, observe } from '../../src/judge/tuning.ts';
import type { Label } from '../../src/submission.ts';

const spamTexts = ['cheap tablets online', 'order cheap watches', 'best casino bonus', 'cheap loans today'];
const hamTexts = ['my sourdough starter smells of apples', 'how long did you bake it', 'the crust came out well'];

describe('the model', () => {
  test('is equal to a rebuild from what remains, after any sequence of learning and unlearning', () => {
    const arbitrary = fc.record({
      features: fc.uniqueArray(fc.integer({ min: 1 << 22, max: (1 << 22) + 3000 }), { maxLength: 40 }),
      label: fc.constantFrom<Label>('ham', 'spam'),
      surprise: fc.integer({ min: 0, max: 16 }),
      isUndone: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(arbitrary, { maxLength: 120 }), (lessons) => {
        const model = new Model();
        const rebuilt = new Model();
        const taught = lessons.map(({ features, label, surprise }) => ({
          packed: Uint32Array.from(features).sort(),
          label,
          surprise,
        }));
        lessons.forEach((at, i) => {
          model.learn(taught[i] as Taught);
          // Undone at once or while later ones have come: both must leave nothing behind.
          if (at.isUndone && i % 2 === 0) model.unlearn(taught[i] as Taught);
        });
        lessons.forEach((at, i) => {
          if (at.isUndone && i % 2 === 1) model.unlearn(taught[i] as Taught);
          if (!at.isUndone) rebuilt.learn(taught[i] as Taught);
        });
        expect(model.snapshot()).toEqual(rebuilt.snapshot());
      }),
      { numRuns: 60 },
    );
  });

  test('refuses to unlearn what it never learned, and changes nothing by it', () => {
    const model = taught();
    const before = model.snapshot();
    expect(() => model.unlearn(lesson(featuresOf('never seen'), 'ham'))).toThrow(RangeError);
    expect(model.snapshot()).toEqual(before);
  });

  test('gives contributions that sum to the logit, with a starter and without', () => {
    for (const model of [taught(), taught(starter())]) {
      for (const text of [...spamTexts, ...hamTexts, 'something else entirely', '']) {
        const score = model.score(featuresOf(text));
        const parts = [...score.groups.map((part) => part.contribution), ...score.corrections];
        const sum = parts.reduce((total, part) => total + part, score.bias + score.prior);
        expect(Math.abs(sum - score.logit)).toBeLessThan(1e-9);
        expect(score.probability).toBeCloseTo(1 / (1 + Math.exp(-score.logit)), 12);
      }
    }
  });

  test('tells spam from ham after a few decisions', () => {
    const model = taught();
    const spam = model.score(featuresOf('cheap casino tablets')).logit;
    const ham = model.score(featuresOf('the sourdough crust smells')).logit;
    expect(spam).toBeGreaterThan(ham);
  });

  test('answers a prior below one half while only one class is known', () => {
    const model = new Model();
    expect(model.score(featuresOf('cheap tablets')).probability).toBeLessThan(0.5);
    for (const text of spamTexts) model.learn(lesson(featuresOf(text), 'spam'));
    const score = model.score(featuresOf('cheap tablets'));
    expect(score.probability).toBeLessThan(0.5);
    expect(score.informed).toBe(false);
  });

  test('gives the same bits for the same counts, whatever the order they came in', () => {
    const one = new Model();
    const other = new Model();
    for (const text of spamTexts) one.learn(lesson(featuresOf(text), 'spam'));
    for (const text of hamTexts) one.learn(lesson(featuresOf(text), 'ham'));
    for (const text of [...hamTexts].reverse()) other.learn(lesson(featuresOf(text), 'ham'));
    for (const text of [...spamTexts].reverse()) other.learn(lesson(featuresOf(text), 'spam'));
    expect(one.score(featuresOf('cheap bread'))).toEqual(other.score(featuresOf('cheap bread')));
  });

  test("lets a site's own decisions outweigh the starter", () => {
    const model = new Model(starter());
    const watches = featuresOf('order cheap watches');
    const before = model.score(watches).probability;
    for (let i = 0; i < 300; i++) {
      model.learn(lesson(featuresOf(`we repair cheap watches, order no ${i}`), 'ham'));
      model.learn(lesson(featuresOf(`sourdough ${i}`), 'spam'));
    }
    expect(model.score(watches).probability).toBeLessThan(before);
    expect(model.score(watches).probability).toBeLessThan(0.5);
  });

  test('goes on from a saved snapshot as if it had never stopped', () => {
    const model = taught();
    const restored = new Model(null, { counts: model.snapshot(), tuning: structuredClone(model.tuning) });
    expect(restored.score(featuresOf('cheap bread'))).toEqual(model.score(featuresOf('cheap bread')));
  });

  test('is moved most by the decisions that it had expected least', () => {
    const [expected, surprised] = [taught(), taught()];
    const text = featuresOf('cheap tablets for my sourdough');
    expected.learn(lesson(text, 'ham', 0));
    surprised.learn(lesson(text, 'ham', 16));
    expect(surprised.score(text).logit).toBeLessThan(expected.score(text).logit);
    surprised.unlearn(lesson(text, 'ham', 16));
    surprised.learn(lesson(text, 'ham', 0));
    expect(surprised.score(text)).toEqual(expected.score(text));
  });

  test('says how much a decision surprises: not at all as expected, 16 sixteenths as the very opposite', () => {
    const score = taught().score(featuresOf('cheap tablets'));
    expect(surpriseOf({ ...score, probability: 0.01 }, 'ham')).toBe(0);
    expect(surpriseOf({ ...score, probability: 0.01 }, 'spam')).toBe(16);
    expect(surpriseOf({ ...score, probability: 0.5 }, 'spam')).toBe(8);
    expect(surpriseOf(new Model().score(featuresOf('cheap tablets')), 'spam')).toBe(0);
  });
});

describe('fitting the weights', () => {
  test('makes the labels that were seen likelier, and keeps weights at 0 or above', () => {
    const model = taught();
    const before = model.score(featuresOf('cheap tablets online'));
    const seen = Array.from({ length: 300 }, () => observe(before, 'ham')).filter((seen) => seen !== null);
    expect(seen).toHaveLength(300);
    model.tuning = fitTuning(model.tuning, seen);
    expect(model.score(featuresOf('cheap tablets online')).logit).toBeLessThan(before.logit - 1);
    expect(Math.min(...model.tuning.towardsSpam, ...model.tuning.towardsHam)).toBeGreaterThanOrEqual(0);
  });

  test('learns nothing from a judgement that had nothing to go by', () => {
    expect(observe(new Model().score(featuresOf('cheap tablets')), 'spam')).toBeNull();
    expect(fitTuning(newTuning(), [])).toEqual(newTuning());
  });
});

function starter() {
  const counts = new Counts();
  for (const text of spamTexts) for (let i = 0; i < 5; i++) counts.add(lesson(featuresOf(text), 'spam'));
  for (const text of hamTexts) for (let i = 0; i < 5; i++) counts.add(lesson(featuresOf(text), 'ham'));
  return { counts, tuning: newTuning() };
}

function taught(from: ReturnType<typeof starter> | null = null): Model {
  const model = new Model(from);
  for (const text of spamTexts) model.learn(lesson(featuresOf(text), 'spam'));
  for (const text of hamTexts) model.learn(lesson(featuresOf(text), 'ham'));
  return model;
}

function featuresOf(content: string): Features {
  const evidence: Evidence = { kind: 'comment', author: { name: 'Ada' }, content };
  return extractFeatures(evidence, noBackground);
}

function lesson({ packed }: Features, label: Label, surprise = 4): Taught {
  return { packed, label, surprise };
}
