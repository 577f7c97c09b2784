// The model's promises: learning can be taken back, contributions sum to the logit, one class alone decides nothing.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Counts } from '../../src/judge/counts.ts';
import { type Evidence, extractFeatures, type Features, noBackground } from '../../src/judge/features.ts';
import { Model } from '../../src/judge/model.ts';
import { newTuning } from '../../src/judge/tuning.ts';
import type { Label } from '../../src/submission.ts';

const spamTexts = ['cheap tablets online', 'order cheap watches', 'best casino bonus', 'cheap loans today'];
const hamTexts = ['my sourdough starter smells of apples', 'how long did you bake it', 'the crust came out well'];

describe('the model', () => {
  test('is equal to a rebuild from what remains, after any sequence of learning and unlearning', () => {
    const lesson = fc.record({
      features: fc.uniqueArray(fc.integer({ min: 1 << 22, max: (1 << 22) + 3000 }), { maxLength: 40 }),
      label: fc.constantFrom<Label>('ham', 'spam'),
      isUndone: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(lesson, { maxLength: 120 }), (lessons) => {
        const model = new Model();
        const rebuilt = new Model();
        const packed = lessons.map((at) => Uint32Array.from(at.features).sort());
        lessons.forEach((at, i) => {
          model.learn(packed[i] as Uint32Array, at.label);
          // Undone at once or while later ones have come: both must leave nothing behind.
          if (at.isUndone && i % 2 === 0) model.unlearn(packed[i] as Uint32Array, at.label);
        });
        lessons.forEach((at, i) => {
          if (at.isUndone && i % 2 === 1) model.unlearn(packed[i] as Uint32Array, at.label);
          if (!at.isUndone) rebuilt.learn(packed[i] as Uint32Array, at.label);
        });
        expect(model.snapshot()).toEqual(rebuilt.snapshot());
      }),
      { numRuns: 60 },
    );
  });

  test('refuses to unlearn what it never learned, and changes nothing by it', () => {
    const model = taught();
    const before = model.snapshot();
    expect(() => model.unlearn(featuresOf('never seen').packed, 'ham')).toThrow(RangeError);
    expect(model.snapshot()).toEqual(before);
  });

  test('gives contributions that sum to the logit, with a starter and without', () => {
    for (const model of [taught(), taught(starter())]) {
      for (const text of [...spamTexts, ...hamTexts, 'something else entirely', '']) {
        const score = model.score(featuresOf(text));
        const sum = score.groups.reduce((total, part) => total + part.contribution, score.bias + score.prior);
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
    for (const text of spamTexts) model.learn(featuresOf(text).packed, 'spam');
    const score = model.score(featuresOf('cheap tablets'));
    expect(score.probability).toBeLessThan(0.5);
    expect(score.informed).toBe(false);
  });

  test('gives the same bits for the same counts, whatever the order they came in', () => {
    const one = new Model();
    const other = new Model();
    for (const text of spamTexts) one.learn(featuresOf(text).packed, 'spam');
    for (const text of hamTexts) one.learn(featuresOf(text).packed, 'ham');
    for (const text of [...hamTexts].reverse()) other.learn(featuresOf(text).packed, 'ham');
    for (const text of [...spamTexts].reverse()) other.learn(featuresOf(text).packed, 'spam');
    expect(one.score(featuresOf('cheap bread'))).toEqual(other.score(featuresOf('cheap bread')));
  });

  test("lets a site's own decisions outweigh the starter", () => {
    const model = new Model(starter());
    const watches = featuresOf('order cheap watches');
    const before = model.score(watches).probability;
    for (let i = 0; i < 300; i++) {
      model.learn(featuresOf(`we repair cheap watches, order no ${i}`).packed, 'ham');
      model.learn(featuresOf(`sourdough ${i}`).packed, 'spam');
    }
    expect(model.score(watches).probability).toBeLessThan(before);
    expect(model.score(watches).probability).toBeLessThan(0.5);
  });

  test('goes on from a saved snapshot as if it had never stopped', () => {
    const model = taught();
    const restored = new Model(null, { counts: model.snapshot(), tuning: structuredClone(model.tuning) });
    expect(restored.score(featuresOf('cheap bread'))).toEqual(model.score(featuresOf('cheap bread')));
    const score = model.score(featuresOf('cheap bread'));
    model.adapt(score, 'spam');
    restored.adapt(score, 'spam');
    expect(restored.tuning).toEqual(model.tuning);
  });

  test('keeps weights at 0 or above when it adapts', () => {
    const model = taught();
    for (let i = 0; i < 500; i++) model.adapt(model.score(featuresOf('cheap tablets online')), 'ham');
    expect(Math.min(...model.tuning.towardsSpam, ...model.tuning.towardsHam)).toBeGreaterThanOrEqual(0);
  });
});

function starter() {
  const counts = new Counts();
  for (const text of spamTexts) for (let i = 0; i < 5; i++) counts.add(featuresOf(text).packed, 'spam');
  for (const text of hamTexts) for (let i = 0; i < 5; i++) counts.add(featuresOf(text).packed, 'ham');
  return { counts, tuning: newTuning() };
}

function taught(from: ReturnType<typeof starter> | null = null): Model {
  const model = new Model(from);
  for (const text of spamTexts) model.learn(featuresOf(text).packed, 'spam');
  for (const text of hamTexts) model.learn(featuresOf(text).packed, 'ham');
  return model;
}

function featuresOf(content: string): Features {
  const evidence: Evidence = { kind: 'comment', author: { name: 'Ada' }, content };
  return extractFeatures(evidence, noBackground);
}
