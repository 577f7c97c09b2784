// How often one address may knock at the doors, and how often one host is fetched from. Each process counts for itself.
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { CodedError } from './errors.ts';
import { type Ctx, limitKey } from './http.ts';

/** Takes one turn of the client behind a request. Answers null, or the seconds to wait when it has had all its turns. */
export type Limit = (c: Ctx) => Promise<number | null>;

/** Allows each address (IPv6: each /64) `perMinute` turns a minute in this process; 0 allows any number. */
export function createLimit(perMinute: number, address: (c: Ctx) => string): Limit {
  if (perMinute === 0) return async () => null;
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 });
  return async (c) => {
    const wait = await take(limiter, limitKey(address(c)));
    return wait === null ? null : Math.max(1, Math.ceil(wait / 1_000));
  };
}

/** The error for a client that has had all its turns; the answer says when to come again. */
export function tooMany(c: Ctx, seconds: number): CodedError {
  c.header('Retry-After', String(seconds));
  return new CodedError('http.rate_limited', `too many requests from your address; try again in ${seconds} s`);
}

/** Allows `perMinute` fetches a minute from each host; 0 allows any number. Answers null, or the milliseconds to wait. */
export function createHostLimit(perMinute: number): (host: string) => Promise<number | null> {
  if (perMinute === 0) return async () => null;
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 });
  return (host) => take(limiter, host);
}

async function take(limiter: RateLimiterMemory, key: string): Promise<number | null> {
  try {
    await limiter.consume(key);
    return null;
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused;
    return refused.msBeforeNext;
  }
}
