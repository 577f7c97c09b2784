// Keeps the worst mistakes of a run with their texts and reasons, and no other text. It shows nothing.

import type { ExplainedToken } from '../../judge/explain.ts';
import { cleanText, collapse, crop } from '../../text.ts';
import type { Observed } from './evaluate-file.ts';

/** How many of each sort are kept. */
const MOST = 20;
const TEXT_CHARACTERS = 600;
const NAME_CHARACTERS = 80;
const TOKENS = 8;

/** A row on which judge and label differ. Texts are cropped and hostile: escape them. */
export interface Mistake {
  id: string;
  probability: number;
  author: string;
  text: string;
  reasons: string[];
  tokens: ExplainedToken[];
}

/** The worst mistakes of a run, each sort with the most confident first. */
export class WorstMistakes {
  /** Ham taken for spam. */
  readonly falseAlarms: Mistake[] = [];
  /** Spam taken for ham. */
  readonly missed: Mistake[] = [];

  /** Keeps the row if it is among the worst; of two that are equally wrong the earlier. */
  observe(observed: Observed): void {
    const { probability, isSpam, calledSpam } = observed.judged;
    if (calledSpam === isSpam) return;
    const worst = isSpam ? this.missed : this.falseAlarms;
    const wrong = (one: { probability: number }) => (isSpam ? 1 - one.probability : one.probability);
    const last = worst[MOST - 1];
    if (last !== undefined && wrong(last) >= wrong({ probability })) return;
    worst.push(describe(observed));
    worst.sort((a, b) => wrong(b) - wrong(a));
    worst.length = Math.min(worst.length, MOST);
  }
}

function describe({ row, judged, explain }: Observed): Mistake {
  const { author, title, content } = row.evidence;
  const { reasons, tokens } = explain();
  return {
    id: tidy(row.id, NAME_CHARACTERS),
    probability: judged.probability,
    author: tidy(author.name ?? author.email ?? author.url ?? '', NAME_CHARACTERS),
    text: tidy(title === undefined ? content : `${title} — ${content}`, TEXT_CHARACTERS),
    reasons: reasons.map((reason) => tidy(reason.detail, TEXT_CHARACTERS)),
    tokens: tokens.slice(0, TOKENS).map((token) => ({ ...token, token: tidy(token.token, NAME_CHARACTERS) })),
  };
}

function tidy(text: string, most: number): string {
  return crop(collapse(cleanText(text)), most);
}
