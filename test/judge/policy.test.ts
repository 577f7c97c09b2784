// The policy: what a probability leads to.

import { describe, expect, test } from 'vitest';
import { defaultSettings } from '../../src/db/sites.ts';
import { decide } from '../../src/judge/policy.ts';

const automatic = { spamAbove: 0.9, approveBelow: 0.1 };
const judged = (probability: number, signals: string[] = []) => ({ probability, signals, kind: 'pingback' as const });

describe('the policy', () => {
  test('calls spam what is at the threshold or above', () => {
    expect(decide(judged(0.9), defaultSettings).outcome).toBe('spam');
    expect(decide(judged(0.8999), defaultSettings).outcome).toBe('held');
  });

  test('publishes nothing unseen by default', () => {
    expect(decide(judged(0), defaultSettings).outcome).toBe('held');
  });

  test('approves below the threshold a site has set', () => {
    expect(decide(judged(0.05), automatic).outcome).toBe('approved');
    expect(decide(judged(0.1), automatic).outcome).toBe('held');
  });

  test('never approves what does not link back', () => {
    const { outcome, reasons } = decide(judged(0.01, ['no_link_back']), automatic);
    expect(outcome).toBe('held');
    expect(reasons[0]?.code).toBe('no_link_back');
  });

  test('holds what it cannot place', () => {
    expect(decide(judged(Number.NaN), automatic).outcome).toBe('held');
  });
});
