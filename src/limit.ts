// How often one address may knock at the doors.
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { type Ctx, limitKey } from './http.ts';

/** Takes one turn of the client behind a request. Answers null, or the seconds to wait when it has had all its turns. */
export type Limit = (c: Ctx) => Promise<number | null>;

/** Allows each address (IPv6: each /64) `perMinute` turns a minute in this process; 0 allows any number. */
export function createLimit(perMinute: number, address: (c: Ctx) => string): Limit {
  if (perMinute === 0) return async () => null;
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 });
  return async (c) => {
    try {
      await limiter.consume(limitKey(address(c)));
      return null;
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      return Math.max(1, Math.ceil(refused.msBeforeNext / 1_000));
    }
  };
}
