// The figures of a run: how good a list of probabilities with their true labels is. Arithmetic only; it judges nothing.

/** One judged row, in the order of judging. */
export interface Judged {
  probability: number;
  isSpam: boolean;
  /** What the policy did at 0.5. */
  calledSpam: boolean;
}

/** All as fractions of 1; null where a figure has no meaning (no rows, no spam, or no ham, in the file). */
export interface Figures {
  rows: number;
  spam: number;
  error: number | null;
  precision: number | null;
  recall: number | null;
  falsePositiveRate: number | null;
  mcc: number | null;
  auc: number | null;
  /** Expected calibration error over ten bins of equal width. */
  ece: number | null;
  /** Error among the rows after the first tenth: what is left once the first lessons are learned. */
  lateError: number | null;
  brier: number | null;
  /** The most spam caught with at most 0.5 % of the ham above the threshold. */
  recallAtHalfPercentFp: number | null;
  /** The same with at most 1 %. */
  recallAtOnePercentFp: number | null;
}

export function figuresOf(judged: readonly Judged[]): Figures {
  let truePositives = 0;
  let falsePositives = 0;
  let spam = 0;
  let late = 0;
  let brier = 0;
  const early = earlyRows(judged.length);
  judged.forEach((row, i) => {
    if (row.isSpam) spam++;
    if (row.calledSpam && row.isSpam) truePositives++;
    if (row.calledSpam && !row.isSpam) falsePositives++;
    if (row.calledSpam !== row.isSpam && i >= early) late++;
    brier += (row.probability - (row.isSpam ? 1 : 0)) ** 2;
  });
  const rows = judged.length;
  const ham = rows - spam;
  const missed = spam - truePositives;
  const called = truePositives + falsePositives;
  const product = Math.sqrt(called) * Math.sqrt(spam) * Math.sqrt(ham) * Math.sqrt(rows - called);
  const curve = rocOf(judged);
  return {
    rows,
    spam,
    error: share(missed + falsePositives, rows),
    precision: share(truePositives, called),
    recall: share(truePositives, spam),
    falsePositiveRate: share(falsePositives, ham),
    mcc: share(truePositives * (ham - falsePositives) - falsePositives * missed, product),
    auc: share(areaUnder(curve), spam * ham),
    ece: calibrationError(judged),
    lateError: share(late, rows - early),
    brier: share(brier, rows),
    recallAtHalfPercentFp: recallAt(curve, 0.005),
    recallAtOnePercentFp: recallAt(curve, 0.01),
  };
}

/** How many of so many rows are not counted as late: the first tenth. */
export function earlyRows(rows: number): number {
  return Math.floor(rows / 10);
}

/** What a threshold does: the spam and the ham at or above it. */
export interface RocPoint {
  spam: number;
  ham: number;
}

/** The points of the ROC curve, from a threshold above everything down to one below: one for each probability given. */
export function rocOf(judged: readonly Judged[]): RocPoint[] {
  const sorted = [...judged].sort((a, b) => b.probability - a.probability);
  const points: RocPoint[] = [{ spam: 0, ham: 0 }];
  let spam = 0;
  let ham = 0;
  sorted.forEach((row, i) => {
    if (row.isSpam) spam++;
    else ham++;
    if (sorted[i + 1]?.probability !== row.probability) points.push({ spam, ham });
  });
  return points;
}

/** The rows whose probability lies in one bin; `probability` is the sum of theirs. */
export interface Bin {
  rows: number;
  spam: number;
  probability: number;
}

/** The rows in `count` bins of equal width, from probability 0 to 1; 1 itself is in the last. */
export function binsOf(judged: readonly Judged[], count: number): Bin[] {
  const bins = Array.from({ length: count }, (): Bin => ({ rows: 0, spam: 0, probability: 0 }));
  for (const row of judged) {
    const bin = bins[Math.min(Math.floor(row.probability * count), count - 1)] as Bin;
    bin.rows++;
    bin.probability += row.probability;
    if (row.isSpam) bin.spam++;
  }
  return bins;
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

// In pairs of one spam and one ham: those with the spam above, ties counted half (Mann and Whitney 1947).
function areaUnder(curve: readonly RocPoint[]): number {
  let area = 0;
  let last: RocPoint = { spam: 0, ham: 0 };
  for (const point of curve) {
    area += ((point.ham - last.ham) * (point.spam + last.spam)) / 2;
    last = point;
  }
  return area;
}

function calibrationError(judged: readonly Judged[]): number | null {
  let error = 0;
  for (const bin of binsOf(judged, 10)) error += Math.abs(bin.probability - bin.spam);
  return share(error, judged.length);
}

function recallAt(curve: readonly RocPoint[], falsePositiveRate: number): number | null {
  const all = curve.at(-1) as RocPoint;
  if (all.ham === 0) return null;
  const best = curve.findLast((point) => point.ham / all.ham <= falsePositiveRate) as RocPoint;
  return share(best.spam, all.spam);
}
