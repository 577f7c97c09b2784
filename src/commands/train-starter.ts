// Trains the starter model that ships with the code. See src/judge/starter/MODEL-CARD.md for what it is trained on.

import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { figuresOf } from '../judge/evaluation.ts';
import { groups } from '../judge/feature-set.ts';
import { type LabelledRow, readLabelledRows } from '../judge/labelled-rows.ts';
import { encodeStarter } from '../judge/starter.ts';
import { trainStarter } from '../judge/starter-training.ts';

const usage = 'usage: train-starter --out FILE FILE...\nFiles are labelled rows, .jsonl or .jsonl.gz.\n';

process.exitCode = await trainStarterFile(process.argv.slice(2));

/** Runs the command; the exit code. */
async function trainStarterFile(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { out: { type: 'string' } } });
  if (values.out === undefined || positionals.length === 0) {
    process.stderr.write(usage);
    return 2;
  }
  const rows: LabelledRow[] = [];
  const lengths: number[] = [];
  for (const file of positionals) {
    const before = rows.length;
    for await (const row of readLabelledRows(file)) rows.push(row);
    lengths.push(rows.length - before);
    process.stderr.write(`${file}: ${rows.length - before} rows\n`);
  }
  const { starter, heldOut } = trainStarter(rows);
  const bytes = encodeStarter(starter);
  await writeFile(values.out, bytes);
  const { features, hamDocuments, spamDocuments } = starter.counts.snapshot();
  process.stdout.write(
    `${hamDocuments} ham, ${spamDocuments} spam, ${features.length} features, ${bytes.length} bytes\n` +
      `weights towards spam/ham: ${groups.map((group, i) => `${group} ${starter.tuning.towardsSpam[i]?.toFixed(2)}/${starter.tuning.towardsHam[i]?.toFixed(2)}`).join(', ')}\n` +
      `bias: ${starter.tuning.bias.toFixed(3)}\n`,
  );
  let from = 0;
  positionals.forEach((file, i) => {
    const to = from + (lengths[i] as number);
    const judged = rows.slice(from, to).map((row, j) => {
      const probability = heldOut[from + j] as number;
      return { probability, isSpam: row.label === 'spam', calledSpam: probability >= 0.5 };
    });
    const { recall, falsePositiveRate, auc, ece } = figuresOf(judged);
    process.stdout.write(
      `held out, ${file.slice(file.lastIndexOf('/') + 1)}: ${JSON.stringify({ recall, falsePositiveRate, auc, ece })}\n`,
    );
    from = to;
  });
  return 0;
}
