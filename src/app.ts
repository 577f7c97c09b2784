// Mounts the rooms' routes, and answers the errors that no door has answered in its own dialect.
import { Hono } from 'hono';
import { CodedError } from './errors.ts';
import type { Ctx, Env } from './http.ts';
import { type Log, loggable } from './log.ts';
import type { Metrics } from './metrics.ts';

interface Dependencies {
  log: Log;
  metrics: Metrics;
  /** Routes by the path that they are mounted at. */
  routes: readonly (readonly [path: string, routes: Hono<Env>])[];
  /** Whether the database answers and has our schema. */
  isReady: () => Promise<boolean>;
}

export function createApp({ log, metrics, routes, isReady }: Dependencies): Hono<Env> {
  const app = new Hono<Env>();

  app.use(async (c, next) => {
    const start = performance.now();
    await next();
    const seconds = (performance.now() - start) / 1_000;
    const room = c.req.path
      .split('/')
      .slice(0, c.req.path.startsWith('/v1/') ? 3 : 2)
      .join('/');
    metrics.answered(c.req.method, c.res.status === 404 ? 'unknown' : room, c.res.status, seconds);
    log.info(
      { method: c.req.method, path: c.req.path, status: c.res.status, ms: Math.round(seconds * 1_000) },
      'answered',
    );
  });
  app.use(async (c, next) => {
    await next();
    c.header('X-Content-Type-Options', 'nosniff');
  });

  for (const [path, mounted] of routes) app.route(path, mounted);

  app.get('/', (c) =>
    c.text(
      'Backtalk receives pingbacks, TrackBacks and comments for blogs. There is nothing to see at this address.\n',
    ),
  );
  app.get('/healthz', (c) => c.json({ ok: true }));
  app.get('/readyz', async (c) => {
    const ready = await isReady().catch(() => false);
    return c.json({ ok: ready }, ready ? 200 : 503);
  });
  app.get('/metrics', async (c) => c.text(await metrics.text(), 200, { 'Content-Type': metrics.contentType }));

  app.notFound((c) =>
    errorAnswer(c, new CodedError('http.not_found', `there is no ${c.req.method} ${c.req.path.slice(0, 100)} here`)),
  );
  app.onError((error, c) => {
    if (error instanceof CodedError) return errorAnswer(c, error);
    log.error({ method: c.req.method, path: c.req.path, ...loggable(error) }, 'a request failed');
    return errorAnswer(c, new CodedError('http.internal', 'something went wrong here; it has been logged'));
  });
  return app;
}

function errorAnswer(c: Ctx, { code, message, details, status }: CodedError): Response {
  if (status === 401) c.header('WWW-Authenticate', 'Bearer');
  return c.json({ error: { code, message, ...(details !== undefined && { details }) } }, status);
}
