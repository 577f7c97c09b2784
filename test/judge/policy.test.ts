// The policy: what a probability leads to, and what rules, trust and a post's age make of it.

import { describe, expect, test } from 'vitest';
import type { SiteSettings } from '../../src/db/schema.ts';
import { defaultSettings } from '../../src/db/sites.ts';
import { decide as decideWith, type Facts, noFacts } from '../../src/judge/policy.ts';

const decide = (
  probability: number,
  settings: Partial<SiteSettings>,
  facts: Partial<Facts> = {},
  signals: string[] = [],
) =>
  decideWith({ probability, signals, kind: 'pingback' }, { ...defaultSettings, ...settings }, { ...noFacts, ...facts });
const codes = (...judged: Parameters<typeof decide>) => decide(...judged).reasons.map(({ code }) => code);

const automatic = { approveBelow: 0.1 };
const trusting = { trustAfterApproved: 3 };
const rule = (effect: 'allow' | 'block') => ({ rule: { effect, field: 'host', value: 'roofs.example' } });

describe('the policy', () => {
  test('calls spam what is at the threshold or above', () => {
    expect(decide(0.9, {}).outcome).toBe('spam');
    expect(decide(0.8999, {}).outcome).toBe('held');
  });

  test('publishes nothing unseen by default, whoever it is from', () => {
    expect(decide(0, {}, { approvedBefore: 1_000 }).outcome).toBe('held');
  });

  test('approves below the threshold a site has set', () => {
    expect(decide(0.05, automatic).outcome).toBe('approved');
    expect(decide(0.1, automatic).outcome).toBe('held');
  });

  test('never approves what does not link back', () => {
    for (const facts of [{}, { approvedBefore: 9 }, rule('allow')]) {
      const { outcome, reasons } = decide(0.01, { ...automatic, ...trusting }, facts, ['no_link_back']);
      expect(outcome).toBe('held');
      expect(reasons.at(-1)?.code).toBe('no_link_back');
    }
  });

  test('holds what it cannot place', () => {
    expect(decide(Number.NaN, { ...automatic, ...trusting }, { approvedBefore: 9 }).outcome).toBe('held');
  });
});

describe('a trusted author', () => {
  test('is published unseen from the number of approvals on that the site has set', () => {
    expect(decide(0.5, trusting, { approvedBefore: 2 }).outcome).toBe('held');
    expect(decide(0.5, trusting, { approvedBefore: 3 }).outcome).toBe('approved');
    expect(codes(0.5, trusting, { approvedBefore: 3 })).toEqual(['trusted_author']);
  });

  test('is not trusted with what is spam by the threshold', () => {
    expect(codes(0.9, trusting, { approvedBefore: 3 })).toEqual(['above_spam_threshold']);
  });
});

describe('an old post', () => {
  const old = { holdAfterDays: 14 };
  test('has nothing published unseen under it', () => {
    for (const [probability, settings, facts] of [
      [0.05, automatic, {}],
      [0.5, trusting, { approvedBefore: 3 }],
    ] as const) {
      expect(decide(probability, { ...settings, ...old }, { ...facts, postAgeDays: 13.9 }).outcome).toBe('approved');
      expect(decide(probability, { ...settings, ...old }, { ...facts, postAgeDays: 14 }).outcome).toBe('held');
      expect(codes(probability, { ...settings, ...old }, { ...facts, postAgeDays: 14 })).toEqual(['old_post']);
    }
  });

  test('changes nothing about spam', () => {
    expect(decide(0.95, old, { postAgeDays: 100 }).outcome).toBe('spam');
  });
});

describe('a rule', () => {
  test('wins over the model, whatever it thinks, and is named', () => {
    expect(decide(0, automatic, rule('block')).outcome).toBe('spam');
    expect(decide(1, automatic, rule('allow')).outcome).toBe('approved');
    const [reason] = decide(0, automatic, rule('block')).reasons;
    expect(reason).toMatchObject({ code: 'rule_block', detail: expect.stringContaining('host roofs.example') });
    expect(codes(1, {}, rule('allow'))).toEqual(['rule_allow']);
  });

  test('is a word of the moderators, also under old posts and where the site only watches', () => {
    const settings = { shadow: true, holdAfterDays: 1 };
    expect(decide(0.5, settings, { ...rule('allow'), postAgeDays: 9 })).toMatchObject({ outcome: 'approved' });
    expect(decide(0.5, settings, { ...rule('block'), postAgeDays: 9 })).toMatchObject({ outcome: 'spam' });
  });
});

describe('a site that only watches', () => {
  test('holds everything, and notes what would have been done and why', () => {
    const shadow = { ...automatic, ...trusting, shadow: true };
    expect(decide(0.95, shadow)).toMatchObject({ outcome: 'held', wouldBe: 'spam' });
    expect(codes(0.95, shadow)).toEqual(['above_spam_threshold', 'shadow']);
    expect(decide(0.05, shadow)).toMatchObject({ outcome: 'held', wouldBe: 'approved' });
    expect(codes(0.5, shadow, { approvedBefore: 3 })).toEqual(['trusted_author', 'shadow']);
    expect(decide(0.5, shadow)).not.toHaveProperty('wouldBe');
  });
});
