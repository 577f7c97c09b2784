// Says why a submission got its score, in what really moved it: groups, readable tokens and short true sentences. It
// changes no score and shows no hash.

import type { Reason } from '../db/schema.ts';
import { crop } from '../text.ts';
import { commonWords } from './author-features.ts';
import type { Field, Group } from './feature-set.ts';
import { groupOf, groups } from './feature-set.ts';
import type { Evidence, Reading } from './features.ts';
import type { Model, Score } from './model.ts';

/** A word, name, address or signal that moved the logit by `weight` (above 0: towards spam), and how often it was seen. */
export interface ExplainedToken {
  token: string;
  field: Field;
  weight: number;
  spam: number;
  ham: number;
}

/** `groups` (with `bias` and `prior`) sum to the logit; `tokens` at most 12, `reasons` at most 6 and the signals, strongest first. */
export interface Explanation {
  reasons: Reason[];
  groups: { group: Group | 'bias' | 'prior'; weight: number }[];
  tokens: ExplainedToken[];
}

/**
 * Explains `score`, given by `model` for what was read of `evidence`. `sentences` say of
 * signals what only their finder knows.
 */
export function explain(
  model: Model,
  evidence: Evidence,
  reading: Reading,
  score: Score,
  sentences: ReadonlyMap<string, string> = new Map(),
): Explanation {
  const sums = groups.map((group, i) => ({
    group,
    weight: score.groups.reduce(
      (sum, part) => (part.group === group ? sum + part.contribution : sum),
      score.corrections[i] ?? 0,
    ),
  }));
  const tokens = weighTokens(model, reading, score);
  return {
    reasons: reasonsOf(model, evidence, reading, score, sums, tokens, sentences),
    groups: [{ group: 'bias', weight: score.bias }, { group: 'prior', weight: score.prior }, ...sums],
    tokens: tokens.slice(0, TOKENS),
  };
}

const TOKENS = 12;
const REASONS = 6;
/** What moved the logit by less does not count as a reason: 0.15 is about four points of a hundred in the middle. */
const LEAST = 0.15;

function weighTokens(model: Model, { features, labels }: Reading, score: Score): ExplainedToken[] {
  if (!score.informed) return [];
  const weigh = model.weigher(features.packed.length);
  const tokens: ExplainedToken[] = [];
  for (const [feature, label] of labels) {
    const known = weigh(feature);
    // Pairs of rare Han characters are cut between their halves: nobody can read those, and no database takes them.
    if (known === null || !label.token.isWellFormed()) continue;
    const group = groups[groupOf(feature)];
    const part = score.groups.find((at) => at.group === group && at.evidence > 0 === known.ratio > 0);
    const evident = part === undefined ? 0 : (part.weight * known.ratio) / Math.sqrt(part.features);
    const weight = evident + known.correction;
    if (weight === 0) continue;
    tokens.push({ ...label, weight, spam: known.spam, ham: known.ham });
  }
  // Equal weights in the order of the words, so that the same text reads the same each time.
  return tokens.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight) || (a.token < b.token ? -1 : 1));
}

interface Weighed extends Reason {
  weight: number;
}

function reasonsOf(
  model: Model,
  evidence: Evidence,
  reading: Reading,
  score: Score,
  sums: readonly { group: Group; weight: number }[],
  tokens: readonly ExplainedToken[],
  sentences: ReadonlyMap<string, string>,
): Reason[] {
  const facts = signalReasons(evidence.signals ?? [], tokens, sentences);
  if (!score.informed) {
    return [{ code: 'nothing_learned', detail: 'too little has been decided here to judge by' }, ...facts.map(plain)];
  }
  const weightOf = (group: Group) => sums.find((at) => at.group === group)?.weight ?? 0;
  const found = [
    textReason(weightOf('words') + weightOf('pairs') + weightOf('characters'), tokens),
    linkReason(weightOf('links'), tokens),
    shapeReason(weightOf('shape')),
    authorReason(weightOf('author') + weightOf('address') + weightOf('email'), model, evidence, tokens),
    topicReason(weightOf('relevance'), reading),
  ];
  const strong = found
    .filter((reason): reason is Weighed => reason !== null && Math.abs(reason.weight) >= LEAST)
    .sort(stronger)
    .slice(0, REASONS);
  return [...strong, ...facts].sort(stronger).map(plain);
}

function stronger(a: Weighed, b: Weighed): number {
  return Math.abs(b.weight) - Math.abs(a.weight);
}

