// A running service for one test file, and short words for talking to it over HTTP.
import { sql } from 'drizzle-orm';
import { readConfig } from '../../src/config.ts';
import type { Database } from '../../src/db/client.ts';
import { type Service, startService } from '../../src/service.ts';
import { openTestDatabase } from './database.ts';
import { startWeb, type Web } from './web.ts';

export const adminToken = 'an-admin-token-for-tests';

// Answers are looked into in detail by the tests; their shape is what is tested.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Json = any;

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON; throws if it is none. */
  readonly json: Json;
}

export interface TestService {
  service: Service;
  url: string;
  web: Web;
  /** For what no answer shows. */
  database: Database;
  /** A post on the site that exists from the start. */
  post: string;
  /** Moves the service's clock on. */
  advance(ms: number): void;
  /** Sends a request; with the admin token unless `token` says otherwise (null: none). */
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  get(path: string, options?: RequestOptions): Promise<Json>;
  send(path: string, body?: unknown, options?: RequestOptions): Promise<Json>;
  /** Forwards a comment as an engine does, and answers what the door said. */
  comment(fields?: Record<string, unknown>): Promise<Json>;
  /** Keeps the sites that there are from being refitted: what is judged changes by decisions alone, whenever it is asked. */
  holdRefits(): Promise<void>;
  stop(): Promise<void>;
}

export interface RequestOptions {
  body?: string | Uint8Array;
  headers?: Record<string, string>;
  token?: string | null;
}

/** Starts a service with quick verification, the site `blog.example` and the fixtures' web around it. */
export async function startTestService(settings: Record<string, string> = {}): Promise<TestService> {
  const web = await startWeb();
  const config = readConfig({
    PORT: '0',
    ADMIN_TOKEN: adminToken,
    SITES: web.url('blog.example'),
    FETCH_ALLOW: '127.0.0.1/32',
    VERIFY_DELAY_MS: '0',
    VERIFY_RETRY_MS: '0',
    REFETCH_MIN_MS: '0',
    WORKER_IDLE_MS: '10',
    RATE_PER_MINUTE: '0',
    HOST_FETCHES_PER_MINUTE: '0',
    LOG_LEVEL: 'silent',
    ...settings,
  });
  let ahead = 0;
  const database = await openTestDatabase();
  const service = await startService(config, {
    now: () => new Date(Date.now() + ahead),
    resolve: web.resolve,
    database: async () => database,
  });
  const { url } = service;
  const request = (method: string, path: string, options: RequestOptions = {}) => call(url, method, path, options);
  const post = web.url('blog.example', '/bread');
  return {
    service,
    url,
    web,
    database,
    post,
    advance: (ms) => {
      ahead += ms;
    },
    request,
    get: async (path, options) => (await request('GET', path, options)).json,
    send: async (path, body = {}, options = {}) =>
      (await request('POST', path, { body: JSON.stringify(body), ...options })).json,
    comment: async (fields = {}) => {
      const body = {
        target: post,
        author: { name: 'Ann' },
        content: 'A loaf like this needs a hotter oven.',
        ...fields,
      };
      return (await request('POST', '/v1/comments', { body: JSON.stringify(body) })).json;
    },
    holdRefits: async () => {
      // As if another process were at it.
      await database.db.execute(sql`update sites set refit_leased_until = '2999-01-01'`);
    },
    stop: async () => {
      await service.stop();
      await web.close();
    },
  };
}

async function call(
  url: string,
  method: string,
  path: string,
  { body, headers = {}, token = adminToken }: RequestOptions,
): Promise<Answer> {
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url + path, {
    method,
    headers: { ...authorization, ...headers },
    redirect: 'manual',
    ...(body !== undefined && { body: body as string }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}

/** Waits until `condition` gives something true, looking every few milliseconds; throws after `timeoutMs`. */
export async function until<Value>(
  condition: () => Promise<Value | null | undefined | false> | Value | null | undefined | false,
  timeoutMs = 10_000,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
