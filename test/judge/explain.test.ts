// Explanations: true to the logit, readable, and derived from what moved it.

import { describe, expect, test } from 'vitest';
import type { Taught } from '../../src/judge/counts.ts';
import { type Explanation, explain } from '../../src/judge/explain.ts';
import { type Evidence, extractFeatures, type Features, readFeatures } from '../../src/judge/features.ts';
import { Model, type Score } from '../../src/judge/model.ts';
import type { Label } from '../../src/submission.ts';

const post = { title: 'Rye bread', text: 'Rye flour wants more water than wheat, and a night in the fridge.' };

describe('an explanation', () => {
  const model = taught();

  test('has groups that sum to the logit', () => {
    const { explanation, score } = judge(model, spam);
    const sum = explanation.groups.reduce((total, group) => total + group.weight, 0);
    expect(Math.abs(sum - score.logit)).toBeLessThan(1e-9);
    expect(explanation.groups.map((group) => group.group)).toContain('prior');
  });

  test('shows at most twelve tokens, as written, strongest first, with their counts', () => {
    const { tokens } = judge(model, spam).explanation;
    expect(tokens.length).toBeGreaterThan(3);
    expect(tokens.length).toBeLessThanOrEqual(12);
    const weights = tokens.map((token) => Math.abs(token.weight));
    expect(weights).toEqual([...weights].sort((a, b) => b - a));
    expect(tokens).toContainEqual(
      expect.objectContaining({ token: 'cheap flights', field: 'content', spam: 12, ham: 0 }),
    );
    for (const token of tokens) expect(token.token).toMatch(/^[\p{L}\p{N} ./@'-]+$/u);
  });

  test('names a keyword for a name, and a text that is off topic', () => {
    const reasons = judge(model, spam).explanation.reasons;
    expect(reasons.length).toBeLessThanOrEqual(6);
    const name = reasons.find((reason) => reason.code === 'author_name');
    expect(name?.detail).toContain('the author\'s name "Cheap Flights" reads like a keyword');
    expect(name?.detail).toContain('12 spam, 0 ham');
    expect(reasons.map((reason) => reason.code)).toContain('off_topic');
  });

  test('says of a text on the topic that it is', () => {
    const reasons = judge(model, ham).explanation.reasons;
    expect(reasons.map((reason) => reason.code)).toContain('on_topic');
    expect(reasons.map((reason) => reason.code)).not.toContain('off_topic');
  });

  test('tells signals by their code', () => {
    const evidence: Evidence = { ...spam, signals: ['no_link_back'] };
    const taughtSignal = taught(['no_link_back']);
    const reasons = judge(taughtSignal, evidence).explanation.reasons;
    expect(reasons.find((reason) => reason.code === 'no_link_back')?.detail).toContain('does not link here');
  });

  test('admits that nothing is known', () => {
    const { explanation } = judge(new Model(), spam);
    expect(explanation.reasons.map((reason) => reason.code)).toEqual(['nothing_learned']);
    expect(explanation.tokens).toEqual([]);
  });
});

const spam: Evidence = {
  kind: 'comment',
  author: { name: 'Cheap Flights', url: 'http://cheap-flights.example/' },
  content: 'Great post, compare cheap flights and hotels now',
  post,
};

const ham: Evidence = {
  kind: 'comment',
  author: { name: 'Ines Falk' },
  content: 'How much water did the rye flour take in the fridge?',
  post,
};

function taught(signals: readonly string[] = []): Model {
  const model = new Model();
  for (let i = 0; i < 12; i++) {
    const said = `${spam.content} ${i}, flights from every city`;
    model.learn(lesson(extractFeatures({ ...spam, content: said, signals }, model), 'spam'));
    const asked = `${ham.content} Mine needed ${i} spoons of wheat more`;
    model.learn(
      lesson(extractFeatures({ ...ham, author: { name: names[i] as string }, content: asked }, model), 'ham'),
    );
  }
  return model;
}

function lesson({ packed }: Features, label: Label): Taught {
  return { packed, label, surprise: 4 };
}

const names = ['Ada', 'Bo Lind', 'Cem', 'Dora Weiss', 'Eli', 'Fay', 'Gus Moen', 'Hana', 'Ivo', 'Jo', 'Kim', 'Lea'];

function judge(model: Model, evidence: Evidence): { explanation: Explanation; score: Score } {
  const reading = readFeatures(evidence, model);
  const score = model.score(reading.features);
  return { explanation: explain(model, evidence, reading, score), score };
}
