// What the charts of the report share: a frame with axes, scales, and SVG as text. It knows nothing of judging.

import { escapeHtml } from '../../text.ts';

/** Turns a value into a place in the picture. */
export type Scale = (value: number) => number;

/** Where in the picture a chart's data stand, in units of the picture. */
export interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** The picture's width; a phone shows it at about this many pixels, so that its small print stays readable. */
export const WIDTH = 400;
export const HEIGHT = 300;

/** The place of the data, unless a chart needs another. */
export const frame: Box = { left: 46, right: 386, top: 34, bottom: 256 };

export interface Tick {
  at: number;
  label: string;
}

/** A scale that maps `from` to `start` and `to` to `end`. */
export function linear(from: number, to: number, start: number, end: number): Scale {
  return (value) => start + ((value - from) / (to - from)) * (end - start);
}

/** A number as SVG takes it: a hundredth of a unit is nothing that anybody sees. */
export function at(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** An element; attribute values are ours, `text` is escaped. */
export function label(x: number, y: number, text: string, kind: string): string {
  return `<text x="${at(x)}" y="${at(y)}" class="${kind}">${escapeHtml(text)}</text>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, kind: string): string {
  return `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" class="${kind}"/>`;
}

export function rectangle(x: number, y: number, width: number, height: number, kind: string): string {
  return `<rect x="${at(x)}" y="${at(y)}" width="${at(width)}" height="${at(height)}" class="${kind}"/>`;
}

export function dot(x: number, y: number, radius: number, kind: string): string {
  return `<circle cx="${at(x)}" cy="${at(y)}" r="${radius}" class="${kind}"/>`;
}

/** A line through points; one point alone is a round dot. */
export function curve(points: readonly (readonly [number, number])[], kind: string): string {
  const all = points.length === 1 ? [...points, ...points] : points;
  return `<polyline points="${all.map(([x, y]) => `${at(x)},${at(y)}`).join(' ')}" class="curve ${kind}"/>`;
}

/** The axes of a box with their grid, and the axes' names. */
export function axes(
  box: Box,
  x: { scale: Scale; ticks: readonly Tick[]; name: string },
  y: { scale: Scale; ticks: readonly Tick[]; name: string },
): string {
  const parts: string[] = [];
  for (const tick of y.ticks) {
    const height = y.scale(tick.at);
    parts.push(line(box.left, height, box.right, height, 'grid'), label(box.left - 6, height + 3.5, tick.label, 'end'));
  }
  for (const tick of x.ticks) {
    const place = x.scale(tick.at);
    parts.push(
      line(place, box.bottom, place, box.bottom + 4, 'axis'),
      label(place, box.bottom + 16, tick.label, 'mid'),
    );
  }
  const middle = (box.top + box.bottom) / 2;
  parts.push(
    line(box.left, box.bottom, box.right, box.bottom, 'axis'),
    label((box.left + box.right) / 2, box.bottom + 34, x.name, 'mid name'),
    `<text transform="translate(11 ${at(middle)}) rotate(-90)" class="mid name">${escapeHtml(y.name)}</text>`,
  );
  return parts.join('');
}

/** At most five round ticks from 0 on. `most` is above 0; the last tick is no less. */
export function roundTicks(most: number, format: (value: number) => string): Tick[] {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((times) => times * power >= rough) ?? 10) * power;
  const count = Math.ceil(most / step);
  return Array.from({ length: count + 1 }, (_, i) => ({ at: i * step, label: format(i * step) }));
}

/** What the signs of a chart mean, in a row above it. */
export function legend(entries: readonly { sign: (x: number, y: number) => string; text: string }[]): string {
  const parts: string[] = [];
  let x = frame.left;
  for (const { sign, text } of entries) {
    parts.push(sign(x, 12), label(x + 24, 16, text, 'start'));
    // About the width of a letter at the size of the small print.
    x += 24 + text.length * 5.6 + 16;
  }
  return parts.join('');
}

/** A piece of a line as a legend's sign. */
export const lineSign = (kind: string) => (x: number, y: number) => line(x, y, x + 18, y, `curve ${kind}`);

/** A swatch as a legend's sign. */
export const swatch = (kind: string) => (x: number, y: number) => rectangle(x + 4, y - 5, 12, 10, kind);

/** A figure with its picture and caption. `caption` and `summary`, which is read out for the picture, are plain text. */
export function figure(id: string, title: string, summary: string, picture: string, caption: string): string {
  return `<figure id="${id}">
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-desc"><title id="${id}-title">${escapeHtml(title)}</title><desc id="${id}-desc">${escapeHtml(summary)}</desc>${picture}</svg>
<figcaption><b>${escapeHtml(title)}.</b> ${escapeHtml(caption)}</figcaption>
</figure>`;
}
