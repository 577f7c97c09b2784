// The command `evaluate`: measures the judge on labelled files and prints the figures, as a table or as JSON, and as a
// page. Figures go to standard output, all else to standard error. Changes nothing.

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Figures, Judged } from '../judge/evaluation.ts';
import { LabelledRowsError } from '../judge/labelled-rows.ts';
import { decodeStarter, type Starter } from '../judge/starter.ts';
import { evaluateFile } from './evaluation/evaluate-file.ts';
import { WorstMistakes } from './evaluation/mistakes.ts';
import { reportPage, type Section, sectionOf } from './evaluation/report.ts';

const usage = `usage: evaluate [--start empty|starter] [--starter FILE] [--static] [--json] [--report PAGE.html] FILE...
  --start empty|starter  begin with nothing (the default) or with the starter model
  --starter FILE         the starter to begin with instead of the one that ships
  --static               never learn
  --json                 one JSON object a file
  --report PAGE.html     also write a page with charts and the worst mistakes
Files are labelled rows, .jsonl or .jsonl.gz; each begins with a model of its own.
`;

/** A file named on the command line that cannot be used. */
class FileError extends Error {}

/** Runs the command; the exit code. Throws a FileError or a LabelledRowsError for what its caller can mend. */
async function evaluate(args: string[]): Promise<number> {
  const read = readOptions(args);
  if (typeof read === 'string') {
    process.stderr.write(read);
    return read === usage ? 0 : 2;
  }
  const { values, positionals } = read;
  const isWarm = values.start === 'starter' || values.starter !== undefined;
  const starter = isWarm ? await loadStarter(values.starter) : null;
  if (!values.json) process.stdout.write(`${heading}\n`);
  const sections: Section[] = [];
  for (const [i, file] of positionals.entries()) {
    const judged: Judged[] = [];
    const worst = new WorstMistakes();
    let rows = 0;
    const figures = await evaluateFile(file, starter, values.static, (observed) => {
      if (++rows % 1000 === 0) process.stderr.write(`${file}: ${rows} rows\n`);
      if (values.report === undefined) return;
      judged.push(observed.judged);
      worst.observe(observed);
    });
    process.stdout.write(`${values.json ? toJson(file, figures) : toLine(file, figures)}\n`);
    if (values.report !== undefined) sections.push(sectionOf(i + 1, file, figures, judged, worst));
  }
  if (values.report !== undefined) {
    const start = !isWarm
      ? 'an empty model'
      : values.starter === undefined
        ? 'the starter model'
        : `the starter ${values.starter}`;
    const page = reportPage({ start, isStatic: values.static, at: new Date() }, sections);
    await usingFile(values.report, writeFile(values.report, page));
  }
  return 0;
}

/** The options, or what is to be printed instead of running. */
function readOptions(args: string[]) {
  try {
    const read = parseArgs({
      args,
      allowPositionals: true,
      options: {
        start: { type: 'string', default: 'empty' },
        starter: { type: 'string' },
        static: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        report: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    const { help, start, report } = read.values;
    if (help) return usage;
    if (!['empty', 'starter'].includes(start)) return `--start is empty or starter, not ${start}\n${usage}`;
    // A forgotten name must not overwrite the first of the files.
    if (report !== undefined && !report.endsWith('.html')) return `--report takes a name in .html\n${usage}`;
    return read.positionals.length === 0 ? `no FILE\n${usage}` : read;
  } catch (error) {
    return `${error instanceof Error ? error.message : error}\n${usage}`;
  }
}

async function loadStarter(file: string | undefined): Promise<Starter> {
  // Commands run from dist/, beside src/.
  const place = file ?? fileURLToPath(new URL('../src/judge/starter/model.bin', import.meta.url));
  return usingFile(place, readFile(place).then(decodeStarter));
}

async function usingFile<Result>(file: string, work: Promise<Result>): Promise<Result> {
  return work.catch((error: Error) => {
    throw new FileError(`${file}: ${error.message}`, { cause: error });
  });
}

function toJson(file: string, figures: Figures & { seconds: number }): string {
  const { recallAtOnePercentFp, ...others } = figures;
  return JSON.stringify({ file, ...others, recallAtOnePercentFp });
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
  'R@1%FP',
  'sec',
];
const heading = `${'file'.padEnd(28)}${columns.map((column) => column.padStart(8)).join('')}`;

function toLine(file: string, figures: Figures & { seconds: number }): string {
  const fixed = (value: number | null, digits: number) => (value === null ? '-' : value.toFixed(digits));
  const percent = (value: number | null) => fixed(value === null ? null : value * 100, 2);
  const cells = [
    String(figures.rows),
    String(figures.spam),
    percent(figures.error),
    percent(figures.precision),
    percent(figures.recall),
    percent(figures.falsePositiveRate),
    fixed(figures.mcc, 3),
    percent(figures.auc === null ? null : 1 - figures.auc),
    percent(figures.ece),
    percent(figures.lateError),
    fixed(figures.brier, 4),
    percent(figures.recallAtHalfPercentFp),
    percent(figures.recallAtOnePercentFp),
    figures.seconds.toFixed(1),
  ];
  const name = file.slice(file.lastIndexOf('/') + 1).replace(/\.jsonl(\.gz)?$/, '');
  return name.slice(0, 27).padEnd(28) + cells.map((cell) => cell.padStart(8)).join('');
}

process.exitCode = await evaluate(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof FileError || error instanceof LabelledRowsError)) throw error;
  process.stderr.write(`${error.message}\n`);
  return 2;
});
