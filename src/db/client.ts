// Opens the database, embedded or PostgreSQL, brings its schema up to date and hides what differs between the two.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import { sql } from 'drizzle-orm';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite';
import { migrate as migratePglite } from 'drizzle-orm/pglite/migrator';
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js';
import { migrate as migratePostgres } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { openEmbedded } from './embedded.ts';
import * as schema from './schema.ts';

/** Either database, or a transaction of it. Inside a transaction only the transaction may be used: the embedded one has a single connection. */
export type Db = PgDatabase<PgQueryResultHKT, typeof schema>;

export interface Database {
  db: Db;
  /** Whether the schema is at least the one that this version was built for. */
  isUpToDate(): Promise<boolean>;
  close(): Promise<void>;
}

/** Any number that no other program uses for its advisory locks on this database. */
const migrationLock = 7_265_821_043;

/** Opens `DATABASE_URL`, or without one the embedded database under `dataDir`, and applies the migrations of `migrations`. */
export async function openDatabase(options: {
  databaseUrl: string | undefined;
  dataDir: string;
  migrations: string;
}): Promise<Database> {
  if (options.databaseUrl !== undefined) return openPostgres(options.databaseUrl, options.migrations);
  const { client, close } = await openEmbedded(options.dataDir);
  try {
    return await wrapPglite(client, options.migrations, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** A `Database` over an open embedded client; migrations need no lock, since nobody else can be connected. */
export async function wrapPglite(client: PGlite, migrations: string, close = () => client.close()): Promise<Database> {
  const db = drizzlePglite(client, { schema });
  await migratePglite(db, { migrationsFolder: migrations });
  const ours = await latestMigration(migrations);
  return {
    db,
    isUpToDate: () => isUpToDate(db, ours),
    close,
  };
}

async function openPostgres(url: string, migrations: string): Promise<Database> {
  const ours = await latestMigration(migrations);
  const shared = { onnotice: () => {}, connect_timeout: 10, connection: { application_name: 'backtalk' } };
  const one = postgres(url, { ...shared, max: 1 });
  try {
    // Replicas that start together take turns; the lock goes with the connection.
    await one`select pg_advisory_lock(${migrationLock})`;
    await migratePostgres(drizzlePostgres(one), { migrationsFolder: migrations });
  } finally {
    await one.end();
  }
  const client = postgres(url, { ...shared, max: 10, connection: { ...shared.connection, statement_timeout: 30_000 } });
  const db = drizzlePostgres(client, { schema });
  return {
    db,
    isUpToDate: () => isUpToDate(db, ours),
    close: () => client.end({ timeout: 1 }),
  };
}

/** When the newest migration of a folder was made, as its journal says. */
async function latestMigration(migrations: string): Promise<number> {
  const journal = JSON.parse(await readFile(join(migrations, 'meta', '_journal.json'), 'utf8')) as {
    entries: { when: number }[];
  };
  return Math.max(...journal.entries.map((entry) => entry.when));
}

async function isUpToDate(db: Db, ours: number): Promise<boolean> {
  const [row] = await rows<{ latest: string | number }>(
    db,
    sql`select max(created_at) as latest from drizzle.__drizzle_migrations`,
  );
  return row !== undefined && Number(row.latest) >= ours;
}

/** The rows of a raw statement: the two drivers wrap them differently. Numbers over 32 bits may come as strings. */
export async function rows<Row>(db: Db, statement: ReturnType<typeof sql>): Promise<Row[]> {
  const result = (await db.execute(statement)) as unknown as Row[] | { rows: Row[] };
  return Array.isArray(result) ? result : result.rows;
}

/** The constraint that a failed write ran into, or null if it failed for another reason. */
export function violatedConstraint(error: unknown): string | null {
  const cause = (error as { cause?: { code?: string; constraint?: string; constraint_name?: string } })?.cause;
  return cause?.code === '23505' ? (cause.constraint ?? cause.constraint_name ?? '') : null;
}