function plain({ code, detail }: Weighed): Reason {
  return { code, detail };
}

function textReason(weight: number, tokens: readonly ExplainedToken[]): Weighed {
  const isSpam = weight > 0;
  const shown = strongest(tokens, isSpam, ['content', 'title'], 3);
  const manner = isSpam ? 'the wording is like that of spam' : 'the wording is like that of approved texts';
  return { code: 'words', detail: shown === '' ? manner : `${manner}: ${shown}`, weight };
}

function linkReason(weight: number, tokens: readonly ExplainedToken[]): Weighed {
  const isSpam = weight > 0;
  const shown = strongest(tokens, isSpam, ['link', 'source'], 2);
  const manner = isSpam ? 'links like these come with spam' : 'links like these come with approved texts';
  return { code: 'links', detail: shown === '' ? manner : `${manner}: ${shown}`, weight };
}

function shapeReason(weight: number): Weighed {
  const detail =
    weight > 0
      ? 'length, capitals, signs and links are as in spam'
      : 'length, capitals, signs and links are as in approved texts';
  return { code: 'shape', detail, weight };
}

function authorReason(
  weight: number,
  model: Model,
  evidence: Evidence,
  tokens: readonly ExplainedToken[],
): Weighed | null {
  const { name, email, url } = evidence.author;
  const isSpam = weight > 0;
  if (!name) {
    if (!email && !url) return null;
    return {
      code: 'author',
      detail: `the author's address is like that of ${isSpam ? 'spam' : 'approved texts'}`,
      weight,
    };
  }
  const shown = strongest(tokens, isSpam, ['author name', 'author address', 'author e-mail'], 2);
  const counts = shown === '' ? '' : `: ${shown}`;
  const quoted = `the author's name "${crop(name, 60)}"`;
  const { words, common } = commonWords(name, model);
  if (isSpam && words.length > 0 && common.length === words.length) {
    return { code: 'author_name', detail: `${quoted} reads like a keyword${counts}`, weight };
  }
  const manner = isSpam
    ? `${quoted} or address is like those of spam`
    : `${quoted} or address is like those of approved texts`;
  return { code: 'author', detail: manner + counts, weight };
}

function topicReason(weight: number, { relevance }: Reading): Weighed | null {
  if (relevance === null || relevance.words === 0) return null;
  const of = `${relevance.shared} of its ${relevance.words} telling words`;
  if (weight > 0 && relevance.shared * 4 <= relevance.words) {
    return { code: 'off_topic', detail: `it shares almost no words with the post (${of})`, weight };
  }
  if (weight < 0 && relevance.shared > 0 && relevance.score > 0) {
    return { code: 'on_topic', detail: `it is about what the post is about (${of})`, weight };
  }
  return {
    code: 'topic',
    detail: `what it shares with the post is as in ${weight > 0 ? 'spam' : 'approved texts'} (${of})`,
    weight,
  };
}

/** What was found is told even where it weighs nothing yet: it is a fact, and the moderator may know what it means. */
function signalReasons(
  signals: readonly string[],
  tokens: readonly ExplainedToken[],
  sentences: ReadonlyMap<string, string>,
): Weighed[] {
  return signals.map((signal) => {
    const said = sentences.get(signal) ?? signalSentences.get(signal) ?? `"${crop(signal, 60)}" was found`;
    const token = tokens.find((at) => at.field === 'signal' && at.token === signal);
    if (token === undefined) return { code: signal, detail: said, weight: 0 };
    return { code: signal, detail: `${said} (${counted(token)})`, weight: token.weight };
  });
}

const signalSentences = new Map([
  ['no_link_back', 'the source does not link here'],
  ['loose_link', 'the source links to another form of the address'],
  ['hidden_link', 'readers of the source do not see its link here'],
  ['link_list', 'the source is a list of more than 100 links to other sites'],
  ['honeypot', 'a field that people do not see was filled in'],
  ['copy_of_spam', 'it says much the same as something marked as spam'],
  ['copy_of_approved', 'it says much the same as something approved'],
  ['repeated', 'the same has come in several times'],
]);

function strongest(
  tokens: readonly ExplainedToken[],
  isSpam: boolean,
  fields: readonly Field[],
  count: number,
): string {
  return tokens
    .filter((token) => fields.includes(token.field) && token.weight > 0 === isSpam)
    .slice(0, count)
    .map((token) => `"${token.token}" (${counted(token)})`)
    .join(', ');
}

function counted(token: ExplainedToken): string {
  return `${token.spam} spam, ${token.ham} ham`;
}
