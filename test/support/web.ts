// The internet as the tests have it: one server on loopback that plays every host of the fixtures.

import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { ResolvedAddress } from '../../src/safe-fetch.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Web {
  /** The URL of a page on a host that this server plays. */
  url(host: string, path?: string): string;
  /** Answers a path of a host by a text, or as `handler` does, from now on. Without this, `test/fixtures/web` answers. */
  page(host: string, path: string, answer: string | Handler): void;
  /** How often a page has been asked for. */
  visits(host: string, path: string): number;
  /** Finds every host here. */
  resolve(hostname: string): Promise<ResolvedAddress[]>;
  close(): Promise<void>;
}

const fixtures = new URL('../fixtures/web/', import.meta.url);

/** Starts the server. In pages, `http://<host>.example/` gets the port at which this server plays that host. */
export async function startWeb(): Promise<Web> {
  const pages = new Map<string, string | Handler>();
  const visits = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const key = `${host}${path}`;
    visits.set(key, (visits.get(key) ?? 0) + 1);
    const answer = pages.get(`${host}${request.url}`) ?? pages.get(key) ?? (await fixture(key));
    if (typeof answer === 'function') return answer(request, response);
    if (answer === null) return void response.writeHead(404, { 'content-type': 'text/plain' }).end('not found');
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(withPort(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const withPort = (text: string) => text.replace(/http:\/\/([a-z-]+\.example)(?=[/"'\s<])/g, `http://$1:${port}`);
  return {
    url: (host, path = '/') => `http://${host}:${port}${path}`,
    page: (host, path, answer) => void pages.set(`${host}${path}`, answer),
    visits: (host, path) => visits.get(`${host}${path}`) ?? 0,
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function fixture(key: string): Promise<string | null> {
  const file = new URL(key.endsWith('/') ? `${key}index.html` : key, fixtures);
  if (!file.pathname.startsWith(fixtures.pathname)) return null;
  return readFile(fileURLToPath(file), 'utf8').catch(() => null);
}
