// Epochs as they are seen over HTTP: refits by growth and on demand, snapshots, memory, and what must leave no trace.
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rows } from '../../src/db/client.ts';
import { FEATURES_VERSION, packLesson } from '../../src/judge/features.ts';
import { loadModel, rebuildModel } from '../../src/judge/site-model.ts';
import { adminToken, type Json, startTestService, type TestService, until } from '../support/service.ts';

let backtalk: TestService;
beforeAll(async () => {
  backtalk = await startTestService({ MODEL_MEMORY_MB: '1' });
});
afterAll(() => backtalk.stop());

interface Blog {
  id: string;
  target: string;
  /** Sends a comment and answers its id. */
  comment(content: string): Promise<string>;
  /** The verdict on a comment, by all that has been decided. */
  check(content: string): Promise<Json>;
  /** Refits, waiting for a refit that is under way. */
  retrain(): Promise<Json>;
}

let blogs = 0;

/** A blog of its own, whose post is described: nothing but decisions changes what is thought of its comments. */
async function newBlog(): Promise<Blog> {
  blogs++;
  const base = `https://blog-${blogs}.example`;
  const { id } = await backtalk.send('/v1/sites', { bases: [base] });
  const target = `${base}/bread`;
  await backtalk.send('/v1/targets', { url: target, title: 'Bread', text: 'Flour, water, salt and a hot oven.' });
  const body = (content: string) => ({ target, author: { name: 'Zoe' }, content });
  return {
    id,
    target,
    comment: async (content) => (await backtalk.send('/v1/comments', body(content))).id,
    check: (content) => backtalk.send('/v1/check', body(content)),
    retrain: () =>
      until(async () => {
        const answer = await backtalk.send(`/v1/sites/${id}/retrain`);
        return 'epoch' in answer && answer;
      }),
  };
}

const wanted = (i: number) => `The dough of loaf ${i} rested overnight, and the crust came out well.`;
const plague = (i: number) => `Hand carved zithers from Mittenwald, number ${i}, come and see the zither shop.`;
const probes = [wanted(1_000), plague(1_000), 'Something else entirely, with a zither and a crust.'];

/** Decides on `count` new comments, by turns wanted and not. Answers their decisions. */
async function decideMany(blog: Blog, count: number, from = 0): Promise<string[]> {
  const decisions = [];
  for (let i = from; i < from + count; i++) {
    const id = await blog.comment(i % 2 ? plague(i) : wanted(i));
    decisions.push((await backtalk.send(`/v1/submissions/${id}/${i % 2 ? 'spam' : 'approve'}`)).decision.id);
  }
  return decisions;
}

async function judgeAll(blog: Blog): Promise<Json[]> {
  const verdicts = [];
  for (const probe of probes) verdicts.push(await blog.check(probe));
  return verdicts;
}

/** The model as a start would load it, and as the lessons that stand make it. */
async function loadedAndRebuilt(siteId: string) {
  const source = {
    db: backtalk.database.db,
    starter: null,
    report: (error: unknown) => {
      throw error;
    },
  };
  const [loaded, rebuilt] = [await loadModel(source, siteId), await rebuildModel(source, siteId)];
  const of = ({ model, n, epoch }: typeof loaded) => ({ counts: model.snapshot(), tuning: model.tuning, n, epoch });
  return { loaded: of(loaded), rebuilt: of(rebuilt) };
}

const verdictOf = async (id: string) => (await backtalk.get(`/v1/submissions/${id}`)).verdict;
const query = <Row>(statement: ReturnType<typeof sql>) => rows<Row>(backtalk.database.db, statement);
const figure = async (name: string) => {
  const { text } = await backtalk.request('GET', '/metrics');
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
};

test('ten decisions open the first epoch by themselves, and what is held is judged by it', async () => {
  const blog = await newBlog();
  const held = await blog.comment(probes[2] as string);
  expect(await verdictOf(held)).toMatchObject({ epoch: 0, n: 0 });
  await decideMany(blog, 9);
  expect((await loadedAndRebuilt(blog.id)).loaded).toMatchObject({ n: 9, epoch: 0 });
  await decideMany(blog, 1, 9);
  await until(async () => (await loadedAndRebuilt(blog.id)).loaded.epoch === 1);
  expect(await figure('backtalk_refits_total')).toBeGreaterThan(0);

  backtalk.advance(31_000);
  const after = await until(async () => {
    const verdict = await verdictOf(held);
    return verdict.epoch === 1 && verdict;
  });
  expect(after.n).toBe(11);
  expect(await verdictOf(await blog.comment('Once more.'))).toMatchObject({ epoch: 1, n: 11 });
});

