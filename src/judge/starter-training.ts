// Trains a starter from labelled rows. Its weights are fitted on blogs held out of the counts (stacking, Wolpert 1992),
// because the starter is for blogs nobody has seen. It reads no files.

import { Counts, type Taught } from './counts.ts';
import { groups, hashText } from './feature-set.ts';
import { contentLanguageOf, extractFeatures } from './features.ts';
import type { LabelledRow } from './labelled-rows.ts';
import type { Language } from './language.ts';
import { Model, type Starter } from './model.ts';
import { postLanguageOf } from './relevance.ts';
import { newTuning, type Tuning } from './tuning.ts';

/** How much worse a false alarm on a strange blog is than a miss: the fit's only word on costs. */
const HAM_WEIGHT = 2.36;

/** How strongly the weights are pulled to a fresh tuning's: strange blogs differ more than the folds here do. */
const PULL = 1_000;
const PULL_TO = 0.4;

/** Features seen less often are dropped: most of them are names and slips that no other blog repeats. */
const LEAST_SIGHTINGS = 3;
const FOLDS = 10;

/** A starter from `rows`, and how it did on the rows it was fitted on while they were held out. */
export function trainStarter(rows: readonly LabelledRow[]): { starter: Starter; heldOut: number[] } {
  // The first pass only finds how common words are; relevance needs that.
  const common = new Counts();
  for (const row of rows)
    common.add({ packed: extractFeatures(row.evidence, noWords).packed, label: row.label, surprise: 0 });
  const background = new Model(null, {
    counts: pruned({ counts: common, sightings: common }).snapshot(),
    tuning: newTuning(),
  });
  const times = balance(rows);
  const folds = foldsOf(rows);
  const lessons = withThreads(rows).map((row, i): Lesson => {
    const { packed } = extractFeatures(row.evidence, background);
    return {
      packed,
      label: row.label,
      surprise: 0,
      times: times[i] as number,
      fold: folds[i] as number,
    };
  });
  const tally: Tally = { counts: new Counts(), sightings: new Counts() };
  for (const lesson of lessons) include(tally, lesson);
  const evidence = evidenceHeldOut(lessons, tally);
  const tuning = fitWeights(evidence, rows);
  const weights = Float64Array.from([...tuning.towardsSpam, ...tuning.towardsHam, tuning.prior, tuning.bias]);
  const heldOut = evidence.map((at) => probabilityOf(at, weights));
  return { starter: { counts: pruned(tally), tuning }, heldOut };
}

/** A row as it is counted: `times` over, and held out with the others of its `fold`. */
interface Lesson extends Taught {
  times: number;
  fold: number;
}

/** What is counted, and how many rows it comes from: a row counted four times is still one sighting. */
interface Tally {
  counts: Counts;
  sightings: Counts;
}

function include(tally: Tally, lesson: Lesson): void {
  tally.sightings.add(lesson);
  for (let i = 0; i < lesson.times; i++) tally.counts.add(lesson);
}

function exclude(tally: Tally, lesson: Lesson): void {
  tally.sightings.remove(lesson);
  for (let i = 0; i < lesson.times; i++) tally.counts.remove(lesson);
}

/** The ham a spam row is met by in every language, as far as `MOST_TIMES` allows. */
const HAM_PER_SPAM = 6;
const MOST_TIMES = 4;

/**
 * How often to count each row. Ham and spam are to stand in much the same proportion in every language: if there were many
 * times more English ham than Finnish, every Finnish word would look like spam. And English rows written by hand are to
 * outweigh those of blogs, which are mostly English: what a few blogs talk of is not what all talk of.
 */
function balance(rows: readonly LabelledRow[]): number[] {
  const languages = rows.map((row) => postLanguageOf(row.evidence) ?? contentLanguageOf(row.evidence));
  const totals = new Map<Language, { ham: number; spam: number }>();
  rows.forEach((row, i) => {
    const total = totals.get(languages[i] as Language) ?? { ham: 0, spam: 0 };
    total[row.label]++;
    totals.set(languages[i] as Language, total);
  });
  return rows.map((row, i) => {
    const { ham, spam } = totals.get(languages[i] as Language) ?? { ham: 0, spam: 0 };
    const wanted = row.label === 'ham' ? (spam * HAM_PER_SPAM) / ham : ham / HAM_PER_SPAM / spam;
    const outweighing = isWritten(row) && languages[i] === 'en' ? MOST_TIMES : 1;
    return Math.max(1, Math.min(MOST_TIMES, Math.round(wanted))) * outweighing;
  });
}

/** Rows written by hand belong to no blog. */
function isWritten(row: LabelledRow): boolean {
  return row.site === row.post || row.site === row.id;
}

const noWords = { documents: 0, frequency: () => 0 };

