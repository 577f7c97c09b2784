// The chart of errors over time: how a site's moderator would have met them, row by row.

import { earlyRows, type Figures, type Judged } from '../../judge/evaluation.ts';
import { percent, rowsOf, short } from './numbers.ts';
import { axes, curve, figure, frame, legend, line, linear, lineSign, roundTicks } from './plot.ts';

/** The rate of errors as the rows went by, and which errors they were. */
export function errorChart(id: string, judged: readonly Judged[], figures: Figures): string {
  const upper = { ...frame, bottom: 128 };
  const lower = { ...frame, top: 152 };
  const run = samplesOf(judged);
  const windowed = run.samples.filter((sample) => sample.row >= run.window);
  const rates = roundTicks(
    Math.max(0.01, ...windowed.flatMap(({ recent, error }) => [recent, error])),
    (value) => `${Number((value * 100).toPrecision(3))}`,
  );
  const { falseAlarms, missed } = run.samples.at(-1) as Sample;
  const counts = roundTicks(Math.max(falseAlarms, missed, 4), short);
  const x = linear(0, judged.length, frame.left, frame.right);
  const rate = linear(0, rates.at(-1)?.at ?? 1, upper.bottom, upper.top);
  const count = linear(0, counts.at(-1)?.at ?? 1, lower.bottom, lower.top);
  const through = (of: (sample: Sample) => number) => run.samples.map((sample) => [x(sample.row), of(sample)] as const);
  const early = x(earlyRows(judged.length));
  const ticks = roundTicks(judged.length, short).filter(
    (tick) => tick.at <= judged.length && Number.isInteger(tick.at),
  );
  return figure(
    id,
    'Errors over time',
    `Error ${percent(figures.error)} over all rows, ${percent(figures.lateError)} after the first tenth; ${falseAlarms} ham taken for spam, ${missed} spam missed.`,
    axes(upper, { scale: x, ticks: [], name: '' }, { scale: rate, ticks: rates, name: 'error, %' }) +
      axes(lower, { scale: x, ticks, name: 'rows judged' }, { scale: count, ticks: counts, name: 'mistakes' }) +
      line(early, upper.top, early, lower.bottom, 'mark') +
      curve(
        windowed.map((sample) => [x(sample.row), rate(sample.recent)] as const),
        'ink',
      ) +
      curve(
        windowed.map((sample) => [x(sample.row), rate(sample.error)] as const),
        'ink thin dashed',
      ) +
      curve(
        through((sample) => count(sample.falseAlarms)),
        'ham',
      ) +
      curve(
        through((sample) => count(sample.missed)),
        'spam dashed',
      ) +
      legend([
        { sign: lineSign('ham'), text: 'ham taken for spam' },
        { sign: lineSign('spam dashed'), text: 'spam missed' },
      ]),
    `Above: share of errors among the last ${rowsOf(run.window)}, and (dashed) among all so far. Below: mistakes so far. The upright line ends the first tenth; after it the error is ${percent(figures.lateError)}.`,
  );
}

interface Sample {
  /** Rows judged so far. */
  row: number;
  falseAlarms: number;
  missed: number;
  /** Share of errors among all rows so far, and among the last ones. */
  error: number;
  recent: number;
}

const SAMPLES = 200;

/** The run at even distances. The window is long enough for a rate to mean something, and a twentieth of a long run. */
function samplesOf(judged: readonly Judged[]): { samples: Sample[]; window: number } {
  const window = Math.min(judged.length, Math.max(50, Math.ceil(judged.length / 20)));
  const every = Math.ceil(judged.length / SAMPLES);
  const samples: Sample[] = [];
  let falseAlarms = 0;
  let missed = 0;
  let recent = 0;
  const isWrong = (row: Judged | undefined) => row !== undefined && row.calledSpam !== row.isSpam;
  judged.forEach((row, i) => {
    if (isWrong(row) && row.isSpam) missed++;
    else if (isWrong(row)) falseAlarms++;
    if (isWrong(row)) recent++;
    if (isWrong(judged[i - window])) recent--;
    if ((i + 1) % every !== 0 && i + 1 !== judged.length) return;
    const error = (falseAlarms + missed) / (i + 1);
    samples.push({ row: i + 1, falseAlarms, missed, error, recent: recent / Math.min(i + 1, window) });
  });
  return { samples, window };
}
