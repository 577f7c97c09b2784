// Access tokens. Only their digests are stored: they are random enough that a plain SHA-256 cannot be turned back.
import { and, asc, eq, isNull } from 'drizzle-orm';
import { v7 as newId } from 'uuid';
import type { Db } from './client.ts';
import { tokens } from './schema.ts';

export type Token = Omit<typeof tokens.$inferSelect, 'hash'>;
export type Scope = Token['scope'];

export async function insertToken(
  db: Db,
  token: { hash: string; name: string; scope: Scope; siteId: string | null; now: Date },
): Promise<Token> {
  const { now, ...columns } = token;
  const [row] = await db
    .insert(tokens)
    .values({ id: newId(), ...columns, createdAt: now })
    .returning();
  if (row === undefined) throw new Error('a token was not stored');
  return withoutHash(row);
}

/** The token with this digest that has not been revoked. */
export async function findToken(db: Db, hash: string): Promise<Token | null> {
  const [row] = await db
    .select()
    .from(tokens)
    .where(and(eq(tokens.hash, hash), isNull(tokens.revokedAt)));
  return row === undefined ? null : withoutHash(row);
}

/** Whether there ever was a token that may do everything; one bound to a site may not. */
export async function hasAdminToken(db: Db): Promise<boolean> {
  const all = and(eq(tokens.scope, 'admin'), isNull(tokens.siteId));
  return (await db.select({ id: tokens.id }).from(tokens).where(all).limit(1)).length > 0;
}

export async function listTokens(db: Db, limit: number): Promise<Token[]> {
  return (await db.select().from(tokens).orderBy(asc(tokens.id)).limit(limit)).map(withoutHash);
}

/** Revokes a token for good; null if there is none of this id. A second time changes nothing. */
export async function revokeToken(db: Db, id: string, now: Date): Promise<Token | null> {
  await db
    .update(tokens)
    .set({ revokedAt: now })
    .where(and(eq(tokens.id, id), isNull(tokens.revokedAt)));
  const [row] = await db.select().from(tokens).where(eq(tokens.id, id));
  return row === undefined ? null : withoutHash(row);
}

function withoutHash({ hash: _, ...token }: typeof tokens.$inferSelect): Token {
  return token;
}
