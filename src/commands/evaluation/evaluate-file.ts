// Runs the judge over one labelled file, in file order, as a site would have met its rows. Uses the service's features,
// model and policy; prints and keeps nothing of the texts but what a later row is judged by.

import { defaultSettings } from '../../db/sites.ts';
import { type Figures, figuresOf, type Judged } from '../../judge/evaluation.ts';
import { type Explanation, explain } from '../../judge/explain.ts';
import { readFeatures } from '../../judge/features.ts';
import { type LabelledRow, readLabelledRows } from '../../judge/labelled-rows.ts';
import { decide, noFacts } from '../../judge/policy.ts';
import { PrequentialSite } from '../../judge/prequential.ts';
import type { Starter } from '../../judge/starter.ts';

/** A row that was just judged and is not learned yet. */
export interface Observed {
  row: LabelledRow;
  judged: Judged;
  /** Why it was judged so. Costs as much as judging it; true only until the observer returns. */
  explain(): Explanation;
}

/**
 * The figures of one file, and how many seconds it took. A row is scored, shown to `observe`, then learned with its true
 * label, unless `isStatic`. Throws a LabelledRowsError.
 */
export async function evaluateFile(
  file: string,
  starter: Starter | null,
  isStatic: boolean,
  observe: (observed: Observed) => void = () => {},
): Promise<Figures & { seconds: number }> {
  const started = process.hrtime.bigint();
  const site = new PrequentialSite(starter);
  const judged: Judged[] = [];
  for await (const row of readLabelledRows(file)) {
    const judgement = site.judge(row);
    const { evidence, score } = judgement;
    const judgedBy = { probability: score.probability, signals: evidence.signals ?? [], kind: evidence.kind };
    const { outcome } = decide(judgedBy, { ...defaultSettings, spamAbove: 0.5 }, noFacts);
    const one = { probability: score.probability, isSpam: row.label === 'spam', calledSpam: outcome === 'spam' };
    judged.push(one);
    observe({
      row,
      judged: one,
      explain: () => explain(site.model, evidence, readFeatures(evidence, site.model), score),
    });
    if (!isStatic) site.learn(row, judgement);
  }
  return { ...figuresOf(judged), seconds: Number(process.hrtime.bigint() - started) / 1e9 };
}
