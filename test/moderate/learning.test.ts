import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestService, type TestService, until } from '../support/service.ts';
import { hasPostgres, type Replica, type SharedDatabase, shareDatabase } from '../support/two-services.ts';

/** A new kind of spam, which no starter knows: nothing in it is spam elsewhere. */
const plagues = [
  'My grandfather sells hand carved zithers from Mittenwald, come and see the zither shop.',
  'A zither makes every evening bright; our zither shop carves them in Mittenwald by hand.',
  'Come to Mittenwald and see zithers carved by hand in the shop of my grandfather.',
  'Hand carved zithers, straight from the shop in Mittenwald, for a bright evening.',
  'Every zither in the Mittenwald shop was carved by hand, my grandfather makes them.',
];
const nextPlague = 'See the zither that my grandfather carved by hand in his shop in Mittenwald.';

describe('one service', () => {
  let backtalk: TestService;
  let target: string;
  beforeAll(async () => {
    backtalk = await startTestService();
    await backtalk.holdRefits();
    // A described post is never fetched: nothing but decisions changes what is thought of its comments.
    target = backtalk.web.url('blog.example', '/described');
    await backtalk.send('/v1/targets', { url: target, title: 'Bread', text: 'Flour, water, salt and a hot oven.' });
  });
  afterAll(() => backtalk.stop());

  const check = (content: string) => backtalk.send('/v1/check', { target, author: { name: 'Zoe' }, content });
  const comment = async (content: string) =>
    (await backtalk.comment({ target, author: { name: 'Zoe' }, content })).id as string;

  test('what was marked as spam makes the next of its kind likelier spam, and undoing all of it leaves no trace', async () => {
    const other = 'How long did you let the dough rest before the second folding?';
    const before = [await check(nextPlague), await check(other)];
    const decisions: string[] = [];
    for (const plague of plagues) {
      const { decision } = await backtalk.send(`/v1/submissions/${await comment(plague)}/spam`);
      decisions.push(decision.id);
    }
    expect((await check(nextPlague)).probability).toBeGreaterThan(before[0].probability + 0.2);

    for (const id of decisions) await backtalk.send(`/v1/decisions/${id}/undo`);
    expect([await check(nextPlague), await check(other)]).toEqual(before);
  });

  test('what was approved makes the next of its kind likelier wanted, and rejecting says nothing about the words', async () => {
    const first = await comment(`${plagues[0]} I mean it.`);
    const before = await check(nextPlague);
    await backtalk.send(`/v1/submissions/${first}/reject`);
    expect(await check(nextPlague)).toEqual(before);
    await backtalk.send(`/v1/submissions/${first}/approve`);
    expect((await check(nextPlague)).probability).toBeLessThan(before.probability);
    await backtalk.send(`/v1/submissions/${first}/hold`);
    expect(await check(nextPlague)).toEqual(before);
  });

  test('the verdict names the words that were learned, with their counts', async () => {
    const id = await comment(plagues[1] as string);
    const counts = async () => {
      const { tokens } = await check(nextPlague);
      return tokens.find(({ token }: { token: string }) => token === 'mittenwald');
    };
    const { spam: before = 0 } = (await counts()) ?? {};
    const { decision } = await backtalk.send(`/v1/submissions/${id}/spam`);
    expect(await counts()).toMatchObject({ spam: before + 1 });
    await backtalk.send(`/v1/decisions/${decision.id}/undo`);
    expect((await counts())?.spam ?? 0).toBe(before);
  });

  test('what is held is judged again as the model learns; its status stays, however likely spam it is now', async () => {
    const held = await comment(`${nextPlague} Do write to us.`);
    const before = await backtalk.get(`/v1/submissions/${held}`);
    for (let round = 0; round < 4; round++) {
      for (const plague of plagues) await backtalk.send(`/v1/submissions/${await comment(plague)}/spam`);
    }
    expect((await backtalk.get(`/v1/submissions/${held}`)).probability).toBe(before.probability);

    backtalk.advance(31_000);
    const after = await until(async () => {
      const now = await backtalk.get(`/v1/submissions/${held}`);
      return now.probability !== before.probability && now;
    });
    expect(after.probability).toBeGreaterThan(before.probability);
    expect(after.verdict.probability).toBe(after.probability);
    expect(after.verdict.n).toBeGreaterThan(before.verdict.n);
    expect(after).toMatchObject({ status: 'held', version: before.version, updatedAt: before.updatedAt });
    expect(after.history).toEqual(before.history);
  });

  test('what is held is judged again when the engine describes its post', async () => {
    const url = backtalk.web.url('blog.example', '/later');
    const { id } = await backtalk.comment({ target: url, content: 'The zeppelin hangar had a wooden roof.' });
    const judgedAt = async () => Date.parse((await backtalk.get(`/v1/submissions/${id}`)).verdict.judgedAt);
    // The page itself cannot be fetched; once that has been tried, nothing but the engine brings a text.
    await until(() => backtalk.web.visits('blog.example', '/later') >= 3);
    const before = await judgedAt();
    backtalk.advance(20_000);
    const text = 'In Friedrichshafen the hangar of the zeppelin burned; its wooden roof fell on the zeppelin.';
    await backtalk.send('/v1/targets', { url, text });
    const after = await until(async () => (await judgedAt()) > before && judgedAt());

    // The same text once more says nothing new. What is told later of another post is judged again after it would have been.
    backtalk.advance(20_000);
    await backtalk.send('/v1/targets', { url, text });
    const other = backtalk.web.url('blog.example', '/other-later');
    const second = await backtalk.comment({ target: other, content: 'A comment under another post.' });
    const first = (await backtalk.get(`/v1/submissions/${second.id}`)).verdict.judgedAt;
    backtalk.advance(1_000);
    await backtalk.send('/v1/targets', { url: other, text: 'The other post has a text by now.' });
    await until(async () => (await backtalk.get(`/v1/submissions/${second.id}`)).verdict.judgedAt !== first);
    expect(await judgedAt()).toBe(after);
  });
});

