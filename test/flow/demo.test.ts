import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { builtInPage, playDemo } from '../../src/demo.ts';

test('the demo holds the nine honest responses of its page as likely ham, and puts the advertisement aside with true reasons', {
  timeout: 120_000,
}, async () => {
  const lines: string[] = [];
  const played = await playDemo(builtInPage, (line) => void lines.push(line));

  const honest = played.filter((response) => !response.spam);
  expect(honest).toHaveLength(9);
  for (const response of honest) {
    expect(response).toMatchObject({ status: 'held' });
    expect(response.probability).toBeLessThan(0.3);
  }
  const [advertisement] = played.filter((response) => response.spam);
  expect(advertisement).toMatchObject({ status: 'spam' });
  expect(advertisement?.probability).toBeGreaterThan(0.9);
  expect(advertisement?.reasons.map(({ code }) => code)).toContain('author_name');

  const text = lines.join('\n');
  expect(text).toContain('9 published');
  expect(text.slice(text.indexOf('9 published'))).not.toContain('office cleaning services');
});

test('a file that is no page is refused before anything is started, with what is wrong in it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'backtalk-page-'));
  const file = join(folder, 'page.json');
  const play = () => playDemo(file, () => {});
  await expect(play()).rejects.toThrow(/page\.json is not a page that can be played: ENOENT/);
  await writeFile(file, '{"title":"T","text":"x","responses":[{"kind":"letter"}]}');
  await expect(play()).rejects.toThrow(/responses\[0\]\.kind/);
  await rm(folder, { recursive: true });
});
