// Facts about the installation that must survive a restart and be the same in all its processes.
import { randomBytes } from 'node:crypto';
import { eq } from 'drizzle-orm';
import type { Db } from './client.ts';
import { installation } from './schema.ts';

/** The key under which senders' addresses are hashed; made once, and kept in the database so that all processes share it. */
export async function addressKey(db: Db): Promise<Buffer> {
  const fresh = randomBytes(32).toString('base64');
  await db.insert(installation).values({ name: 'address_key', value: fresh }).onConflictDoNothing();
  const [row] = await db.select().from(installation).where(eq(installation.name, 'address_key'));
  if (row === undefined) throw new Error('the key of address hashes was not stored');
  return Buffer.from(row.value, 'base64');
}
