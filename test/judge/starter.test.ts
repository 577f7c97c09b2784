// The starter's file and its training, and the evaluation, on rows made here.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluateFile } from '../../src/commands/evaluation/evaluate-file.ts';
import { extractFeatures } from '../../src/judge/features.ts';
import { type LabelledRow, readLabelledRows } from '../../src/judge/labelled-rows.ts';
import { Model } from '../../src/judge/model.ts';
import { decodeStarter, encodeStarter } from '../../src/judge/starter.ts';
import { trainStarter } from '../../src/judge/starter-training.ts';

let folder: string;
let file: string;
let rows: LabelledRow[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'judge-'));
  file = join(folder, 'rows.jsonl.gz');
  await writeFile(
    file,
    gzipSync(
      madeRows()
        .map((row) => JSON.stringify(row))
        .join('\n'),
    ),
  );
  rows = [];
  for await (const row of readLabelledRows(file)) rows.push(row);
});

afterAll(() => rm(folder, { recursive: true }));

describe('a starter', () => {
  test('judges the same after it was written and read', () => {
    const { starter } = trainStarter(rows);
    const read = decodeStarter(encodeStarter(starter));
    expect(read.counts.snapshot()).toEqual(starter.counts.snapshot());
    const before = new Model(starter);
    const after = new Model(read);
    for (const row of rows.slice(0, 10)) {
      const features = extractFeatures(row.evidence, before);
      expect(after.score(features)).toEqual(before.score(features));
    }
  });

  test('knows spam when it sees it on a site that has decided nothing', () => {
    const model = new Model(trainStarter(rows).starter);
    const of = (label: string) =>
      rows.filter((row) => row.label === label).map((row) => model.score(extractFeatures(row.evidence, model)).logit);
    expect(Math.min(...of('spam'))).toBeGreaterThan(Math.max(...of('ham')));
  });

  test('is the same every time it is trained', () => {
    expect(encodeStarter(trainStarter(rows).starter)).toEqual(encodeStarter(trainStarter(rows).starter));
  });

  test('of other features is refused with a clear error, and so is anything else', () => {
    const bytes = encodeStarter(trainStarter(rows).starter);
    const changed = Buffer.from(brotliDecompressSync(bytes));
    changed.write('9', changed.indexOf('"featuresVersion":') + 18);
    expect(() => decodeStarter(brotliCompressSync(changed))).toThrow(/features version 9/);
    expect(() => decodeStarter(Uint8Array.of(1, 2, 3))).toThrow(/not a starter model/);
    expect(() => decodeStarter(brotliCompressSync(Buffer.from('{}')))).toThrow(/not a starter model/);
  });
});

describe('an evaluation', () => {
  test('scores each row before it learns it', async () => {
    const learned = await evaluateFile(file, null, false);
    expect(learned.rows).toBe(80);
    expect(learned.spam).toBe(40);
    expect(learned.auc).toBeGreaterThan(0.8);
    expect(learned.lateError).toBeLessThanOrEqual(learned.error ?? 0);
    const never = await evaluateFile(file, null, true);
    expect(never.recall).toBe(0);
    expect(never.auc).toBe(0.5);
  });
});

function madeRows(): object[] {
  const goods = ['sunglasses', 'mortgages', 'tablets', 'backlinks', 'handbags'];
  const things = ['tomatoes', 'hedges', 'compost', 'slugs', 'pears'];
  return Array.from({ length: 80 }, (_, i) => {
    const about = things[i % 5];
    const shared = {
      id: `made-${i}`,
      kind: 'comment',
      post_title: `On ${about} ${i % 10}`,
      post: `How I grow ${about}.`,
    };
    const good = goods[(i >> 1) % 5];
    if (i % 2 === 1) {
      return {
        ...shared,
        label: 'spam',
        author: `Best ${good}`,
        content: `Buy discount ${good} at http://${good}.example/`,
      };
    }
    return {
      ...shared,
      label: 'ham',
      author: `Reader ${i}`,
      content: `My ${about} did badly this wet summer, did yours?`,
    };
  });
}
