// The evaluation: its figures, its command as a process, its reader of labelled files and its report.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Parser } from 'htmlparser2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluateFile } from '../../src/commands/evaluation/evaluate-file.ts';
import { figuresOf, type Judged } from '../../src/judge/evaluation.ts';
import { type LabelledRow, LabelledRowsError, readLabelledRows } from '../../src/judge/labelled-rows.ts';
import { Threads } from '../../src/judge/threads.ts';

const command = fileURLToPath(new URL('../../dist/evaluate.js', import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evaluate-'));
});

afterAll(() => rm(folder, { recursive: true }));

describe('the figures', () => {
  test('of four rows mean what they say', () => {
    const figures = figuresOf([spam(0.9), ham(0.6), spam(0.4), ham(0.1)]);
    expect(figures).toMatchObject({
      error: 0.5,
      precision: 0.5,
      recall: 0.5,
      falsePositiveRate: 0.5,
      mcc: 0,
      auc: 0.75,
    });
    expect(figures.brier).toBeCloseTo((0.01 + 0.36 + 0.36 + 0.01) / 4, 12);
    expect(figures.ece).toBeCloseTo((0.1 + 0.6 + 0.6 + 0.1) / 4, 12);
  });

  test('hold bins together before they measure calibration', () => {
    expect(figuresOf([spam(0.72), ham(0.78)]).ece).toBeCloseTo((0.72 + 0.78 - 1) / 2, 12);
  });

  test('count errors as late after the first tenth of the rows', () => {
    const wrongAt = (place: number) => Array.from({ length: 20 }, (_, i) => (i === place ? ham(0.9) : ham(0.1)));
    expect(figuresOf(wrongAt(1))).toMatchObject({ error: 0.05, lateError: 0 });
    expect(figuresOf(wrongAt(2))).toMatchObject({ error: 0.05, lateError: 1 / 18 });
  });

  test('catch what they can while so much ham is flagged, and no more', () => {
    const quiet = Array.from({ length: 198 }, () => ham(0.1));
    const list = [ham(0.95), ham(0.85), ...quiet, spam(0.99), spam(0.9), spam(0.8), spam(0.05)];
    expect(figuresOf(list)).toMatchObject({ recallAtHalfPercentFp: 0.5, recallAtOnePercentFp: 0.75 });
  });

  test('take rows with one probability together', () => {
    expect(figuresOf([spam(0.7), ham(0.7), spam(0.7)])).toMatchObject({ auc: 0.5, recallAtOnePercentFp: 0 });
  });

  test('have no meaning where there is nothing to divide by', () => {
    const nothing = { precision: null, recall: null, mcc: null, auc: null, recallAtHalfPercentFp: null };
    expect(figuresOf([])).toEqual({
      ...nothing,
      rows: 0,
      spam: 0,
      error: null,
      falsePositiveRate: null,
      ece: null,
      lateError: null,
      brier: null,
      recallAtOnePercentFp: null,
    });
    expect(figuresOf([ham(0.1), ham(0.2)])).toMatchObject({ ...nothing, error: 0, falsePositiveRate: 0 });
    expect(figuresOf([spam(0.9)])).toMatchObject({
      precision: 1,
      recall: 1,
      falsePositiveRate: null,
      mcc: null,
      auc: null,
      recallAtHalfPercentFp: null,
      recallAtOnePercentFp: null,
    });
  });
});

describe('the command', () => {
  test('prints one JSON object a file, with these keys', async () => {
    const file = await write('keys.jsonl', lines(rows(40)));
    const empty = await write('empty.jsonl', '');
    const { code, out } = await run('--json', file, empty);
    expect(code).toBe(0);
    const [first, second] = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const keys =
      'file rows spam error precision recall falsePositiveRate mcc auc ece lateError brier recallAtHalfPercentFp seconds recallAtOnePercentFp';
    expect(Object.keys(first).join(' ')).toBe(keys);
    expect(Object.keys(second).join(' ')).toBe(keys);
    expect(first).toMatchObject({ file, rows: 40, spam: 20 });
    expect(second).toMatchObject({ file: empty, rows: 0, error: null });
  });

  test('prints a table with a line a file, and begins with the starter on request', async () => {
    const file = await write('table.jsonl', lines(rows(40)));
    const { code, out } = await run('--start', 'starter', '--static', file);
    expect(code).toBe(0);
    const [heading, line, ...rest] = out.trimEnd().split('\n');
    expect(heading).toMatch(/^file +rows +spam +error .* R@\.5%FP +R@1%FP +sec$/);
    expect(line).toMatch(/^table +40 +20 /);
    expect(rest).toEqual([]);
  });

  test.each([
    [['--frobnicate', 'rows.jsonl'], /--frobnicate/],
    [['--start', 'warm', 'rows.jsonl'], /--start/],
    [['--json'], /FILE/],
    [['--report', 'rows.jsonl', 'more.jsonl'], /--report/],
  ])('shows its usage for %j', async (args, said) => {
    const { code, out, error } = await run(...args);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(error).toMatch(said);
    expect(error).toContain('usage: evaluate');
    expect(error).not.toMatch(/^\s+at /m);
  });

  test('says in one line what is wrong with a row, after the figures of the files before it', async () => {
    const good = await write('good.jsonl', lines(rows(2)));
    const bad = await write('bad.jsonl', `${lines(rows(2))}{"content":"x","label":"maybe"}\n`);
    const { code, out, error } = await run('--json', good, bad);
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ file: good, rows: 2 });
    expect(error).toBe(`${bad}:3: label must be "ham" or "spam"\n`);
  });

  test('says so when a starter cannot be read or a report cannot be written', async () => {
    const file = await write('fine.jsonl', lines(rows(2)));
    const starter = await run('--starter', file, file);
    expect(starter).toMatchObject({ code: 2, out: '', error: `${file}: not a starter model\n` });
    const report = join(folder, 'no-such-folder', 'page.html');
    const written = await run('--report', report, file);
    expect(written.code).toBe(2);
    expect(written.error).toMatch(/^\S+page\.html: ENOENT[^\n]*\n$/);
  });
});

