// The figures of a run: how good a list of probabilities with their true labels is. Arithmetic only; it judges nothing.

/** One judged row, in the order of judging. */
export interface Judged {
  probability: number;
  isSpam: boolean;
  /** What the policy did at 0.5. */
  calledSpam: boolean;
}

/** All as fractions of 1; null where a figure has no meaning (no spam, or no ham, in the file). */
export interface Figures {
  rows: number;
  spam: number;
  error: number;
  precision: number | null;
  recall: number | null;
  falsePositiveRate: number | null;
  mcc: number | null;
  auc: number | null;
  /** Expected calibration error over ten bins of equal width. */
  ece: number;
  /** Error among the second half of the rows. */
  lateError: number;
  brier: number;
  /** The most spam caught with at most 0.5 % of the ham above the threshold. */
  recallAtHalfPercentFp: number | null;
}

export function figuresOf(judged: readonly Judged[]): Figures {
  let truePositives = 0;
  let falsePositives = 0;
  let spam = 0;
  let late = 0;
  let brier = 0;
  const half = Math.floor(judged.length / 2);
  judged.forEach((row, i) => {
    if (row.isSpam) spam++;
    if (row.calledSpam && row.isSpam) truePositives++;
    if (row.calledSpam && !row.isSpam) falsePositives++;
    if (row.calledSpam !== row.isSpam && i >= half) late++;
    brier += (row.probability - (row.isSpam ? 1 : 0)) ** 2;
  });
  const rows = judged.length;
  const ham = rows - spam;
  const missed = spam - truePositives;
  const called = truePositives + falsePositives;
  const product = Math.sqrt(called) * Math.sqrt(spam) * Math.sqrt(ham) * Math.sqrt(rows - called);
  return {
    rows,
    spam,
    error: share(missed + falsePositives, rows) ?? 0,
    precision: share(truePositives, called),
    recall: share(truePositives, spam),
    falsePositiveRate: share(falsePositives, ham),
    mcc: share(truePositives * (ham - falsePositives) - falsePositives * missed, product),
    auc: areaUnderCurve(judged),
    ece: calibrationError(judged),
    lateError: share(late, rows - half) ?? 0,
    brier: share(brier, rows) ?? 0,
    recallAtHalfPercentFp: recallAt(judged, 0.005),
  };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

// The chance that a spam row is above a ham row, ties counted half (Mann and Whitney 1947).
function areaUnderCurve(judged: readonly Judged[]): number | null {
  const sorted = [...judged].sort((a, b) => a.probability - b.probability);
  let hamBelow = 0;
  let spam = 0;
  let wins = 0;
  for (let i = 0; i < sorted.length; ) {
    let end = i;
    let tiedSpam = 0;
    while (end < sorted.length && sorted[end]?.probability === sorted[i]?.probability) {
      if (sorted[end]?.isSpam) tiedSpam++;
      end++;
    }
    const tiedHam = end - i - tiedSpam;
    wins += tiedSpam * (hamBelow + tiedHam / 2);
    hamBelow += tiedHam;
    spam += tiedSpam;
    i = end;
  }
  return share(wins, spam * hamBelow);
}

function calibrationError(judged: readonly Judged[]): number {
  const bins = Array.from({ length: 10 }, () => ({ probability: 0, spam: 0 }));
  for (const row of judged) {
    const bin = bins[Math.min(Math.floor(row.probability * 10), 9)];
    if (bin === undefined) continue;
    bin.probability += row.probability;
    if (row.isSpam) bin.spam++;
  }
  let error = 0;
  for (const bin of bins) error += Math.abs(bin.probability - bin.spam);
  return share(error, judged.length) ?? 0;
}

function recallAt(judged: readonly Judged[], falsePositiveRate: number): number | null {
  const sorted = [...judged].sort((a, b) => b.probability - a.probability);
  const spam = judged.filter((row) => row.isSpam).length;
  const allowed = (judged.length - spam) * falsePositiveRate;
  let caught = 0;
  let wrong = 0;
  let best = 0;
  for (let i = 0; i < sorted.length; i++) {
    if (sorted[i]?.isSpam) caught++;
    else wrong++;
    const atEnd = sorted[i + 1]?.probability !== sorted[i]?.probability;
    if (wrong > allowed) break;
    if (atEnd) best = caught;
  }
  return share(best, spam);
}
