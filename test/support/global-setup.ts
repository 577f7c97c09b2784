// Once before all tests: builds the service for the tests that start it as a process, and makes the migrated databases
// that every test file copies.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { openDatabase, wrapPglite } from '../../src/db/client.ts';
import { openEmbedded } from '../../src/db/embedded.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Data folder of a migrated embedded database, and a dump of it. */
    embeddedTemplate: { folder: string; dump: string };
    /** Name of a migrated database on the server of `TEST_DATABASE_URL`; empty without one. */
    postgresTemplate: string;
  }
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const migrations = join(root, 'drizzle');

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  const place = await mkdtemp(join(tmpdir(), 'backtalk-template-'));
  const embedded = { folder: join(place, 'data'), dump: join(place, 'dump.tar') };
  const { client, close } = await openEmbedded(embedded.folder);
  await wrapPglite(client, migrations);
  await writeFile(embedded.dump, Buffer.from(await (await client.dumpDataDir('none')).arrayBuffer()));
  await close();
  project.provide('embeddedTemplate', embedded);

  const server = process.env.TEST_DATABASE_URL;
  const template = server === undefined ? '' : `backtalk_template_${randomBytes(6).toString('hex')}`;
  if (server !== undefined) {
    await administer(server, (sql) => sql.unsafe(`create database ${template}`));
    const url = new URL(server);
    url.pathname = `/${template}`;
    await (await openDatabase({ databaseUrl: url.href, dataDir: '', migrations })).close();
  }
  project.provide('postgresTemplate', template);

  return async () => {
    await rm(place, { recursive: true, force: true });
    if (server !== undefined)
      await administer(server, (sql) => sql.unsafe(`drop database if exists ${template} with (force)`));
  };
}

async function administer(url: string, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}