describe('the reader of labelled files', () => {
  test('reads what lies across its pieces, other line ends, a byte order mark and no last line end', async () => {
    const contents = ['Straße '.repeat(30_000), 'two\u2028lines', '名前 '.repeat(30_000)];
    const text = contents.map((content) => JSON.stringify({ content, label: 'ham' })).join('\r\n\r\n');
    for (const [name, bytes] of [
      ['pieces.jsonl', Buffer.from(`\ufeff${text}`)],
      ['pieces.jsonl.gz', gzipSync(text)],
    ] as const) {
      const read = await readAll(await write(name, bytes));
      expect(read.map((row) => row.evidence.content)).toEqual(contents);
    }
  });

  test('says what is wrong with a file, and in which line', async () => {
    const good = lines(rows(2));
    const whole = gzipSync(lines(rows(4000)));
    const expected: [file: string, said: RegExp][] = [
      [join(folder, 'absent.jsonl'), /absent\.jsonl: no such file$/],
      [folder, /EISDIR/],
      [await write('label.jsonl', `${good}{"content":"x","label":"maybe"}\n`), /label\.jsonl:3: label must be/],
      [await write('json.jsonl', `${good}\n{"content"\n`), /json\.jsonl:4: not JSON$/],
      [await write('list.jsonl', '[]'), /list\.jsonl:1: not an object$/],
      [await write('plain.jsonl.gz', good), /plain\.jsonl\.gz: incorrect header check$/],
      [await write('cut.jsonl.gz', whole.subarray(0, -20)), /cut\.jsonl\.gz:\d+: unexpected end of file$/],
      [await write('long.jsonl.gz', gzipSync('x'.repeat(9_000_000))), /long\.jsonl\.gz:1: longer than 8000000 /],
    ];
    for (const [file, said] of expected) {
      const all = readAll(file);
      await expect(all).rejects.toThrow(LabelledRowsError);
      await expect(all).rejects.toThrow(said);
    }
  });
});

describe('the threads of a file', () => {
  test('hold the last twenty texts of a post, and the beginning of each', () => {
    const threads = new Threads();
    for (let i = 0; i < 21; i++) threads.add('post', `${i} ${'x'.repeat(3000)}`);
    const texts = threads.of('post');
    expect(texts).toHaveLength(20);
    expect(texts[0]).toMatch(/^1 x+$/);
    expect(texts[0]).toHaveLength(2000);
    expect(threads.of('another')).toEqual([]);
  });

  test('forget the post that was answered longest ago when they grow too long', () => {
    const threads = new Threads();
    const text = 'x'.repeat(2000);
    for (let post = 0; post < 500; post++) for (let i = 0; i < 20; i++) threads.add(`post ${post}`, text);
    threads.add('post 0', text);
    threads.add('one more', text);
    expect(threads.of('post 1')).toEqual([]);
    expect(threads.of('post 0')).toHaveLength(20);
    expect(threads.of('post 2')).toHaveLength(20);
  });
});

describe('an observed evaluation', () => {
  test('shows each row as it was judged, with its reasons, before it is learned', async () => {
    const file = await write('observed.jsonl', lines(rows(60)));
    const seen: { probability: number; ham: number }[] = [];
    const figures = await evaluateFile(file, null, false, ({ row, judged, explain }) => {
      expect(judged.isSpam).toBe(row.label === 'spam');
      seen.push({ probability: judged.probability, ham: Math.max(0, ...explain().tokens.map((token) => token.ham)) });
    });
    expect(seen).toHaveLength(figures.rows);
    // Every second row is ham, and all ham shares most of its words.
    expect(seen[58]?.ham).toBe(29);
    expect(seen[58]?.probability).toBeLessThan(0.5);
  });
});