describe('a restart', () => {
  let shared: SharedDatabase;
  beforeAll(async () => {
    shared = await shareDatabase();
  });
  afterAll(() => shared.close());

  const target = 'https://blog.example/zithers';
  const asked = { target, author: { name: 'Zoe' }, content: nextPlague };
  const add = (content: string) => ({ target, author: { name: 'Zoe' }, content });
  // Right after a refit none falls due by itself between two questions.
  const retrain = async (replica: Replica) => {
    const site = (await replica.get('/v1/sites')).items[0].id;
    await until(async () => 'epoch' in (await replica.send(`/v1/sites/${site}/retrain`)));
  };

  test('knows all that was decided before, bit for bit', async () => {
    const first = await shared.start();
    const decisions: string[] = [];
    for (const [index, plague] of plagues.entries()) {
      const { id } = await first.send('/v1/comments', add(plague));
      const { decision } = await first.send(`/v1/submissions/${id}/${index % 2 ? 'approve' : 'spam'}`);
      decisions.push(decision.id);
    }
    await first.send(`/v1/decisions/${decisions[2]}/undo`);
    await retrain(first);
    const before = await first.send('/v1/check', asked);
    await first.stop();

    const second = await shared.start();
    expect(await second.send('/v1/check', asked)).toEqual(before);
    await second.send(`/v1/decisions/${decisions[0]}/undo`);
    const between = await second.send('/v1/check', asked);
    expect(between.probability).not.toBe(before.probability);
    await second.stop();

    const third = await shared.start();
    expect(await third.send('/v1/check', asked)).toEqual(between);
    await third.stop();
  });

  test('may begin with decisions, many at once, before anything was judged', async () => {
    const first = await shared.start();
    const ids = [];
    for (const plague of [...plagues, ...plagues, ...plagues])
      ids.push((await first.send('/v1/comments', add(plague))).id);
    await first.stop();

    const second = await shared.start();
    const decided = await Promise.all(ids.map((id) => second.send(`/v1/submissions/${id}/spam`)));
    expect(decided.map(({ submission }) => submission.status)).toEqual(ids.map(() => 'spam'));
    await second.stop();
  });

  test.runIf(hasPostgres)('is not needed by a replica: it knows at once what another has decided', async () => {
    const [one, two] = [await shared.start(), await shared.start()];
    await retrain(one);
    const both = async () => {
      const [here, there] = [await one.send('/v1/check', asked), await two.send('/v1/check', asked)];
      expect(there).toEqual(here);
      return here;
    };
    const before = await both();
    const { id } = await one.send('/v1/comments', add(`${plagues[3]} Once more.`));
    const { decision } = await one.send(`/v1/submissions/${id}/spam`);
    const after = await both();
    expect(after).not.toEqual(before);
    await two.send(`/v1/decisions/${decision.id}/undo`);
    expect(await both()).toEqual(before);

    // Both decide at the same time, on different submissions and on the same.
    const ids = [];
    for (const plague of plagues) ids.push((await two.send('/v1/comments', add(`${plague} Twice.`))).id);
    const replicas = [one, two];
    await Promise.all(
      ids.flatMap((id) =>
        replicas.map((replica, at) => replica.send(`/v1/submissions/${id}/${at ? 'spam' : 'reject'}`)),
      ),
    );
    await retrain(one);
    await both();
    for (const id of ids) {
      const { history } = await one.get(`/v1/submissions/${id}`);
      const decided = history.filter(({ actor }: { actor: string }) => actor === 'ADMIN_TOKEN');
      expect(decided.map(({ to }: { to: string }) => to).sort()).toEqual(['rejected', 'spam']);
    }
    await Promise.all([one.stop(), two.stop()]);
  });
});
