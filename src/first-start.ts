// What a first start makes: the admin token and the sites that the settings name. Replicas may start at the same moment.
import { newToken, tokenHash } from './auth.ts';
import { type Db, violatedConstraint } from './db/client.ts';
import { defaultSettings, hasBase, insertSite } from './db/sites.ts';
import { hasAdminToken, insertToken } from './db/tokens.ts';

/** Makes the first admin token, if there is none yet. Answers it: it can be shown this once only. */
export async function makeAdminToken(db: Db, now: Date): Promise<string | null> {
  if (await hasAdminToken(db)) return null;
  const token = newToken();
  const stored = await unlessStored(() =>
    insertToken(db, { hash: tokenHash(token), name: 'admin', scope: 'admin', siteId: null, now }),
  );
  return stored === null ? null : token;
}

/** Adds a site for each base that belongs to none. */
export async function addMissingSites(db: Db, bases: readonly string[], now: Date): Promise<void> {
  for (const base of bases.map((text) => new URL(text))) {
    if (await hasBase(db, base)) continue;
    await unlessStored(() => insertSite(db, { name: base.host, bases: [base], settings: defaultSettings, now }));
  }
}

/** Null where another process was quicker. */
async function unlessStored<Result>(write: () => Promise<Result>): Promise<Result | null> {
  try {
    return await write();
  } catch (error) {
    if (violatedConstraint(error) === null) throw error;
    return null;
  }
}