describe('the report', () => {
  const hostile = `"><script>alert(1)</script></blockquote></style><img src="https://tracker.invalid/x" onerror='alert(2)'>&lt;`;

  test('shows the worst mistakes with their reasons, and strange text as text', async () => {
    const name = `Ann <b onclick='alert(3)'>`;
    // Every fourteenth reads like spam, and is none.
    const mixed = rows(400).map((row, i) => ({
      ...row,
      author: name,
      content: `${row.content} ${hostile}`,
      label: i % 14 === 3 ? 'ham' : row.label,
    }));
    const page = await report(await write(`hostile <i onload='x'>.jsonl`, lines(mixed)));
    expect(page.text).toMatch(/Ham taken for spam the worst 20 of 2\d/);
    expect(page.quotes.filter((text) => text.startsWith('Buy discount ') && text.endsWith(hostile))).not.toEqual([]);
    expect(page.text).toContain(`by ${name}`);
    expect(page.text).toContain("hostile <i onload='x'>.jsonl");
    expect(page.text).toContain('the wording is like that of spam: "');
    expect(page.tags).not.toContain('script');
    expect(page.tags).not.toContain('img');
    expect(page.attributes.filter((name) => name.startsWith('on'))).toEqual([]);
  });

  test('needs nothing from elsewhere', async () => {
    const page = await report(await write('alone.jsonl', lines(rows(40))));
    expect(page.links.length).toBeGreaterThan(0);
    expect(page.links.filter((link) => !link.startsWith('#'))).toEqual([]);
    expect(page.html).not.toMatch(/url\(|@import|https?:/);
    for (const tag of ['link', 'script', 'iframe', 'object', 'embed']) expect(page.tags).not.toContain(tag);
  });

  test('describes its four pictures to those who cannot see them', async () => {
    const page = await report(await write('pictures.jsonl', lines(rows(40))));
    for (const [tag, times] of [
      ['svg', 4],
      ['desc', 4],
      ['figcaption', 4],
    ] as const) {
      expect(page.tags.filter((one) => one === tag)).toHaveLength(times);
    }
    expect(page.html).not.toMatch(/NaN|Infinity|undefined|null/);
  });

  test('holds files that are empty, of one row or of one class', async () => {
    const onlyHam = rows(40).filter((row) => row.label === 'ham');
    const page = await report(
      await write('nothing.jsonl', '\n'),
      await write('single.jsonl', lines(rows(1))),
      await write('ham.jsonl', lines(onlyHam)),
      await write('spam.jsonl', lines(rows(40).filter((row) => row.label === 'spam'))),
    );
    expect(page.text).toContain('The file holds no rows.');
    expect(page.text).toContain('1 row: 1 ham, 0 spam.');
    expect(page.text).toContain('this file has no spam');
    expect(page.text).toContain('this file has no ham');
    expect(page.html).not.toMatch(/NaN|Infinity|undefined|null/);
  });
});

function ham(probability: number): Judged {
  return { probability, isSpam: false, calledSpam: probability >= 0.5 };
}

function spam(probability: number): Judged {
  return { ...ham(probability), isSpam: true };
}

interface Row {
  id: string;
  label: string;
  author: string;
  content: string;
}

/** Ham on gardens and spam on goods, in turn. */
function rows(count: number): Row[] {
  const goods = ['sunglasses', 'mortgages', 'tablets', 'backlinks', 'handbags'];
  return Array.from({ length: count }, (_, i) => {
    const good = goods[(i >> 1) % goods.length];
    return i % 2 === 1
      ? {
          id: `row-${i}`,
          label: 'spam',
          author: `Best ${good}`,
          content: `Buy discount ${good} today, ${good} for less`,
        }
      : {
          id: `row-${i}`,
          label: 'ham',
          author: 'Ann',
          content: `My tomatoes did badly in wet summer ${i}, did yours?`,
        };
  });
}

function lines(values: readonly object[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

async function readAll(file: string): Promise<LabelledRow[]> {
  const read: LabelledRow[] = [];
  for await (const row of readLabelledRows(file)) read.push(row);
  return read;
}

/** Runs the built command. */
function run(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [command, ...args], (failure, out, error) => {
      resolve({ code: failure === null ? 0 : Number(failure.code), out, error });
    });
  });
}

/** The report on files, as a parser of HTML sees it. */
async function report(...files: string[]) {
  const place = join(folder, 'report.html');
  const { code, error } = await run('--report', place, ...files);
  expect(code, error).toBe(0);
  const html = await readFile(place, 'utf8');
  const tags: string[] = [];
  const attributes: string[] = [];
  const links: string[] = [];
  const quotes: string[] = [];
  let text = '';
  let from = 0;
  const parser = new Parser({
    onopentag(name, given) {
      tags.push(name);
      attributes.push(...Object.keys(given));
      links.push(...[given.href, given.src].filter((link) => link !== undefined));
      from = text.length;
    },
    ontext(data) {
      text += data;
    },
    onclosetag(name) {
      if (name === 'blockquote') quotes.push(text.slice(from));
    },
  });
  parser.end(html);
  return { html, tags, attributes, links, quotes, text };
}
