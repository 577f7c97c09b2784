// The HTTP server under the app: listening, and closing without leaving a client waiting.
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Env } from './http.ts';

export interface Listener {
  /** Where it listens. */
  url: string;
  /** Answers by this app from now on; until then every request gets 503. */
  serve(app: Hono<Env>): void;
  /** Accepts nothing more, lets open requests end for at most `timeoutMs`, and closes what is left. */
  close(timeoutMs: number): Promise<void>;
}

/**
 * Listens before there is an app, since the service's public address may depend on the port that was free. Throws an
 * Error with a message for the operator if it cannot.
 */
export async function listen(host: string, port: number): Promise<Listener> {
  let app: Hono<Env> | null = null;
  const server = createAdaptorServer({
    fetch: (request, env) => app?.fetch(request, env as Env['Bindings']) ?? new Response('starting', { status: 503 }),
    overrideGlobalObjects: false,
  }) as Server;
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE' ? 'another program listens there already; set PORT to a free one' : error.message;
      reject(new Error(`cannot listen on ${host} port ${port}: ${why}`));
    });
    server.listen(port, host, resolve);
  });
  const bound = server.address();
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    serve: (given) => {
      app = given;
    },
    close: (timeoutMs) => close(server, timeoutMs),
  };
}

/** Idle connections that are kept alive would hold a server open for seconds after its last answer. */
async function close(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const idle = setInterval(() => server.closeIdleConnections(), 100);
  const deadline = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearInterval(idle);
  clearTimeout(deadline);
}
