// The charts of the report: reliability, scores, recall against false positives. Each is a figure with its own
// caption and a summary for those who cannot see it. Errors over time have a file of their own.

import { type Bin, binsOf, type Figures, type Judged, rocOf } from '../../judge/evaluation.ts';
import { fraction, percent, rowsOf, short } from './numbers.ts';
import { axes, curve, dot, figure, frame, label, legend, line, linear, rectangle, swatch, type Tick } from './plot.ts';

/** How often what was called probable came true. */
export function reliabilityChart(id: string, judged: readonly Judged[], figures: Figures): string {
  const x = linear(0, 1, frame.left, frame.right);
  const y = linear(0, 1, frame.bottom, frame.top);
  const bins = binsOf(judged, 10);
  const filled = bins.filter((bin) => bin.rows > 0);
  const points = filled.map((bin) => [x(bin.probability / bin.rows), y(bin.spam / bin.rows)] as const);
  const picture = [
    axes(
      frame,
      { scale: x, ticks: tenths, name: 'mean probability given' },
      { scale: y, ticks: tenths, name: 'share that is spam' },
    ),
    ...bins.map((bin, i) => label(x((i + 0.5) / 10), frame.top - 8, short(bin.rows), 'mid')),
    label(frame.left - 6, frame.top - 8, 'rows', 'end'),
    line(x(0), y(0), x(1), y(1), 'mark'),
    ...filled.map((bin, i) => {
      const [low, high] = wilson(bin);
      const place = (points[i] as readonly [number, number])[0];
      return line(place, y(low), place, y(high), 'interval');
    }),
    curve(points, 'ink thin'),
    ...points.map(([left, height]) => dot(left, height, 3.5, 'solid')),
  ];
  return figure(
    id,
    'Reliability',
    `Ten bins of probability. ${filled.map((bin) => `Given ${fraction(bin.probability / bin.rows, 2)}, found ${fraction(bin.spam / bin.rows, 2)} in ${rowsOf(bin.rows)}`).join('; ')}.`,
    picture.join(''),
    `The rows in ten bins of probability: on the dashed line, 0.9 means nine in ten. Bars are 95 % intervals (Wilson), rows of each bin stand above. ECE ${fraction(figures.ece, 4)}, Brier score ${fraction(figures.brier, 4)}.`,
  );
}

/** Which probabilities ham and spam got. */
export function scoreChart(id: string, judged: readonly Judged[]): string {
  const bins = binsOf(judged, 20);
  const most = Math.max(...bins.map((bin) => Math.max(bin.spam, bin.rows - bin.spam)));
  const top = Math.max(1, Math.ceil(Math.log10(most + 1)));
  const x = linear(0, 1, frame.left, frame.right);
  const height = linear(0, top, 0, (frame.bottom - frame.top) / 2);
  const middle = (frame.top + frame.bottom) / 2;
  const y = (rows: number) => middle - Math.sign(rows) * height(Math.log10(Math.abs(rows) + 1));
  const shown = top === 1 ? [1, 5] : Array.from({ length: top - 1 }, (_, i) => 10 ** (i + 1));
  const ticks = [0, ...shown.flatMap((rows) => [rows, -rows])].map((rows) => ({
    at: rows,
    label: short(Math.abs(rows)),
  }));
  const width = (frame.right - frame.left) / bins.length - 2;
  const bars = bins.flatMap(({ rows, spam }, i) => {
    const left = x(i / bins.length) + 1;
    const [up, down] = [y(rows - spam), y(-spam)];
    return [
      rows > spam ? rectangle(left, up, width, middle - up, 'ham') : '',
      spam > 0 ? rectangle(left, middle, width, down - middle, 'spam') : '',
    ];
  });
  const counts = (of: (bin: Bin) => number) => bins.map(of).join(', ');
  return figure(
    id,
    'Scores',
    `Rows in twenty bins of probability from 0 to 1. Ham: ${counts((bin) => bin.rows - bin.spam)}. Spam: ${counts((bin) => bin.spam)}.`,
    axes(frame, { scale: x, ticks: tenths, name: 'probability given' }, { scale: y, ticks, name: 'rows, log scale' }) +
      bars.join('') +
      line(x(0.5), frame.top, x(0.5), frame.bottom, 'mark') +
      line(frame.left, middle, frame.right, middle, 'axis') +
      legend([
        { sign: swatch('ham'), text: 'ham, upwards' },
        { sign: swatch('spam'), text: 'spam, downwards' },
      ]),
    'How many rows got which probability, in twenty bins; the scale is that of log(1 + rows). The dashed line is the threshold.',
  );
}

