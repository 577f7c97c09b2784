import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDataFolder, createPostgresDatabase } from '../support/database.ts';
import { ask, main, startProcess } from '../support/process.ts';
import { until } from '../support/service.ts';

let folder: string;
beforeEach(async () => {
  folder = await createDataFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('the first start shows an admin token and lines to try, which work; the second start does not show it again', async () => {
  const first = await startProcess({ DATA_DIR: folder, ADMIN_TOKEN: '' });
  const greeting = first.output();
  const token = /shown this once only: (bt_\S+)/.exec(greeting)?.[1] ?? '';
  expect(token.length).toBeGreaterThan(40);
  const lines = [...greeting.matchAll(/^ {2}(curl [^\n]*) \\\n\s+(.*)$/gm)].map(([, head, tail]) => `${head} ${tail}`);
  expect(lines).toHaveLength(2);
  for (const line of lines) {
    const { stdout } = await promisify(execFile)('sh', ['-euc', line.replace('curl ', 'curl -s --fail-with-body ')]);
    expect(JSON.parse(stdout)).toHaveProperty('id');
  }
  const queue = await fetch(`${first.url}/v1/submissions`, { headers: { authorization: `Bearer ${token}` } });
  expect(((await queue.json()) as { items: unknown[] }).items).toHaveLength(1);
  expect(await first.end('SIGTERM')).toBe(0);

  const second = await startProcess({ DATA_DIR: folder, ADMIN_TOKEN: '' });
  expect(second.output()).not.toContain('bt_');
  expect(await second.end('SIGTERM')).toBe(0);
});

test('a database made under ADMIN_TOKEN takes it on every start, also a new one', async () => {
  const first = await startProcess({ DATA_DIR: folder });
  expect(await ask(first, 'GET', '/v1/sites')).toEqual({ items: [] });
  await first.end('SIGTERM');
  const second = await startProcess({ DATA_DIR: folder, ADMIN_TOKEN: 'another-admin-token' });
  expect(
    (await fetch(`${second.url}/v1/sites`, { headers: { authorization: 'Bearer another-admin-token' } })).status,
  ).toBe(200);
  expect(await ask(second, 'GET', '/v1/sites')).toMatchObject({ error: { code: 'auth.bad_token' } });
  await second.end('SIGTERM');
});

test('at SIGTERM a request that is under way is answered, and the process ends with 0', async () => {
  const service = await startProcess({ DATA_DIR: folder, SITES: 'http://blog.example/' });
  const { port, hostname } = new URL(service.url);
  const socket = connect(Number(port), hostname);
  const body = JSON.stringify({
    target: 'http://blog.example/post',
    author: { name: 'Ann' },
    content: 'Half of this comes late.',
  });
  let answer = '';
  const answered = new Promise<void>((resolve) =>
    socket.on('data', (chunk) => (answer += chunk)).on('close', () => resolve()),
  );
  socket.write(
    `POST /v1/comments HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
  );
  // Another request is answered after the first one's head has been read.
  await ask(service, 'GET', '/healthz');
  const ended = service.end('SIGTERM');
  socket.write(body.slice(10));
  await answered;
  expect(answer).toMatch(/^HTTP\/1\.1 202 /);
  expect(await ended).toBe(0);
});

test('a SIGTERM during the start is obeyed as soon as the start is through', async () => {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: folder, LOG_LEVEL: 'info' },
  });
  const ended = once(child, 'exit');
  // The lock is taken early in the start, long before the service listens.
  await until(() =>
    access(join(folder, 'db.lock')).then(
      () => true,
      () => false,
    ),
  );
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(await readdir(folder)).toEqual(['db']);
});

test('a port that is taken stops the start with a word on what to do', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  const port = typeof address === 'object' ? address?.port : 0;
  await expect(startProcess({ DATA_DIR: folder, PORT: String(port) })).rejects.toThrow(
    /ended with 1: cannot listen .* set PORT to a free one/,
  );
  await new Promise((resolve) => other.close(resolve));
});

test('wrong settings stop the start before anything is touched', async () => {
  const empty = join(await mkdtemp(join(tmpdir(), 'backtalk-none-')), 'data');
  const start = startProcess({ DATA_DIR: empty, VERIFY_ATTEMPTS: 'many', FETCH_ALLOW: '' });
  await expect(start).rejects.toThrow(
    /ended with 1: Backtalk cannot start, its settings are wrong:\n {2}VERIFY_ATTEMPTS/,
  );
  await expect(startProcess({ DATA_DIR: empty, FETCH_ALLOW: 'everything' })).rejects.toThrow(
    /ended with 1: .*everything/,
  );
  await rm(join(empty, '..'), { recursive: true });
});

test('a folder that cannot be used stops the start with its setting and what is wrong', async () => {
  const file = join(folder, 'a-file');
  await writeFile(file, '');
  await expect(startProcess({ DATA_DIR: file })).rejects.toThrow(
    /ended with 1: cannot open the database in DATA_DIR \(.*a-file\)/,
  );
});

test('a PostgreSQL that does not answer stops the start with what is wrong', async () => {
  const start = startProcess({ DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:9/none' });
  await expect(start).rejects.toThrow(/ended with 1: cannot open the database of DATABASE_URL: .*ECONNREFUSED/);
  await expect(start).rejects.not.toThrow(/secret/);
});

test.skipIf(process.env.TEST_DATABASE_URL === undefined)(
  'processes that start together on an empty PostgreSQL database all start, and one makes the token',
  async () => {
    const { url, drop } = await createPostgresDatabase({ empty: true });
    const settings = { DATABASE_URL: url, ADMIN_TOKEN: '', SITES: 'https://blog.example/,https://other.example/' };
    const started = await Promise.all(Array.from({ length: 3 }, () => startProcess(settings)));
    expect(started.filter((one) => one.output().includes('shown this once only'))).toHaveLength(1);
    expect(await Promise.all(started.map((one) => one.end('SIGTERM')))).toEqual([0, 0, 0]);
    await drop();
  },
);
