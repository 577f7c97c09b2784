// Measures the judge on labelled files, in file order, as a site would have met them. Uses the service's features, model
// and policy; changes nothing.

import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { defaultSettings } from '../db/sites.ts';
import { type Figures, figuresOf, type Judged } from '../judge/evaluation.ts';
import { extractFeatures } from '../judge/features.ts';
import { readLabelledRows } from '../judge/labelled-rows.ts';
import { Model } from '../judge/model.ts';
import { decide, noFacts } from '../judge/policy.ts';
import { decodeStarter, type Starter } from '../judge/starter.ts';

const usage = `usage: evaluate [--start empty|starter] [--starter FILE] [--static] [--json] FILE...
  --start empty|starter  begin with nothing (the default) or with the starter model
  --starter FILE         the starter to begin with instead of the one that ships
  --static               never learn
  --json                 one JSON object a file
Files are labelled rows, .jsonl or .jsonl.gz; each begins with a model of its own.
`;

/** The figures of one file. A row is scored, then learned with its true label, unless `isStatic`. */
export async function evaluateFile(
  file: string,
  starter: Starter | null,
  isStatic: boolean,
): Promise<Figures & { seconds: number }> {
  const started = process.hrtime.bigint();
  const model = new Model(starter);
  const threads = new Map<string, string[]>();
  const judged: Judged[] = [];
  for await (const row of readLabelledRows(file)) {
    const thread = threads.get(row.post) ?? [];
    const evidence = row.post === '' ? row.evidence : { ...row.evidence, thread };
    const features = extractFeatures(evidence, model);
    const score = model.score(features);
    const judgedBy = { probability: score.probability, signals: evidence.signals ?? [], kind: evidence.kind };
    const { outcome } = decide(judgedBy, { ...defaultSettings, spamAbove: 0.5 }, noFacts);
    judged.push({ probability: score.probability, isSpam: row.label === 'spam', calledSpam: outcome === 'spam' });
    if (!isStatic) {
      model.adapt(score, row.label);
      model.learn(features.packed, row.label);
      if (row.label === 'ham' && row.post !== '') {
        thread.push(row.evidence.content);
        threads.set(row.post, thread);
      }
    }
    if (judged.length % 1000 === 0) process.stderr.write(`${file}: ${judged.length} rows\n`);
  }
  return { ...figuresOf(judged), seconds: Number(process.hrtime.bigint() - started) / 1e9 };
}

/** Runs the command; the exit code. */
export async function evaluate(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      start: { type: 'string', default: 'empty' },
      starter: { type: 'string' },
      static: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || positionals.length === 0 || !['empty', 'starter'].includes(values.start)) {
    process.stderr.write(usage);
    return values.help ? 0 : 2;
  }
  const starter = values.start === 'starter' || values.starter !== undefined ? await loadStarter(values.starter) : null;
  if (!values.json) process.stdout.write(`${heading}\n`);
  for (const file of positionals) {
    const figures = await evaluateFile(file, starter, values.static);
    process.stdout.write(`${values.json ? JSON.stringify({ file, ...figures }) : line(file, figures)}\n`);
  }
  return 0;
}

async function loadStarter(file: string | undefined): Promise<Starter> {
  // Commands run from dist/, beside src/.
  return decodeStarter(await readFile(file ?? new URL('../src/judge/starter/model.bin', import.meta.url)));
}

const columns = [
  'rows',
  'spam',
  'error',
  'prec.',
  'recall',
  'FP',
  'MCC',
  '1-AUC',
  'ECE',
  'late',
  'Brier',
  'R@.5%FP',
  'sec',
];
const heading = `${'file'.padEnd(28)}${columns.map((column) => column.padStart(8)).join('')}`;

function line(file: string, figures: Figures & { seconds: number }): string {
  const percent = (value: number | null) => (value === null ? '-' : (value * 100).toFixed(2));
  const cells = [
    String(figures.rows),
    String(figures.spam),
    percent(figures.error),
    percent(figures.precision),
    percent(figures.recall),
    percent(figures.falsePositiveRate),
    figures.mcc === null ? '-' : figures.mcc.toFixed(3),
    percent(figures.auc === null ? null : 1 - figures.auc),
    percent(figures.ece),
    percent(figures.lateError),
    figures.brier.toFixed(4),
    percent(figures.recallAtHalfPercentFp),
    figures.seconds.toFixed(1),
  ];
  const name = file.slice(file.lastIndexOf('/') + 1).replace(/\.jsonl(\.gz)?$/, '');
  return name.slice(0, 27).padEnd(28) + cells.map((cell) => cell.padStart(8)).join('');
}

// Bundled, every command is a script; imported by a test it must not run.
if (process.argv[1] !== undefined && /evaluate\.(?:[cm]?js|ts)$/.test(process.argv[1])) {
  process.exitCode = await evaluate(process.argv.slice(2));
}
