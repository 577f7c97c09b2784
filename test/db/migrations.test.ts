import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { rows } from '../../src/db/client.ts';
import { openTestDatabase } from '../support/database.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('the migrations are in step with the schema: generating finds nothing to do', async () => {
  // drizzle-kit takes a folder below the working directory only.
  const copy = await mkdtemp(join(root, 'node_modules', '.migrations-'));
  try {
    await cp(join(root, 'drizzle'), copy, { recursive: true });
    const before = await readdir(copy, { recursive: true });
    execFileSync(
      'npx',
      [
        'drizzle-kit',
        'generate',
        '--dialect',
        'postgresql',
        '--schema',
        'src/db/schema.ts',
        '--out',
        relative(root, copy),
      ],
      { cwd: root, stdio: 'pipe' },
    );
    expect(await readdir(copy, { recursive: true })).toEqual(before);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
});

test('a database says that its schema is up to date, and that it is not when a migration is missing', async () => {
  const database = await openTestDatabase();
  try {
    expect(await database.isUpToDate()).toBe(true);
    await rows(database.db, sql`delete from drizzle.__drizzle_migrations`);
    expect(await database.isUpToDate()).toBe(false);
  } finally {
    await database.close();
  }
});
