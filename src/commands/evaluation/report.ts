// The report of an evaluation: one page of HTML that needs nothing else, no script and no network. It shows what spammers
// wrote, so everything that is not ours is escaped here or in plot.ts.

import { binsOf, type Figures, type Judged } from '../../judge/evaluation.ts';
import { escapeHtml } from '../../text.ts';
import { recallChart, reliabilityChart, scoreChart } from './charts.ts';
import { errorChart } from './error-chart.ts';
import type { Mistake, WorstMistakes } from './mistakes.ts';
import { fraction, percent, rowsOf, whole } from './numbers.ts';
import { style } from './style.ts';

/** How the judge was run. */
export interface Run {
  /** What it began with, in words. */
  start: string;
  isStatic: boolean;
  at: Date;
}

/** One file of the report. Holds its section as HTML, so that a file's rows may be forgotten before the next is read. */
export interface Section {
  file: string;
  figures: Figures & { seconds: number };
  html: string;
}

/** The section of one file, `number` counted from 1. */
export function sectionOf(
  number: number,
  file: string,
  figures: Figures & { seconds: number },
  judged: readonly Judged[],
  worst: WorstMistakes,
): Section {
  const id = `file-${number}`;
  const head = `<h2 id="${id}"><span class="number">${number}</span> ${foreign(file, 'span')}</h2>`;
  if (figures.rows === 0) return { file, figures, html: `<section>${head}<p>The file holds no rows.</p></section>` };
  const ham = figures.rows - figures.spam;
  const missing = `<p class="missing">The curve of recall against false positives needs both ham and spam; this file has no ${ham === 0 ? 'ham' : 'spam'}.</p>`;
  const falseAlarms = judged.filter((row) => row.calledSpam && !row.isSpam).length;
  const missed = judged.filter((row) => !row.calledSpam && row.isSpam).length;
  const html = `<section>${head}
<p>${rowsOf(figures.rows)}: ${whole(ham)} ham, ${whole(figures.spam)} spam. At the threshold ${whole(falseAlarms)} of the ham ${falseAlarms === 1 ? 'was' : 'were'} taken for spam, and ${whole(missed)} of the spam missed.</p>
<div class="figures">
${reliabilityChart(`${id}-reliability`, judged, figures)}
${scoreChart(`${id}-scores`, judged)}
${errorChart(`${id}-errors`, judged, figures)}
${recallChart(`${id}-recall`, judged, figures) ?? missing}
</div>
${binTable(judged)}
${mistakeList('Ham taken for spam', worst.falseAlarms, falseAlarms, 'ham')}
${mistakeList('Spam missed', worst.missed, missed, 'spam')}
</section>`;
  return { file, figures, html };
}

