// The service's own log: JSON lines on standard error, so that standard output is free for what a person is to read.
import pino from 'pino';

export type Log = pino.Logger;

export function createLog(level: string): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
}

/**
 * What of an error may be logged. The message of a failed query holds its parameters, which are people's texts and
 * addresses: of those only the database's own words and the statement are kept.
 */
export function loggable(error: unknown): Record<string, unknown> {
  if (error instanceof Error && 'query' in error && 'params' in error) {
    const cause = error.cause as (Error & { code?: string }) | undefined;
    return { error: cause?.message ?? 'a query failed', code: cause?.code, query: error.query, stack: cause?.stack };
  }
  if (error instanceof Error) return { error: error.message, stack: error.stack };
  return { error: String(error) };
}
