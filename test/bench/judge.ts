// How fast comments are learned and judged, side by side with the classifiers of `natural` and `bayes`, on the same
// comments in one run. Run by `npm run bench:judge`. It compares rates, and says nothing about who judges well.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { explain } from '../../src/judge/explain.ts';
import { extractFeatures } from '../../src/judge/features.ts';
import { type LabelledRow, readLabelledRows } from '../../src/judge/labelled-rows.ts';
import { Model } from '../../src/judge/model.ts';
import { decodeStarter } from '../../src/judge/starter.ts';

const load = createRequire(import.meta.url);
const NaturalBayes = load('natural/lib/natural/classifiers/bayes_classifier.js');
const bayes = load('bayes');

const starterFolder = new URL('../../src/judge/starter/', import.meta.url);
const inStarter = (name: string) => fileURLToPath(new URL(name, starterFolder));

/** A comment of more characters is not short. */
const short = 200;
/** Comments learned; every other one is judged too, by us, and fewer by those that need longer. */
const learned = 2_000;
const judgedByOthers = 100;
const rounds = 3;

const rows: LabelledRow[] = [];
for (const file of ['examples-en.jsonl', 'examples-world.jsonl'])
  for await (const row of readLabelledRows(inStarter(file))) if (row.evidence.content.length <= short) rows.push(row);
const comments = Array.from({ length: learned }, (_, i) => {
  const row = rows[(i * 7) % rows.length] as LabelledRow;
  return { ...row, text: `${row.evidence.content} ${i}` };
});
const starter = decodeStarter(await readFile(inStarter('model.bin')));

/** The best of some rounds, in comments a second of processor time. */
function rate(count: number, work: () => void): number {
  let best = 0;
  for (let round = 0; round < rounds; round++) {
    const from = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(from);
    best = Math.max(best, count / ((user + system) / 1e6));
  }
  return best;
}

const model = new Model(starter);
const extracted = comments.map(({ evidence }) => extractFeatures(evidence, model));
const learning = rate(learned, () => {
  const fresh = new Model(starter);
  comments.forEach(({ label }, i) => {
    fresh.learn({ packed: extracted[i]?.packed ?? new Uint32Array(), label, surprise: 4 });
  });
});
comments.forEach(({ label }, i) => {
  model.learn({ packed: extracted[i]?.packed ?? new Uint32Array(), label, surprise: 4 });
});
const extractAndLearn = rate(learned, () => {
  const fresh = new Model(starter);
  for (const { evidence, label } of comments)
    fresh.learn({ packed: extractFeatures(evidence, fresh).packed, label, surprise: 4 });
});
const scoring = rate(learned, () => {
  for (const features of extracted) model.score(features);
});
const judging = rate(learned, () => {
  for (const { evidence } of comments) model.score(extractFeatures(evidence, model));
});
const explaining = rate(learned, () => {
  for (const { evidence } of comments) {
    const features = extractFeatures(evidence, model);
    explain(model, evidence, features, model.score(features));
  }
});

const natural = new NaturalBayes();
const naturalLearning = rate(learned / rounds, () => {
  for (const { text, label } of comments.splice(0, Math.floor(learned / rounds))) natural.addDocument(text, label);
  natural.train();
});
const asked = rows.slice(0, judgedByOthers).map(({ evidence }) => evidence.content);
const naturalJudging = rate(asked.length, () => {
  for (const text of asked) natural.classify(text);
});
const words = bayes();
const wordsLearning = rate(rows.length, () => {
  for (const { evidence, label } of rows) words.learn(evidence.content, label);
});
const wordsJudging = rate(asked.length, () => {
  for (const text of asked) words.categorize(text);
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