/** The whole page. */
export function reportPage(run: Run, sections: readonly Section[]): string {
  const rows = sections.reduce((sum, { figures }) => sum + figures.rows, 0);
  const files = sections.length === 1 ? 'one file' : `${sections.length} files`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>Evaluation of the judge: ${files}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>Evaluation of the judge</h1>
<p class="run">${rowsOf(rows)} in ${files}. Began with ${escapeHtml(run.start)}; ${run.isStatic ? 'learned nothing on the way' : 'scored each row, then learned its label'}. <time datetime="${run.at.toISOString()}">${run.at.toISOString().slice(0, 16).replace('T', ' ')} UTC</time>.</p>
</header>
<main>
${summaryTable(sections)}
${sections.map(({ html }) => html).join('\n')}
</main>
</body>
</html>
`;
}

function summaryTable(sections: readonly Section[]): string {
  const heads = measures.map(({ head }) => `<th scope="col">${escapeHtml(head)}</th>`).join('');
  const rows = sections.map(({ file, figures }, i) => {
    const cells = measures.map(({ cell }) => `<td>${escapeHtml(cell(figures))}</td>`).join('');
    return `<tr><th scope="row"><a href="#file-${i + 1}">${foreign(nameOf(file), 'span')}</a></th>${cells}</tr>`;
  });
  const notes = measures.filter(({ note }) => note !== undefined);
  return `<p class="caption" id="summary"><b>Summary.</b> Spam is positive; the threshold is 0.5. A dash: the figure has no meaning for this file.</p>
<div class="wide" role="region" aria-labelledby="summary" tabindex="0"><table class="summary" aria-labelledby="summary">
<thead><tr><th scope="col">file</th>${heads}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></div>
<dl class="notes">${notes.map(({ head, note }) => `<div><dt>${escapeHtml(head)}</dt><dd>${escapeHtml(note ?? '')}</dd></div>`).join('')}</dl>`;
}

interface Measure {
  head: string;
  cell: (figures: Figures & { seconds: number }) => string;
  note?: string;
}

const measures: readonly Measure[] = [
  { head: 'rows', cell: ({ rows }) => whole(rows) },
  { head: 'spam', cell: ({ spam }) => whole(spam) },
  { head: 'error', cell: ({ error }) => percent(error), note: 'share of rows called wrongly' },
  { head: 'late', cell: ({ lateError }) => percent(lateError), note: 'the same after the first tenth of the rows' },
  {
    head: 'precision',
    cell: ({ precision }) => percent(precision, 1),
    note: 'of what was called spam, the share that is',
  },
  { head: 'recall', cell: ({ recall }) => percent(recall, 1), note: 'of the spam, the share called so' },
  {
    head: 'FP',
    cell: ({ falsePositiveRate }) => percent(falsePositiveRate),
    note: 'of the ham, the share called spam',
  },
  {
    head: 'MCC',
    cell: ({ mcc }) => fraction(mcc, 3),
    note: 'Matthews correlation: 1 perfect, 0 no better than chance',
  },
  {
    head: 'AUC',
    cell: ({ auc }) => fraction(auc, 4),
    note: 'how often a spam row stands above a ham row, whatever the threshold',
  },
  {
    head: 'ECE',
    cell: ({ ece }) => fraction(ece, 4),
    note: 'expected calibration error: how far probabilities are from what came true, in ten bins',
  },
  { head: 'Brier', cell: ({ brier }) => fraction(brier, 4), note: 'mean squared distance of probability and truth' },
  {
    head: 'R 0.5 %',
    cell: ({ recallAtHalfPercentFp }) => percent(recallAtHalfPercentFp, 1),
    note: 'the most spam caught at a threshold that flags at most 0.5 % of the ham',
  },
  {
    head: 'R 1 %',
    cell: ({ recallAtOnePercentFp }) => percent(recallAtOnePercentFp, 1),
    note: 'the same for 1 %',
  },
  { head: 'time', cell: ({ seconds }) => `${seconds.toFixed(1)} s` },
];

function binTable(judged: readonly Judged[]): string {
  const rows = binsOf(judged, 10).map(({ rows, spam, probability }, i) => {
    const [mean, found] = rows === 0 ? [null, null] : [probability / rows, spam / rows];
    const cells = [whole(rows - spam), whole(spam), fraction(mean, 3), fraction(found, 3)];
    return `<tr><th scope="row">${(i / 10).toFixed(1)} to ${((i + 1) / 10).toFixed(1)}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return `<details class="bins"><summary>The ten bins as numbers</summary><table>
<thead><tr><th scope="col">probability</th><th scope="col">ham</th><th scope="col">spam</th><th scope="col">mean given</th><th scope="col">share spam</th></tr></thead>
<tbody>${rows.join('')}</tbody></table></details>`;
}

function mistakeList(title: string, worst: readonly Mistake[], all: number, label: string): string {
  if (all === 0) return `<h3>${title}</h3><p>None.</p>`;
  const shown = worst.length === all ? whole(all) : `the worst ${worst.length} of ${whole(all)}`;
  return `<details open><summary><h3>${title}</h3> <span>${shown}</span></summary>
<ol class="mistakes">${worst.map((mistake) => mistakeItem(mistake, label)).join('\n')}</ol></details>`;
}

function mistakeItem({ probability, author, id, text, reasons, tokens }: Mistake, label: string): string {
  const rows = tokens.map(
    ({ token, field, weight, spam, ham }) =>
      `<tr><th scope="row">${foreign(token, 'span')}</th><td>${field}</td><td class="${weight > 0 ? 'spam' : 'ham'}">${weight > 0 ? '+' : '−'}${Math.abs(weight).toFixed(2)}</td><td>${whole(spam)}</td><td>${whole(ham)}</td></tr>`,
  );
  const table = `<table><thead><tr><th scope="col">token</th><th scope="col">field</th><th scope="col">weight</th><th scope="col">spam</th><th scope="col">ham</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
  return `<li>
<p class="verdict"><b>${fraction(probability, 4)}</b> <span class="meter" aria-hidden="true"><i style="width:${(probability * 100).toFixed(1)}%"></i></span> labelled <b class="${label}">${label}</b>${author === '' ? '' : `, by ${foreign(author, 'cite')}`} <span class="id">${foreign(id, 'span')}</span></p>
${foreign(text, 'blockquote')}
<div class="why"><ul>${reasons.map((reason) => `<li>${foreign(reason, 'span')}</li>`).join('')}</ul>${rows.length === 0 ? '' : table}</div>
</li>`;
}

/** A text of strangers as an element. `dir` keeps a text that turns its direction from turning what stands around it. */
function foreign(text: string, element: string): string {
  return `<${element} dir="auto">${escapeHtml(text)}</${element}>`;
}

function nameOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1).replace(/\.jsonl(\.gz)?$/, '');
}