/** Rows with the ham before them under the same post as their thread, as a site would have approved it. */
export function withThreads(rows: readonly LabelledRow[]): LabelledRow[] {
  const threads = new Map<string, string[]>();
  return rows.map((row) => {
    if (row.post === '') return row;
    const thread = threads.get(row.post) ?? [];
    const seen = { ...row, evidence: { ...row.evidence, thread: [...thread] } };
    if (row.label === 'ham') thread.push(row.evidence.content);
    threads.set(row.post, thread);
    return seen;
  });
}

function pruned({ counts, sightings }: Tally): Counts {
  const all = counts.snapshot();
  const kept = all.features
    .map((_, i) => i)
    .filter((i) => {
      const slot = sightings.indexOf(all.features[i] as number);
      return sightings.hamAt(slot) + sightings.spamAt(slot) >= LEAST_SIGHTINGS;
    });
  const column = (values: Uint32Array) => kept.map((i) => values[i] as number);
  return Counts.from({
    ...all,
    features: column(all.features),
    ham: column(all.ham),
    spam: column(all.spam),
    hamSurprise: column(all.hamSurprise),
    spamSurprise: column(all.spamSurprise),
  });
}

/** What the fit sees of a row: the evidence of each group towards spam and towards ham, the log odds, and 1 for the bias. */
type HeldOut = Float64Array;

function evidenceHeldOut(lessons: readonly Lesson[], tally: Tally): HeldOut[] {
  const found: HeldOut[] = lessons.map(() => new Float64Array(SIZE));
  for (const fold of new Set(lessons.map((lesson) => lesson.fold))) {
    const held = lessons.map((lesson, i) => (lesson.fold === fold ? i : -1)).filter((i) => i >= 0);
    for (const i of held) exclude(tally, lessons[i] as Lesson);
    const tuning = newTuning();
    const model = new Model(null, { counts: pruned(tally).snapshot(), tuning });
    for (const i of held) {
      const at = found[i] as HeldOut;
      const score = model.score(lessons[i] as Lesson);
      for (const part of score.groups) {
        at[groups.indexOf(part.group) + (part.evidence > 0 ? 0 : groups.length)] = part.evidence;
      }
      at[PRIOR] = score.prior / tuning.prior;
      at[BIAS] = 1;
    }
    for (const i of held) include(tally, lessons[i] as Lesson);
  }
  return found;
}

const PRIOR = 2 * groups.length;
const BIAS = PRIOR + 1;
const SIZE = BIAS + 1;

/** The rows from which on a blog is held out alone. */
const LARGE = 50;

// Blogs are held out whole: what the weights are for is blogs that nobody has seen.
function foldsOf(rows: readonly LabelledRow[]): number[] {
  const sizes = new Map<string, number>();
  for (const { site } of rows) sizes.set(site, (sizes.get(site) ?? 0) + 1);
  const large = [...sizes].filter(([, size]) => size >= LARGE).map(([site]) => site);
  return rows.map(({ site }) => {
    const own = large.indexOf(site);
    return own < 0 ? ((hashText(0, site) >>> 8) & 0xffff) % FOLDS : FOLDS + own;
  });
}

// Logistic regression by AdaGrad over all rows at once; weights stay non-negative, as when a site adapts them. The weight
// of the prior keeps its default: all rows share one prior, so nothing here could tell it from the bias.
function fitWeights(heldOut: readonly HeldOut[], rows: readonly LabelledRow[]): Tuning {
  const tuning = newTuning();
  const weights = Float64Array.from([...tuning.towardsSpam, ...tuning.towardsHam, tuning.prior, tuning.bias]);
  const sums = new Float64Array(SIZE);
  for (let round = 0; round < 600; round++) {
    const gradient = new Float64Array(SIZE);
    heldOut.forEach((at, i) => {
      const isSpam = rows[i]?.label === 'spam';
      const error = (probabilityOf(at, weights) - (isSpam ? 1 : 0)) * (isSpam ? 1 : HAM_WEIGHT);
      for (let j = 0; j < SIZE; j++) gradient[j] = (gradient[j] as number) + error * (at[j] as number);
    });
    for (let j = 0; j < SIZE; j++) {
      if (j === PRIOR) continue;
      const slope = (gradient[j] as number) + (j === BIAS ? 0 : PULL * ((weights[j] as number) - PULL_TO));
      sums[j] = (sums[j] as number) + slope * slope;
      const moved = (weights[j] as number) - (0.1 * slope) / Math.sqrt((sums[j] as number) + 1e-9);
      weights[j] = j === BIAS ? moved : Math.max(0, moved);
    }
  }
  const of = (from: number) => groups.map((_, g) => weights[from + g] as number);
  return { ...tuning, towardsSpam: of(0), towardsHam: of(groups.length), bias: weights[BIAS] as number };
}

function probabilityOf(at: HeldOut, weights: Float64Array): number {
  let logit = 0;
  for (let j = 0; j < SIZE; j++) logit += (weights[j] as number) * (at[j] as number);
  return 1 / (1 + Math.exp(-logit));
}