test('retraining answers the epoch it opened, its log entry and the lessons that stand', async () => {
  const blog = await newBlog();
  const decisions = await decideMany(blog, 5);
  await backtalk.send(`/v1/decisions/${decisions[4]}/undo`);
  const first = await blog.retrain();
  expect(first).toEqual({ epoch: 1, n: 7, lessons: 4, seconds: expect.any(Number) });
  expect(await blog.retrain()).toMatchObject({ epoch: 2, n: 8, lessons: 4 });
  expect(await verdictOf(await blog.comment('Once more.'))).toMatchObject({ epoch: 2, n: 8 });
  const kept = await query<{ epoch: number }>(
    sql`select epoch from snapshots where site_id = ${blog.id} order by epoch`,
  );
  expect(kept).toEqual([{ epoch: 1 }, { epoch: 2 }]);
  await blog.retrain();
  expect(await query(sql`select from snapshots where site_id = ${blog.id}`)).toHaveLength(2);
});

test('retraining needs the scope admin and a known site, takes no fields, and is not done twice at once', async () => {
  const blog = await newBlog();
  const retrain = (site: string, body: string, token = adminToken) =>
    backtalk.request('POST', `/v1/sites/${site}/retrain`, { body, token });
  const { token } = await backtalk.send('/v1/tokens', { name: 'mo', scope: 'moderate' });
  const bound = await backtalk.send('/v1/tokens', { name: 'ada', scope: 'admin', site: (await newBlog()).id });
  expect((await retrain(blog.id, '', token)).status).toBe(403);
  expect((await retrain(blog.id, '', bound.token)).status).toBe(403);
  expect((await retrain('0195e000-0000-7000-8000-000000000000', '')).json.error.code).toBe('moderate.not_found');
  expect((await retrain(blog.id, '{"hard":true}')).status).toBe(400);
  await query(sql`update sites set refit_leased_until = now() + interval '1 day' where id = ${blog.id}`);
  const running = await retrain(blog.id, '{}');
  expect([running.status, running.json.error.code]).toEqual([409, 'moderate.refit_running']);
  await query(sql`update sites set refit_leased_until = null where id = ${blog.id}`);
  expect((await retrain(blog.id, '{}')).status).toBe(200);
});

test('a hundred wrong decisions, undone, leave no trace after a refit', async () => {
  const blog = await newBlog();
  await decideMany(blog, 12);
  await blog.retrain();
  // They are there before: that the same has come in a hundred times is a fact, whoever decides on it.
  const ids = [];
  for (let i = 0; i < 100; i++) ids.push(await blog.comment(wanted(100 + i)));
  const before = await judgeAll(blog);
  const { id } = await backtalk.send('/v1/decisions', { action: 'spam', ids });
  await blog.retrain();
  expect(await judgeAll(blog)).not.toEqual(before);
  await backtalk.send(`/v1/decisions/${id}/undo`);
  await blog.retrain();
  expect(await judgeAll(blog)).toEqual(before);
});

test('after any decisions, undos and decisions once more a start knows what the lessons that stand say', async () => {
  const blog = await newBlog();
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push(await blog.comment(i % 2 ? plague(i) : wanted(i)));
  const step = fc.oneof(
    fc.record({
      action: fc.constantFrom('approve', 'spam', 'reject', 'hold'),
      of: fc.uniqueArray(fc.nat(3), { minLength: 1 }),
    }),
    fc.record({ undo: fc.nat(50) }),
    fc.constant('retrain' as const),
  );
  const decisions = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
      for (const step of steps) {
        if (step === 'retrain') await blog.retrain();
        else if ('undo' in step) await backtalk.send(`/v1/decisions/${[...decisions].at(-step.undo)}/undo`);
        else {
          const of = step.of.map((at) => ids[at]);
          // Where all was decided so before, that decision is answered.
          decisions.add((await backtalk.send('/v1/decisions', { action: step.action, ids: of })).id);
        }
      }
      const { loaded, rebuilt } = await loadedAndRebuilt(blog.id);
      expect(loaded.counts).toEqual(rebuilt.counts);
    }),
    { numRuns: 8 },
  );
});

