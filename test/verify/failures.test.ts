import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { defaultSettings, insertSite } from '../../src/db/sites.ts';
import { getSubmission, insertSubmission } from '../../src/db/submissions.ts';
import { ensureTarget } from '../../src/db/targets.ts';
import { createCopies } from '../../src/judge/copies.ts';
import { createVerification } from '../../src/verify/verification.ts';
import { openTestDatabase } from '../support/database.ts';

let database: Database;
beforeEach(async () => {
  database = await openTestDatabase();
});
afterEach(() => database.close());

test('a ping whose verification fails here each time is given up, and keeps nobody waiting', async () => {
  const { db } = database;
  let now = new Date('2026-01-01T00:00:00Z');
  const target = new URL('http://blog.example/post');
  const settings = defaultSettings;
  const site = await insertSite(db, { name: 'blog', bases: [new URL('http://blog.example/')], settings, now });
  const { id: targetId } = await ensureTarget(db, site.id, target, now);
  const id = '01900000-0000-7000-8000-000000000001';
  const at = { receivedAt: now, updatedAt: now, dueAt: now };
  const source = 'http://alice.example/';
  const ping = {
    id,
    siteId: site.id,
    targetId,
    kind: 'pingback',
    status: 'received',
    source,
    target: target.href,
  } as const;
  await insertSubmission(db, { ...ping, ...at }, { actor: 'pingback', reason: null, verdict: null });

  let fetches = 0;
  const { step } = createVerification({
    db,
    now: () => now,
    fetch: async () => {
      fetches += 1;
      const body = Buffer.from(`<a href="${target.href}">x</a>`);
      return { ok: true, url: source, status: 200, headers: {}, body, truncated: false, hops: [], ms: 1 };
    },
    judge: async () => {
      throw new Error('no verdict');
    },
    copies: createCopies({ db, now: () => now, report: () => {} }),
    hostTurn: async () => null,
    report: () => {},
    attempts: 3,
    retryMs: 0,
    leaseMs: 1_000,
    concurrency: 1,
  });
  for (;;) {
    const work = await step.claim();
    if (work === null) break;
    await work().catch((error: Error) => expect(error.message).toBe('no verdict'));
    now = new Date(now.getTime() + 1_001);
  }
  expect(fetches).toBe(8);
  expect(await getSubmission(db, id)).toMatchObject({ status: 'invalid', dueAt: null, leasedUntil: null });
});

test('a first look that fails here says nothing, and is reported', async () => {
  const reported: unknown[] = [];
  const never = async () => {
    throw new Error('not reached');
  };
  const { lookNow } = createVerification({
    db: database.db,
    now: () => {
      throw new Error('no clock');
    },
    fetch: never,
    judge: never,
    copies: { find: never, settle: never },
    hostTurn: never,
    report: (error) => reported.push((error as Error).message),
    attempts: 3,
    retryMs: 0,
    leaseMs: 1_000,
    concurrency: 1,
  });
  expect(await lookNow('01900000-0000-7000-8000-000000000001', 1_000)).toBe('later');
  expect(reported).toEqual(['no clock']);
});
