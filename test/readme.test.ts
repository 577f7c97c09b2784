import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adminToken, type Json, startTestService, type TestService } from './support/service.ts';

let backtalk: TestService;
beforeAll(async () => {
  backtalk = await startTestService({ SITES: '' });
});
afterAll(() => backtalk.stop());

test('the worked examples of the README work, line by line and in their order', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const blocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  expect(blocks.length).toBeGreaterThan(7);
  const said: Record<string, string> = { BACKTALK: backtalk.url, TOKEN: adminToken };
  const answers: Json[] = [];
  for (const block of blocks) {
    for (const line of block
      .replace(/\\\n\s*/g, '')
      .split('\n')
      .filter((text) => text !== '')) {
      const answer = await run(line.replace(/^curl /, 'curl --fail-with-body '), said);
      answers.push(answer);
      // What the README tells a person to take over from the answers.
      said.ID ??= answer.items?.[0]?.id;
      said.DECISION ??= answer.decision?.id;
    }
  }
  const [site, comment, spam, queue, one, approval, published, undone, bulk, similar, campaign, token, log, ...more] =
    answers;
  expect(site).toMatchObject({ bases: ['https://blog.example/'] });
  expect(comment).toMatchObject({ status: 'held' });
  expect(spam).toMatchObject({ status: 'spam' });
  expect(queue.items).toMatchObject([{ id: comment.id }]);
  expect(one).toMatchObject({ id: comment.id, verdict: { outcome: 'held' } });
  expect(approval).toMatchObject({ submission: { status: 'approved' } });
  expect(published).toMatchObject({ count: 1 });
  expect(undone).toMatchObject({ results: [{ from: 'approved', to: 'held' }] });
  expect(bulk).toMatchObject({ results: [{ id: spam.id, ok: true }] });
  expect(similar.items).toMatchObject([{ id: comment.id, similarCount: 0 }]);
  expect(campaign).toMatchObject({ results: [{ id: comment.id, to: 'rejected' }] });
  expect(token).toMatchObject({ name: 'ben', scope: 'moderate' });
  expect(log.items.length).toBeGreaterThan(2);
  expect(more).toContainEqual(expect.objectContaining({ effect: 'block', value: 'roofs.example', site: null }));
  expect(more).toContainEqual(expect.objectContaining({ items: [expect.objectContaining({ state: 'cold' })] }));
});

async function run(line: string, said: Record<string, string>): Promise<Json> {
  try {
    const { stdout } = await promisify(execFile)('sh', ['-euc', line], { env: { PATH: process.env.PATH, ...said } });
    return JSON.parse(stdout);
  } catch (error) {
    throw new Error(`${line}\nfailed: ${(error as { stdout?: string }).stdout ?? error}`);
  }
}
