// A migrated, empty database for one test file: embedded in memory, or on the server of TEST_DATABASE_URL.
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { inject } from 'vitest';
import { type Database, openDatabase, wrapPglite } from '../../src/db/client.ts';
import { openInMemory } from '../../src/db/embedded.ts';

const migrations = fileURLToPath(new URL('../../drizzle', import.meta.url));
const server = process.env.TEST_DATABASE_URL;

/** Opens a database of its own, which is gone when it is closed. */
export async function openTestDatabase(): Promise<Database> {
  if (server === undefined) {
    return wrapPglite(await openInMemory(new Blob([await readFile(inject('embeddedTemplate').dump)])), migrations);
  }
  const { url, drop } = await createPostgresDatabase();
  const database = await openDatabase({ databaseUrl: url, dataDir: '', migrations });
  return {
    ...database,
    close: async () => {
      await database.close();
      await drop();
    },
  };
}

/** A new data folder with a migrated, empty database, for a process. The caller removes it. */
export async function createDataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'backtalk-data-'));
  await cp(inject('embeddedTemplate').folder, folder, { recursive: true });
  return folder;
}

/** A database on the server of TEST_DATABASE_URL: a copy of the migrated template, or an empty one. */
export async function createPostgresDatabase({
  empty = false,
} = {}): Promise<{ url: string; drop: () => Promise<void> }> {
  if (server === undefined) throw new Error('TEST_DATABASE_URL is not set');
  const name = `backtalk_test_${randomBytes(6).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  await administer((sql) =>
    sql.unsafe(`create database ${name} template ${empty ? 'template0' : inject('postgresTemplate')}`),
  );
  return { url: url.href, drop: () => administer((sql) => sql.unsafe(`drop database if exists ${name} with (force)`)) };
}

async function administer(work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(server as string, { max: 1, onnotice: () => {} });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}
