// Reads labelled submissions for training and evaluating: JSON Lines, plain or gzipped, streamed. Command files only:
// the service never reads files.

import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type Kind, kinds, type Label } from '../submission.ts';
import type { Evidence } from './features.ts';

/** A submission with a person's word on it, as data sets and the hand-written examples hold them. */
export interface LabelledRow {
  id: string;
  label: Label;
  /** What it answers: rows with the same post share a thread. Empty when it answers nothing known. */
  post: string;
  /** The blog or data set that it is from; the post itself where that is not said. */
  site: string;
  evidence: Evidence;
}

/** A file or a row that is none. The message names the file, the line where there is one, and what is wrong. */
export class LabelledRowsError extends Error {}

/** Longer than any row that makes sense: a file that is no JSON Lines must not be gathered as one line. */
const MOST_LINE_CHARACTERS = 8_000_000;

/** The rows of a file in order, read as they are asked for. Throws a LabelledRowsError. */
export async function* readLabelledRows(file: string): AsyncGenerator<LabelledRow> {
  let number = 0;
  let before: LabelledRow | null = null;
  for await (const line of linesOf(file)) {
    number++;
    const text = number === 1 ? line.replace(/^\ufeff/, '') : line;
    if (text.trim() === '') continue;
    let row: unknown;
    try {
      row = JSON.parse(text);
    } catch (error) {
      throw new LabelledRowsError(`${file}:${number}: not JSON`, { cause: error });
    }
    const read = toRow(row, `${file}:${number}`);
    // Rows under one post follow each other in files written by hand, and only the first holds its text.
    if (read.evidence.post?.text === undefined && read.post !== '' && read.post === before?.post)
      Object.assign(read.evidence, given({ post: before.evidence.post }));
    before = read;
    yield read;
  }
}

// By hand, because node:readline loses the errors of what it reads and knows no longest line.
async function* linesOf(file: string): AsyncGenerator<string> {
  const bytes = createReadStream(file);
  // What goes wrong is thrown by the loop below.
  const input = file.endsWith('.gz') ? pipeline(bytes, createGunzip(), () => {}) : bytes;
  input.setEncoding('utf8');
  let number = 1;
  let rest = '';
  try {
    for await (const chunk of input as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      number += lines.length;
      yield* lines;
      if (rest.length > MOST_LINE_CHARACTERS) {
        throw new LabelledRowsError(`${file}:${number}: longer than ${MOST_LINE_CHARACTERS} characters`);
      }
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const what = error.code === 'ENOENT' ? 'no such file' : error.message.replace(/, (?:open|read)\b.*/, '');
    throw new LabelledRowsError(`${number > 1 ? `${file}:${number}` : file}: ${what}`, { cause: error });
  }
  yield rest;
}

function toRow(value: unknown, where: string): LabelledRow {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new LabelledRowsError(`${where}: not an object`);
  const fields = new Map<string, unknown>(Object.entries(value));
  const text = (name: string): string | undefined => {
    const found = fields.get(name);
    return typeof found === 'string' && found !== '' ? plainHosts(found) : undefined;
  };
  const label = fields.get('label');
  if (label !== 'ham' && label !== 'spam') throw new LabelledRowsError(`${where}: label must be "ham" or "spam"`);
  const content = fields.get('content');
  if (typeof content !== 'string') throw new LabelledRowsError(`${where}: content must be a string`);
  const evidence: Evidence = { kind: kindOf(text('type'), text('kind')), author: {}, content: plainHosts(content) };
  Object.assign(evidence.author, given({ name: text('author'), email: text('author_email'), url: text('author_url') }));
  Object.assign(evidence, given({ title: text('title'), source: text('source') }));
  const signals = fields.get('signals');
  if (Array.isArray(signals)) evidence.signals = signals.filter((signal) => typeof signal === 'string');
  const postTitle = text('post_title');
  const postText = text('post');
  if (postTitle !== undefined || postText !== undefined) evidence.post = given({ title: postTitle, text: postText });
  const id = text('id') ?? where;
  const post = text('post_id') ?? postTitle ?? '';
  // Posts are numbered by blog and path, or only by path in a set that is one blog.
  const slash = post.lastIndexOf('/');
  const site = slash > 0 ? post.slice(0, slash) : (text('dataset') ?? (post || id));
  return { id, label, post, site, evidence };
}

/** The fields that have a value. */
function given<Name extends string, Value>(fields: Record<Name, Value | undefined>): { [Key in Name]?: Value } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in Name]?: Value };
}

// Data sets name what a row is in `type`; `kind` is their own word for all rows, unless it is one of ours.
function kindOf(type: string | undefined, kind: string | undefined): Kind {
  return kinds.find((known) => known === type) ?? kinds.find((known) => known === kind) ?? 'comment';
}

// Hand-written rows use the names that RFC 2606 reserves. No real spam does: left in, they would teach that `.example` is
// spam and leave nothing to learn from the rest of the address.
function plainHosts(text: string): string {
  return text.replace(reservedTopLevel, '.com');
}

const reservedTopLevel = /(?<=[\p{L}\p{N}])\.example(?![\p{L}\p{N}.-])/gu;
