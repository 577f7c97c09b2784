// What verification saw of linking pages, for moderators to read.
import { asc, eq } from 'drizzle-orm';
import type { Db } from './client.ts';
import { fetches } from './schema.ts';

export type FetchRecord = typeof fetches.$inferSelect;

export async function insertFetch(db: Db, record: typeof fetches.$inferInsert): Promise<void> {
  await db.insert(fetches).values(record);
}

export async function fetchesOf(db: Db, submissionId: string): Promise<FetchRecord[]> {
  return db.select().from(fetches).where(eq(fetches.submissionId, submissionId)).orderBy(asc(fetches.id)).limit(200);
}
