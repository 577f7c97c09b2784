// Reads the settings from the environment: the only reader of process.env. Each has a default and a sentence of
// documentation, from which the README's table is checked.
import { isIP } from 'node:net';
import { z } from 'zod';
import { parseHttpUrl } from './url.ts';

const whole = (least: number, most: number) =>
  z
    .string()
    .refine(
      (text) => /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most,
      `must be a whole number from ${least} to ${most}`,
    )
    .transform(Number);
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
const httpUrl = z.string().refine((text) => parseHttpUrl(text) !== null, 'must be an http or https URL');
const yesOrNo = z.enum(['true', 'false']).transform((text) => text === 'true');
const minute = 60_000;
const secret: ReadonlySet<string> = new Set(['ADMIN_TOKEN', 'DATABASE_URL']);

/** Every setting: its reader, its default as one would write it in the environment, and what it does. */
export const settings = {
  HOST: {
    type: z.string().refine((text) => text === 'localhost' || isIP(text) !== 0, 'must be an IP address or localhost'),
    default: '127.0.0.1',
    doc: 'address to listen on; the container sets `0.0.0.0`',
  },
  PORT: { type: whole(0, 65_535), default: '8080', doc: 'port to listen on; 0 takes a free one' },
  PUBLIC_URL: {
    type: httpUrl.optional(),
    default: undefined,
    doc: 'address at which the world reaches this service; default `http://HOST:PORT`',
  },
  DATABASE_URL: {
    type: z
      .string()
      .regex(/^postgres(ql)?:\/\//, 'must begin with postgres://')
      .optional(),
    default: undefined,
    doc: 'PostgreSQL to use, `postgres://user:password@host/database`; unset: the embedded database under `DATA_DIR`',
  },
  DATA_DIR: { type: z.string().min(1), default: './data', doc: 'folder of the embedded database' },
  ADMIN_TOKEN: {
    type: z
      .string()
      .regex(/^[!-~]{16,200}$/, 'must have 16 to 200 characters, ASCII without blanks, since it is sent in a header')
      .optional(),
    default: undefined,
    doc: 'a token that always has admin rights, of at least 16 characters; unset: one is made on the first start and shown once',
  },
  SITES: {
    type: list.pipe(z.array(httpUrl).max(1_000)),
    default: '',
    doc: 'comma-separated base URLs of blogs, created at start where missing',
  },
  FETCH_ALLOW: {
    type: list.pipe(z.array(z.string()).max(100)),
    default: '',
    doc: 'comma-separated `cidr` or `cidr:port` that may be fetched although not public (a blog on your own network)',
  },
  TRUST_PROXY: {
    type: list.pipe(z.array(z.string()).max(100)),
    default: '',
    doc: 'comma-separated `cidr` of your reverse proxies, whose `X-Forwarded-For` is believed',
  },
  RATE_PER_MINUTE: {
    type: whole(0, 1_000_000),
    default: '60',
    doc: 'requests a minute that one address may make at the doors (IPv6: one /64), in each process; 0 is no limit; comments with a valid token are exempt',
  },
  MAX_BODY_BYTES: {
    type: whole(1_024, 10_000_000),
    default: '65536',
    doc: 'bytes of a request body; a longer one is answered 413',
  },
  MAX_TRUSTED_BODY_BYTES: {
    type: whole(1_024, 10_000_000),
    default: '1000000',
    doc: 'the same for requests with a valid token, which may carry the text of a post',
  },
  MAX_COMMENT_CHARS: {
    type: whole(1, 65_536),
    default: '20000',
    doc: 'characters of a comment; a longer one is refused',
  },
  VERIFY_DELAY_MS: {
    type: whole(0, 60 * minute),
    default: '3000',
    doc: "milliseconds that a ping's first fetch waits, since its sender may be publishing still",
  },
  VERIFY_ATTEMPTS: {
    type: whole(1, 20),
    default: '3',
    doc: 'fetches of a linking page that does not answer before the ping is invalid',
  },
  VERIFY_RETRY_MS: { type: whole(0, 1_440 * minute), default: '60000', doc: 'milliseconds between those fetches' },
  VERIFY_CONCURRENCY: {
    type: whole(1, 256),
    default: '8',
    doc: 'linking pages fetched at the same time, at most a quarter of them from one host',
  },
  REFETCH_MIN_MS: {
    type: whole(0, 1_440 * minute),
    default: '30000',
    doc: 'least milliseconds between two fetches of one linking page',
  },
  TARGET_REFETCH_HOURS: {
    type: whole(0, 24 * 366),
    default: '24',
    doc: "hours after which a post's page is read again when a response to it comes in; 0 is never",
  },
  HOST_FETCHES_PER_MINUTE: {
    type: whole(0, 1_000_000),
    default: '30',
    doc: 'fetches a minute of linking pages from one host, in each process; 0 is no limit',
  },
  FETCH_TIMEOUT_MS: {
    type: whole(100, 120_000),
    default: '15000',
    doc: 'milliseconds that a fetch may take in all, redirects included',
  },
  FETCH_MAX_BYTES: {
    type: whole(1_024, 1_048_576),
    default: '1000000',
    doc: 'bytes of a fetched page that are read, counted after decompression',
  },
  FETCH_MAX_REDIRECTS: { type: whole(0, 20), default: '5', doc: 'redirects that a fetch follows' },
  PINGBACK_DETAILED: {
    type: yesOrNo,
    default: 'false',
    doc: 'for debugging: a pingback answer waits up to 2.5 s for a first look and says what was wrong with the source (faults 16, 17, 50)',
  },
  IP_KEEP_HOURS: {
    type: whole(0, 24 * 366),
    default: '72',
    doc: "hours after which a sender's address is cut to a keyed hash and its network, and, counted from the decision, a linking page's text is dropped",
  },
  MODEL_MEMORY_MB: {
    type: whole(1, 65_536),
    default: '64',
    doc: "megabytes that the sites' models may take in memory, in each process; those not used for longest leave and come back when needed, the one used last stays",
  },
  WORKER_IDLE_MS: {
    type: whole(10, minute),
    default: '500',
    doc: 'milliseconds that an idle worker waits before it looks for work again',
  },
  STOP_TIMEOUT_MS: {
    type: whole(0, 5 * minute),
    default: '8000',
    doc: 'milliseconds that open requests and fetches get to end at SIGTERM; Docker kills after 10 seconds',
  },
  LOG_LEVEL: {
    type: z.enum(['silent', 'error', 'warn', 'info', 'debug']),
    default: 'info',
    doc: 'how much is logged (JSON lines on standard error): `silent`, `error`, `warn`, `info`, `debug`',
  },
} as const satisfies Record<string, { type: z.ZodType; default: string | undefined; doc: string }>;

type Settings = typeof settings;
export type Config = { [Name in keyof Settings]: z.output<Settings[Name]['type']> };

/** Reads all settings; an empty variable counts as unset. Throws an Error with one line for each setting that is wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const wrong: string[] = [];
  const read = Object.entries(settings).map(([name, setting]) => {
    const given = environment[name];
    const result = setting.type.safeParse(given === undefined || given === '' ? setting.default : given);
    if (!result.success) {
      const value = secret.has(name) ? 'not shown' : JSON.stringify(given);
      wrong.push(`${name} ${result.error.issues.map((issue) => issue.message).join(', ')} (it is ${value})`);
    }
    return [name, result.data] as const;
  });
  if (wrong.length > 0) throw new Error(`Backtalk cannot start, its settings are wrong:\n  ${wrong.join('\n  ')}`);
  return Object.fromEntries(read) as Config;
}
