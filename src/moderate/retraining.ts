// Retraining a site's model on demand: for an operator who wants the truth in the place of the cache, now.
import { Hono } from 'hono';
import { z } from 'zod';
import { requireSite } from '../auth.ts';
import { CodedError } from '../errors.ts';
import { type Env, parseJson, readBody } from '../http.ts';
import type { Desk } from './desk.ts';
import { requireKnown } from './sites.ts';

interface Dependencies extends Desk {
  /** Rebuilds and refits a site's model. Null if that is under way already. */
  retrain: (siteId: string) => Promise<{ epoch: number; n: number; lessons: number; seconds: number } | null>;
}

/** `POST /sites/<id>/retrain`: needs `admin`. */
export function createRetraining({ db, auth, maxBodyBytes, retrain }: Dependencies): Hono<Env> {
  const routes = new Hono<Env>();
  routes.post('/:id/retrain', async (c) => {
    const caller = await auth.require(c, 'admin');
    const site = await requireKnown(db, c.req.param('id'));
    requireSite(caller, site.id);
    const body = await readBody(c, maxBodyBytes);
    if (body.length > 0) parseJson(body, z.strictObject({}), 'moderate.bad_input');
    const retrained = await retrain(site.id);
    if (retrained === null)
      throw new CodedError('moderate.refit_running', "this site's model is being refitted already; ask again later");
    return c.json(retrained);
  });
  return routes;
}
