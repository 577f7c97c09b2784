// Several services on one database: one after the other, as at a restart, or on PostgreSQL side by side, as replicas.
import { fileURLToPath } from 'node:url';
import { readConfig } from '../../src/config.ts';
import { type Database, openDatabase } from '../../src/db/client.ts';
import { startService } from '../../src/service.ts';
import { createPostgresDatabase, openTestDatabase } from './database.ts';
import { adminToken, type Json } from './service.ts';

export const hasPostgres = process.env.TEST_DATABASE_URL !== undefined;

/** One of the services. Its blog is `https://blog.example/`, of which no page can be fetched. */
export interface Replica {
  get(path: string): Promise<Json>;
  send(path: string, body?: unknown): Promise<Json>;
  stop(): Promise<void>;
}

export interface SharedDatabase {
  /** Where it is, on PostgreSQL; undefined embedded. */
  url?: string;
  /** Starts a service on it. Embedded, the one before must have been stopped. */
  start(): Promise<Replica>;
  close(): Promise<void>;
}

/** A database that outlives the services on it. */
export async function shareDatabase(): Promise<SharedDatabase> {
  if (!hasPostgres) {
    const database = await openTestDatabase();
    return { start: () => startReplica(async () => ({ ...database, close: async () => {} })), close: database.close };
  }
  const { url, drop } = await createPostgresDatabase();
  const migrations = fileURLToPath(new URL('../../drizzle', import.meta.url));
  return {
    url,
    start: () => startReplica(() => openDatabase({ databaseUrl: url, dataDir: '', migrations })),
    close: drop,
  };
}

async function startReplica(database: () => Promise<Database>): Promise<Replica> {
  const config = readConfig({
    PORT: '0',
    ADMIN_TOKEN: adminToken,
    SITES: 'https://blog.example/',
    WORKER_IDLE_MS: '10',
    LOG_LEVEL: 'silent',
  });
  const { url, stop } = await startService(config, { database, resolve: async () => [] });
  const headers = { authorization: `Bearer ${adminToken}` };
  return {
    get: async (path) => (await fetch(url + path, { headers })).json(),
    send: async (path, body = {}) =>
      (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json(),
    stop,
  };
}
