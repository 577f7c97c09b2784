// Managing tokens. A token is shown once, in the answer that makes it.
import { Hono } from 'hono';
import { z } from 'zod';
import { type Caller, newToken, tokenHash } from '../auth.ts';
import { violatedConstraint } from '../db/client.ts';
import { getSite } from '../db/sites.ts';
import { insertToken, listTokens, revokeToken, type Token } from '../db/tokens.ts';
import { CodedError } from '../errors.ts';
import { type Env, isId, parseJson, readBody } from '../http.ts';
import { kinds } from '../submission.ts';
import { cleanText } from '../text.ts';
import type { Desk } from './desk.ts';
import { idSchema } from './filters.ts';

const mostListed = 1_000;
/** Names that the audit log uses for others, in lower case; `admin` is the token that a first start makes. */
const reserved = new Set<string>(['policy', 'worker', 'admin_token', 'admin', ...kinds]);

const newTokenSchema = z.strictObject({
  name: z
    .string()
    .transform((text) => cleanText(text).trim())
    .pipe(z.string().min(1).max(100))
    .refine((name) => !reserved.has(name.toLowerCase()), 'is reserved'),
  scope: z.enum(['submit', 'moderate', 'admin']),
  site: idSchema.nullish(),
});

/** `/tokens`, for admins of all sites. */
export function createTokens({ db, auth, now, maxBodyBytes }: Desk): Hono<Env> {
  const routes = new Hono<Env>();

  routes.use(async (c, next) => {
    const caller: Caller = await auth.require(c, 'admin');
    if (caller.siteId !== null)
      throw new CodedError('auth.forbidden', 'a token bound to one site cannot manage tokens');
    await next();
  });

  routes.get('/', async (c) => c.json({ items: (await listTokens(db, mostListed)).map(tokenOf) }));

  routes.post('/', async (c) => {
    const { name, scope, site } = parseJson(await readBody(c, maxBodyBytes), newTokenSchema, 'moderate.bad_input');
    if (site && (await getSite(db, site)) === null)
      throw new CodedError('moderate.bad_input', 'site: there is no such site');
    const token = newToken();
    try {
      const stored = await insertToken(db, { hash: tokenHash(token), name, scope, siteId: site ?? null, now: now() });
      return c.json({ ...tokenOf(stored), token }, 201);
    } catch (error) {
      if (violatedConstraint(error) === null) throw error;
      throw new CodedError('moderate.taken', `there is a token named ${name} already`);
    }
  });

  routes.delete('/:id', async (c) => {
    const id = c.req.param('id');
    const revoked = isId(id) ? await revokeToken(db, id, now()) : null;
    if (revoked === null) throw new CodedError('moderate.not_found', `there is no token ${id.slice(0, 50)}`);
    return c.json(tokenOf(revoked));
  });
  return routes;
}

function tokenOf({ id, name, scope, siteId, createdAt, revokedAt }: Token) {
  return {
    id,
    name,
    scope,
    site: siteId,
    createdAt: createdAt.toISOString(),
    revokedAt: revokedAt?.toISOString() ?? null,
  };
}