test('lessons of an older features version are made anew where the text is still there, and old snapshots mean nothing', async () => {
  const blog = await newBlog();
  await decideMany(blog, 8);
  await blog.retrain();
  const before = await judgeAll(blog);
  // As an upgrade leaves it behind; one text has been dropped since.
  await backtalk.database.db.transaction(async (tx) => {
    await tx.execute(sql`update lessons set features_version = 0 where site_id = ${blog.id}`);
    await tx.execute(sql`update snapshots set features_version = 0 where site_id = ${blog.id}`);
    await tx.execute(sql`update submissions set content = '' where site_id = ${blog.id} and content = ${wanted(0)}`);
  });
  await until(async () => {
    const versions = await query<{ version: number }>(
      sql`select features_version as version from snapshots where site_id = ${blog.id}`,
    );
    return versions.length === 1 && versions[0]?.version === FEATURES_VERSION;
  });
  const { loaded, rebuilt } = await loadedAndRebuilt(blog.id);
  expect(loaded).toEqual(rebuilt);
  expect(loaded.counts).toMatchObject({ hamDocuments: 3, spamDocuments: 4 });
  expect(await blog.retrain()).toMatchObject({ lessons: 7 });
  const after = await judgeAll(blog);
  expect(after[1].probability).toBeGreaterThan(after[0].probability);
  expect(after).not.toEqual(before);
});

test('a damaged snapshot, and a lesson that is gone, cost nothing but a rebuild', async () => {
  const blog = await newBlog();
  const decisions = await decideMany(blog, 6);
  await blog.retrain();
  await backtalk.send(`/v1/decisions/${decisions[1]}/undo`);
  await query(sql`delete from lessons where site_id = ${blog.id} and submission_id in
    (select submission_id from moves where decision_id = ${decisions[1]})`);
  const reported: unknown[] = [];
  const source = { db: backtalk.database.db, starter: null, report: (error: unknown) => void reported.push(error) };
  const { model, n } = await loadModel(source, blog.id);
  expect([model.decisions, n, reported.length]).toEqual([5, 8, 1]);
  await query(sql`update snapshots set counts = '\\x00' where site_id = ${blog.id}`);
  expect((await loadModel(source, blog.id)).model.snapshot()).toEqual(model.snapshot());
  expect(reported).toHaveLength(2);
});

test('many sites take no more memory than allowed, and are judged as before when they come back', async () => {
  const many = await Promise.all(Array.from({ length: 120 }, newBlog));
  const judge = async () => {
    const verdicts = [];
    for (const blog of many) {
      verdicts.push(await blog.check(probes[2] as string));
      if (verdicts.length % 10 === 0) expect(await figure('backtalk_model_bytes')).toBeLessThanOrEqual(1_048_576);
    }
    return verdicts;
  };
  for (const [i, blog] of many.entries()) if (i % 5 === 0) await decideMany(blog, 1, i);
  const before = await judge();
  const inMemory = await figure('backtalk_models');
  expect(inMemory).toBeGreaterThan(10);
  expect(inMemory).toBeLessThan(120);
  expect(await judge()).toEqual(before);
});

test('a model that leaves memory long after its snapshot leaves a new one', async () => {
  const blog = await newBlog();
  const grow = await ageing(blog, Uint32Array.of(1 << 22, (1 << 22) + 7));
  await grow(4_101);
  const known = async () => {
    const [newest] = await query<{ n: string }>(sql`select max(n) as n from snapshots where site_id = ${blog.id}`);
    return Number(newest?.n);
  };
  await until(async () => (await known()) === 4_101);
  await grow(4_801);
  const before = await blog.check(probes[2] as string);
  // A site that needs all the memory by itself.
  const large = await newBlog();
  await (
    await ageing(
      large,
      Uint32Array.from({ length: 60_000 }, (_, i) => (1 << 22) + i),
    )
  )(2);
  await large.check(probes[2] as string);
  expect(await figure('backtalk_models')).toBe(1);
  await until(async () => (await known()) === 4_801);
  expect(await blog.check(probes[2] as string)).toEqual(before);
});

/** Answers what lets a site's log grow to a number of entries at once, which learn and unlearn one lesson by turns. */
async function ageing({ id, comment }: Blog, packed: Uint32Array): Promise<(to: number) => Promise<void>> {
  const submission = await comment('Nothing that matters here.');
  const features = Buffer.from(packLesson(packed)).toString('hex');
  await query(sql`insert into lessons (site_id, submission_id, label, features, features_version)
    values (${id}, ${submission}, 'ham', decode(${features}, 'hex'), ${FEATURES_VERSION})`);
  return (to) =>
    backtalk.database.db.transaction(async (tx) => {
      await tx.execute(sql`insert into log_entries (site_id, n, at, kind, learned, unlearned)
        select sites.id, n, now(), 'decide',
          case when n % 2 = 0 then jsonb_build_array(lessons.id) else '[]' end,
          case when n % 2 = 1 and n > log_n + 1 then jsonb_build_array(lessons.id) else '[]' end
        from sites join lessons on lessons.site_id = sites.id, generate_series(log_n + 1, ${to}::bigint) n
        where sites.id = ${id}`);
      await tx.execute(sql`update sites set log_n = ${to} where id = ${id}`);
    });
}