/** How much spam is caught for how much ham flagged, at every threshold. Null without both. */
export function recallChart(id: string, judged: readonly Judged[], figures: Figures): string | null {
  const ham = figures.rows - figures.spam;
  if (ham === 0 || figures.spam === 0) return null;
  const decades = Math.min(Math.max(Math.ceil(Math.log10(ham)), 3), 6);
  const logarithm = linear(-decades, 0, frame.left + 30, frame.right);
  // No ham flagged has no logarithm: it stands at the left edge, apart.
  const x = (rate: number) => (rate === 0 ? frame.left : logarithm(Math.max(Math.log10(rate), -decades)));
  const y = linear(0, 1, frame.bottom, frame.top);
  const points: [number, number][] = [];
  let last = { x: frame.left, y: y(0) };
  for (const point of rocOf(judged)) {
    const next = { x: x(point.ham / ham), y: y(point.spam / figures.spam) };
    // A file of millions of rows has no more points than can be told apart.
    if (points.length > 0 && next.x - last.x < 0.3 && last.y - next.y < 0.3) continue;
    points.push([next.x, last.y], [next.x, next.y]);
    last = next;
  }
  points.push([frame.right, last.y], [frame.right, frame.top]);
  const powers = Array.from({ length: decades + 1 }, (_, i) => 10 ** (i - decades));
  const ticks = [0, ...powers].map((rate) => ({
    at: rate,
    label: rate === 0 ? '0' : String(Number((rate * 100).toPrecision(1))),
  }));
  const marks = [
    { rate: 0.005, recall: figures.recallAtHalfPercentFp, anchor: 'end', shift: -2 },
    { rate: 0.01, recall: figures.recallAtOnePercentFp, anchor: 'start', shift: 2 },
  ];
  const caught = `${percent(figures.recallAtHalfPercentFp, 1)} of the spam at 0.5 % of ham flagged, ${percent(figures.recallAtOnePercentFp, 1)} at 1 %`;
  const auc = `area under the ROC curve ${fraction(figures.auc, 4)}`;
  return figure(
    id,
    'Recall against false positives',
    `Caught: ${caught}; ${auc}.`,
    axes(
      frame,
      { scale: x, ticks, name: 'ham flagged, %, log scale' },
      { scale: y, ticks: hundreds, name: 'spam caught, %' },
    ) +
      marks
        .map(({ rate, anchor, shift }) => {
          const place = x(rate);
          return (
            line(place, frame.top, place, frame.bottom, 'mark') +
            label(place + shift, frame.top - 4, percent(rate, rate < 0.01 ? 1 : 0), anchor)
          );
        })
        .join('') +
      curve(points, 'ink') +
      marks.map(({ rate, recall }) => dot(x(rate), y(recall ?? 0), 3.5, 'solid')).join('') +
      dot(x(figures.falsePositiveRate ?? 0), y(figures.recall ?? 0), 5, 'ring') +
      legend([
        { sign: (left, height) => dot(left + 10, height, 3.5, 'solid'), text: 'at 0.5 % and 1 %' },
        { sign: (left, height) => dot(left + 10, height, 5, 'ring'), text: 'threshold 0.5' },
      ]),
    `Caught: ${caught}; ${auc}. The ring is the threshold in use.`,
  );
}

/** The interval that holds the true share of spam in 95 of 100 cases (Wilson 1927). */
function wilson({ rows, spam }: Bin): [number, number] {
  const z = 1.96;
  const share = spam / rows;
  const middle = (share + (z * z) / (2 * rows)) / (1 + (z * z) / rows);
  const half = (z / (1 + (z * z) / rows)) * Math.sqrt((share * (1 - share)) / rows + (z * z) / (4 * rows * rows));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

const tenths: Tick[] = [0, 0.2, 0.4, 0.6, 0.8, 1].map((value) => ({ at: value, label: String(value) }));
const hundreds: Tick[] = tenths.map((tick) => ({ at: tick.at, label: String(Math.round(tick.at * 100)) }));
