import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openEmbedded } from '../../src/db/embedded.ts';
import { DatabaseInUseError, lockFolder } from '../../src/db/lock.ts';
import { createDataFolder } from '../support/database.ts';
import { main, startProcess } from '../support/process.ts';
import { adminToken } from '../support/service.ts';

let folder: string;
beforeEach(async () => {
  folder = await createDataFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a commit is on the disk: the embedded database calls fsync for every one', async () => {
  const { client, close } = await openEmbedded(folder);
  await client.exec('create table t (n int)');
  let calls = 0;
  const real = fs.fsyncSync;
  fs.fsyncSync = (descriptor) => {
    calls += 1;
    real(descriptor);
  };
  syncBuiltinESMExports();
  try {
    for (let n = 0; n < 20; n += 1) await client.query('insert into t values ($1)', [n]);
  } finally {
    fs.fsyncSync = real;
    syncBuiltinESMExports();
    await close();
  }
  expect(calls).toBeGreaterThanOrEqual(20);
});

test('a query lets timers run, however many follow each other', async () => {
  const { client, close } = await openEmbedded(folder);
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, 1);
  for (let n = 0; n < 200; n += 1) await client.query('select 1');
  clearInterval(timer);
  await close();
  expect(ticks).toBeGreaterThan(20);
});

test('a second process is told who has the database and what to do, and the first goes on', async () => {
  const first = await startProcess({ DATA_DIR: folder });
  const second = spawnSync(process.execPath, [main], {
    env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: folder, ADMIN_TOKEN: adminToken },
    encoding: 'utf8',
  });
  expect(second.status).toBe(1);
  expect(second.stderr).toMatch(/is in use by process \d+ on .*stop that one first/);
  expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  expect(await first.end('SIGTERM')).toBe(0);
});

test('the lock of a process that was killed is no obstacle', async () => {
  const first = await startProcess({ DATA_DIR: folder });
  await first.end('SIGKILL');
  expect(await readdir(folder)).toContain('db.lock');
  const second = await startProcess({ DATA_DIR: folder });
  expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
  expect(await second.end('SIGTERM')).toBe(0);
  expect(await readdir(folder)).toEqual(['db']);
});

test('a folder that another machine has open is left alone, with what to do', async () => {
  await writeFile(join(folder, 'db.lock'), JSON.stringify({ pid: 7, host: 'elsewhere', kernel: 'another' }));
  await expect(lockFolder(folder)).rejects.toThrow(/process 7 on elsewhere, another machine; .*delete .*db\.lock/);
});

test('within one process a folder is locked once, and again after it was released', async () => {
  const release = await lockFolder(folder);
  await expect(lockFolder(folder)).rejects.toThrow(DatabaseInUseError);
  await release();
  await (await lockFolder(folder))();
});

test('a first start that was cut short leaves nothing that stops the next', async () => {
  await rm(join(folder, 'db'), { recursive: true });
  await mkdir(join(folder, 'db.new'));
  await writeFile(join(folder, 'db.new', 'half'), 'made');
  const { client, close } = await openEmbedded(folder);
  expect((await client.query<{ one: number }>('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await close();
  expect(await readdir(folder)).toEqual(['db']);
});
