// Several processes on one database: they judge alike to the last bit, and lose no entry of the log.
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { openDatabase, rows } from '../../src/db/client.ts';
import { loadModel, rebuildModel } from '../../src/judge/site-model.ts';
import { type Json, until } from '../support/service.ts';
import { hasPostgres, type Replica, shareDatabase } from '../support/two-services.ts';

const target = 'https://blog.example/zithers';
const comment = (content: string) => ({ target, author: { name: 'Zoe' }, content });
const text = (i: number) =>
  i % 2 ? `Cheap zithers, number ${i}, in our shop.` : `Loaf ${i} had a fine crust, thank you.`;
const probes = ['A fine crust, thank you.', 'Cheap zithers in our shop.', 'A zither with a crust.'].map(comment);

async function add(replica: Replica, count: number): Promise<string[]> {
  const ids = [];
  for (let i = 0; i < count; i++) ids.push((await replica.send('/v1/comments', comment(text(i)))).id);
  return ids;
}

/** Decides on all, each replica on every other one, all at the same time. Answers the decisions. */
async function decideAll(replicas: readonly Replica[], ids: readonly string[]): Promise<Json[]> {
  return Promise.all(
    ids.map((id, i) =>
      (replicas[i % replicas.length] as Replica).send(`/v1/submissions/${id}/${i % 4 < 2 ? 'spam' : 'approve'}`),
    ),
  );
}

test.runIf(hasPostgres)('replicas judge alike, bit for bit, however they came to an epoch', async () => {
  const shared = await shareDatabase();
  const replicas = [await shared.start(), await shared.start()];
  const [one, two] = replicas as [Replica, Replica];
  const site = (await one.get('/v1/sites')).items[0].id;
  // Right after a refit none falls due by itself between two questions.
  const retrain = (replica: Replica) =>
    until(async () => {
      const answer = await replica.send(`/v1/sites/${site}/retrain`);
      return 'epoch' in answer && answer;
    });
  const judged = async (replica: Replica) => {
    const verdicts = [];
    for (const probe of probes) verdicts.push(await replica.send('/v1/check', probe));
    return verdicts;
  };
  const before = await judged(one);

  // Both models fold what both decide, with refits by growth in between.
  const decisions = await decideAll(replicas, await add(one, 40));
  for (const { decision } of decisions.slice(0, 7)) await two.send(`/v1/decisions/${decision.id}/undo`);
  const { epoch, n } = await retrain(two);
  const after = await judged(one);
  expect(after).not.toEqual(before);
  expect(await judged(two)).toEqual(after);

  // A third starts from the snapshot, and all go on from there.
  const three = await shared.start();
  expect(await judged(three)).toEqual(after);
  const [last] = await decideAll([three], await add(three, 1));
  const later = await judged(three);
  expect(later).not.toEqual(after);
  expect([await judged(one), await judged(two)]).toEqual([later, later]);
  for (const replica of [one, two, three]) {
    const { id } = await replica.send('/v1/comments', comment('What knows this verdict?'));
    expect((await one.get(`/v1/submissions/${id}`)).verdict).toMatchObject({ epoch, n: n + 1 });
  }
  await two.send(`/v1/decisions/${last.decision.id}/undo`);
  expect([await judged(one), await judged(two), await judged(three)]).toEqual([after, after, after]);
  await Promise.all([one, two, three].map((replica) => replica.stop()));
  await shared.close();
});

test.runIf(hasPostgres)('deciders in two processes at the same time lose no log entry', async () => {
  const shared = await shareDatabase();
  const replicas = [await shared.start(), await shared.start()];
  const [one, two] = replicas as [Replica, Replica];
  const site = (await one.get('/v1/sites')).items[0].id;
  const ids = await add(one, 30);
  const decisions = await decideAll(replicas, ids);
  // The same submissions once more and undoing, at the same time, with a refit in between.
  await Promise.all([
    decideAll([two, one], [...ids].reverse()),
    ...decisions.slice(0, 10).map(({ decision }) => one.send(`/v1/decisions/${decision.id}/undo`)),
    two.send(`/v1/sites/${site}/retrain`),
  ]);
  await Promise.all(replicas.map((replica) => replica.stop()));

  const migrations = fileURLToPath(new URL('../../drizzle', import.meta.url));
  const { db, close } = await openDatabase({ databaseUrl: shared.url as string, dataDir: '', migrations });
  const [log] = await rows<Json>(
    db,
    sql`select count(*)::int as entries, min(n)::int as first, max(n)::int as last, (select log_n::int from sites) as n
        from log_entries`,
  );
  expect(log).toEqual({ entries: log.n, first: 1, last: log.n, n: log.n });
  expect(log.n).toBeGreaterThan(30);
  const report = (error: unknown) => {
    throw error;
  };
  const [loaded, rebuilt] = [
    await loadModel({ db, starter: null, report }, site),
    await rebuildModel({ db, starter: null, report }, site),
  ];
  expect(loaded.n).toBe(log.n);
  expect(loaded.model.snapshot()).toEqual(rebuilt.model.snapshot());
  await close();
  await shared.close();
});
