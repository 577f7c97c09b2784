// Who is asking: bearer tokens, what their scope allows and which site they are bound to.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Db } from './db/client.ts';
import { findToken, type Scope } from './db/tokens.ts';
import { CodedError } from './errors.ts';
import type { Ctx } from './http.ts';
import { type Limit, tooMany } from './limit.ts';

/** A caller with a valid token. `siteId` null: all sites. */
export interface Caller {
  actor: string;
  scope: Scope;
  siteId: string | null;
}

export interface Auth {
  /** The caller, or null without a token. Throws `auth.bad_token` for one that is unknown or revoked. */
  identify(c: Ctx): Promise<Caller | null>;
  /** The caller, who must have at least this scope. Throws `auth.missing_token`, `auth.bad_token` or `auth.forbidden`. */
  require(c: Ctx, scope: Scope): Promise<Caller>;
}

const rank: Record<Scope, number> = { submit: 0, moderate: 1, admin: 2 };

/**
 * Checks tokens against the database; `adminToken` (the setting) is valid besides, whatever the database holds. Whoever
 * sends a wrong one takes a turn of `limit`.
 */
export function createAuth(db: Db, adminToken: string | undefined, limit: Limit): Auth {
  const configured = adminToken === undefined ? null : Buffer.from(tokenHash(adminToken));

  async function refused(c: Ctx, why: string): Promise<CodedError> {
    const wait = await limit(c);
    return wait === null ? new CodedError('auth.bad_token', why) : tooMany(c, wait);
  }

  async function identify(c: Ctx): Promise<Caller | null> {
    const header = c.req.header('authorization');
    if (header === undefined) return null;
    const token = /^bearer +(\S+) *$/i.exec(header)?.[1];
    if (token === undefined) throw await refused(c, 'the Authorization header must read "Bearer <token>"');
    const hash = tokenHash(token);
    if (configured !== null && timingSafeEqual(configured, Buffer.from(hash)))
      return { actor: 'ADMIN_TOKEN', scope: 'admin', siteId: null };
    const known = await findToken(db, hash);
    if (known === null) throw await refused(c, 'this token is unknown or has been revoked');
    return { actor: known.name, scope: known.scope, siteId: known.siteId };
  }

  return {
    identify,
    async require(c, scope) {
      const caller = await identify(c);
      if (caller === null)
        throw new CodedError(
          'auth.missing_token',
          'this needs a token: send the header "Authorization: Bearer <token>"',
        );
      if (rank[caller.scope] < rank[scope])
        throw new CodedError('auth.forbidden', `this needs a token of scope ${scope}; yours has ${caller.scope}`);
      return caller;
    },
  };
}

/** A new token, of 256 random bits. */
export function newToken(): string {
  return `bt_${randomBytes(32).toString('base64url')}`;
}

/** The digest under which a token is stored. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Throws `auth.forbidden` unless the caller may act for a site. */
export function requireSite(caller: Caller, siteId: string): void {
  if (caller.siteId !== null && caller.siteId !== siteId)
    throw new CodedError('auth.forbidden', 'your token is bound to another site');
}
