// The filters of the queue, as query parameters and as JSON: read strictly, since a misspelt filter that is ignored shows too much.
import { z } from 'zod';
import type { QueueFilter } from '../db/queue.ts';
import { CodedError } from '../errors.ts';
import { checked } from '../http.ts';
import { kinds, statuses } from '../submission.ts';
import { cleanText } from '../text.ts';
import { acceptedUrls, parseHttpUrl, targetKey } from '../url.ts';

/** One, or a list of them: alternatives. */
export const listOf = <Type extends z.ZodType>(type: Type) =>
  z
    .union([type, z.array(type).min(1).max(50)])
    .transform((value) => (Array.isArray(value) ? value : [value]) as z.output<Type>[]);
/** One of our ids, as the database writes it. */
export const idSchema = z.uuid().toLowerCase();
/** Checked after cleaning: nothing would be a part of everything. */
const part = z.string().max(200).transform(cleanText).pipe(z.string().min(1));
/** A number, or its text in a query. Not coerced: `null` and blanks would become 0. */
export const probability = z
  .union([z.number(), z.string().regex(/\S/, 'must be a number').transform(Number)])
  .pipe(z.number().min(0).max(1));
/** An http or https URL. */
export const urlSchema = z.string().transform((text, context) => {
  const url = parseHttpUrl(text);
  if (url !== null) return url;
  context.addIssue(`must be ${acceptedUrls}`);
  return z.NEVER;
});

/** A time with its zone. The years are those that every part of the way can write. */
export const timeSchema = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-11-23T10:00:00Z' })
  .transform((text) => new Date(text))
  .refine((time) => time.getUTCFullYear() >= 1970 && time.getUTCFullYear() <= 9999, 'must lie between 1970 and 9999');

const day = 86_400_000;
/** How far figures look back, and how far they may. */
const usualDays = 90;
const mostDays = 365;

/** The time from which on figures count. Throws `moderate.bad_input` for one that is too long ago. */
export function sinceOf(asked: Date | undefined, now: Date): Date {
  if (asked === undefined) return new Date(now.getTime() - usualDays * day);
  if (now.getTime() - asked.getTime() > mostDays * day)
    throw new CodedError('moderate.bad_input', `since: must be at most ${mostDays} days ago`);
  return asked;
}

const fields = {
  status: listOf(z.enum(statuses)).optional(),
  kind: listOf(z.enum(kinds)).optional(),
  site: listOf(idSchema).optional(),
  target: listOf(urlSchema.transform(targetKey)).optional(),
  author: listOf(part).optional(),
  q: listOf(part).optional(),
  minProbability: probability.optional(),
  maxProbability: probability.optional(),
  similarTo: idSchema.optional(),
};

/** The filter of a bulk decision. */
export const filterSchema = z.strictObject(fields);

const querySchema = z.strictObject({
  ...fields,
  sort: z.enum(['oldest', 'newest', 'probability']).default('oldest'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().optional(),
});

const single = new Set(['minProbability', 'maxProbability', 'similarTo', 'sort', 'limit', 'cursor']);

/** Reads the query of a list. Throws `moderate.bad_input` for unknown, repeated or wrong parameters. */
export function readQuery(parameters: Record<string, string[]>): z.output<typeof querySchema> {
  return checked(
    given(parameters, (name) => single.has(name)),
    querySchema,
    'moderate.bad_input',
  );
}

/** The same for a list whose parameters may each be given once only. */
export function readSingles<Type extends z.ZodType>(
  parameters: Record<string, string[]>,
  schema: Type,
): z.output<Type> {
  return checked(
    given(parameters, () => true),
    schema,
    'moderate.bad_input',
  );
}

/** The same for a list of which only the parameters in `repeatable` may be given more than once. */
export function readRepeatables<Type extends z.ZodType>(
  parameters: Record<string, string[]>,
  schema: Type,
  repeatable: ReadonlySet<string>,
): z.output<Type> {
  return checked(
    given(parameters, (name) => !repeatable.has(name)),
    schema,
    'moderate.bad_input',
  );
}

/** The parameters that have a value: one, or a list of them. */
function given(parameters: Record<string, string[]>, isSingle: (name: string) => boolean) {
  const entries = Object.entries(parameters)
    .map(([name, values]) => {
      if (isSingle(name) && values.length > 1)
        throw new CodedError('moderate.bad_input', `${name}: may be given once only`);
      // A form sends its empty fields along; but a copy of nothing must not mean everything.
      if (name === 'similarTo' && values.includes(''))
        throw new CodedError('moderate.bad_input', 'similarTo: must be the id of a submission');
      const written = values.filter((value) => value !== '');
      return [name, isSingle(name) ? written[0] : written] as const;
    })
    .filter(([, value]) => value !== undefined && value.length > 0);
  return Object.fromEntries(entries);
}

/** The part of a read query or JSON filter that chooses submissions, cut to what a caller may see. */
export function filterOf(read: z.output<typeof filterSchema>, siteId: string | null): QueueFilter {
  const { status, kind, site, target, author, q, minProbability, maxProbability, similarTo } = read;
  if (siteId !== null && site?.some((id) => id !== siteId))
    throw new CodedError('auth.forbidden', 'your token is bound to another site');
  const filter = {
    status,
    kind,
    site: siteId === null ? site : [siteId],
    target,
    author,
    q,
    minProbability,
    maxProbability,
    similarTo,
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}
