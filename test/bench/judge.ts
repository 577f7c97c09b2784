// How fast comments are learned and judged, side by side with the classifiers of `natural` and `bayes`, on the same
// comments in one run. Run by `npm run bench:judge`. It compares rates, and says nothing about who judges well.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
// @ts-expect-error it brings no types
import bayes from 'bayes';
// @ts-expect-error nor does this part of it
import NaturalBayes from 'natural/lib/natural/classifiers/bayes_classifier.js';
import { explain } from '../../src/judge/explain.ts';
import { extractFeatures, readFeatures } from '../../src/judge/features.ts';
import { type LabelledRow, readLabelledRows } from '../../src/judge/labelled-rows.ts';
import { Model } from '../../src/judge/model.ts';
import { decodeStarter } from '../../src/judge/starter.ts';

const starterFolder = new URL('../../src/judge/starter/', import.meta.url);
const inStarter = (name: string) => fileURLToPath(new URL(name, starterFolder));

/** A comment of more characters is not short. */
const short = 200;
/** Comments that are learned and judged; others, which need longer, judge fewer. */
const learned = 2_000;
const judgedByOthers = 200;
const rounds = 3;

const rows: LabelledRow[] = [];
for (const file of ['examples-en.jsonl', 'examples-world.jsonl'])
  for await (const row of readLabelledRows(inStarter(file))) if (row.evidence.content.length <= short) rows.push(row);
const comments = Array.from({ length: learned }, (_, i) => rows[i % rows.length] as LabelledRow);
const starter = decodeStarter(await readFile(inStarter('model.bin')));

/** The best of some rounds, in comments a second of processor time. */
async function rate(count: number, work: () => unknown): Promise<number> {
  let best = 0;
  for (let round = 0; round < rounds; round++) {
    const from = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(from);
    best = Math.max(best, count / ((user + system) / 1e6));
  }
  return best;
}

const model = new Model(starter);
const extracted = comments.map(({ evidence }) => extractFeatures(evidence, model));
const learning = await rate(learned, () => {
  const fresh = new Model(starter);
  comments.forEach(({ label }, i) => {
    fresh.learn({ packed: extracted[i]?.packed ?? new Uint32Array(), label, surprise: 4 });
  });
});
comments.forEach(({ label }, i) => {
  model.learn({ packed: extracted[i]?.packed ?? new Uint32Array(), label, surprise: 4 });
});
const extractAndLearn = await rate(learned, () => {
  const fresh = new Model(starter);
  for (const { evidence, label } of comments)
    fresh.learn({ packed: extractFeatures(evidence, fresh).packed, label, surprise: 4 });
});
const scoring = await rate(learned, () => {
  for (const features of extracted) model.score(features);
});
const judging = await rate(learned, () => {
  for (const { evidence } of comments) model.score(extractFeatures(evidence, model));
});
const explaining = await rate(learned, () => {
  for (const { evidence } of comments) {
    const reading = readFeatures(evidence, model);
    explain(model, evidence, reading, model.score(reading.features));
  }
});

// Each learns all comments at once, which is how natural's likes it best: one more would make it train anew.
let natural = new NaturalBayes();
const naturalLearning = await rate(learned, () => {
  natural = new NaturalBayes();
  for (const { evidence, label } of comments) natural.addDocument(evidence.content, label);
  natural.train();
});
let words = bayes();
const wordsLearning = await rate(learned, async () => {
  words = bayes();
  for (const { evidence, label } of comments) await words.learn(evidence.content, label);
});
const asked = comments.slice(0, judgedByOthers).map(({ evidence }) => evidence.content);
const naturalJudging = await rate(asked.length, () => {
  for (const text of asked) natural.classify(text);
});
const wordsJudging = await rate(asked.length, async () => {
  for (const text of asked) await words.categorize(text);
});

const line = (name: string, ...cells: number[]) =>
  process.stdout.write(
    `${name.padEnd(44)}${cells.map((cell) => Math.round(cell).toLocaleString('en').padStart(12)).join('')}\n`,
  );
process.stdout.write(`${'comments a second of one core'.padEnd(44)}${'learn'.padStart(12)}${'judge'.padStart(12)}\n`);
line('Backtalk, features extracted before', learning, scoring);
line('Backtalk, from the text', extractAndLearn, judging);
line('Backtalk, from the text, with explanation', extractAndLearn, explaining);
line("natural's BayesClassifier, from the text", naturalLearning, naturalJudging);
line('bayes, from the text', wordsLearning, wordsJudging);
process.stdout.write(
  `judging against natural's: ${(judging / naturalJudging).toFixed(1)} times as fast, against bayes: ${(judging / wordsJudging).toFixed(1)}\n`,
);
