// How the evaluation writes its figures; a figure without a meaning is a dash.

/** A share of 1 as per cent, `2.31 %`. */
export function percent(value: number | null, digits = 2): string {
  return value === null ? '–' : `${(value * 100).toFixed(digits)} %`;
}

/** A number with a fixed count of digits. */
export function fraction(value: number | null, digits: number): string {
  return value === null ? '–' : value.toFixed(digits);
}

/** A count, `12,345`. */
export function whole(value: number): string {
  return value.toLocaleString('en');
}

/** A count of rows, in words. */
export function rowsOf(count: number): string {
  return `${whole(count)} ${count === 1 ? 'row' : 'rows'}`;
}

/** A count in little room, by thousands and millions: `123k`. */
export function short(rows: number): string {
  if (rows < 10_000) return String(rows);
  return rows < 1_000_000 ? `${Math.round(rows / 1000)}k` : `${Number((rows / 1_000_000).toPrecision(2))}M`;
}
