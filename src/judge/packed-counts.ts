// The stored form of a model's counts: differences of sorted features and counts as varints, under brotli. It knows nothing
// of databases, and of a model only its counts.
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import type { CountsSnapshot } from './counts.ts';
import { readVarints, writeVarints } from './varint.ts';

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

/** Bytes of counts that are read back at most: some twenty million features, more than a site can have. */
const mostBytes = 256 * 1024 * 1024;

/** What is stored, in this order: totals, the features, and a column of counts each. */
const totals = ['hamDocuments', 'spamDocuments', 'hamDocumentsSurprise', 'spamDocumentsSurprise'] as const;
const columns = ['ham', 'spam', 'hamSurprise', 'spamSurprise'] as const;
const TOTALS = totals.length;

/** The counts as bytes. */
export async function packCounts(counts: CountsSnapshot): Promise<Uint8Array> {
  const { features } = counts;
  const numbers = new Uint32Array(TOTALS + (1 + columns.length) * features.length);
  numbers.set(totals.map((name) => counts[name]));
  numbers.set(
    features.map((feature, index) => feature - (features[index - 1] ?? 0)),
    TOTALS,
  );
  columns.forEach((name, i) => {
    numbers.set(counts[name], TOTALS + (i + 1) * features.length);
  });
  // A higher quality costs ten times the time for a tenth of the bytes.
  return compress(writeVarints(numbers), { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
}

/** The counts in `bytes`. Throws a RangeError on bytes that are none. */
export async function unpackCounts(bytes: Uint8Array): Promise<CountsSnapshot> {
  const unpacked = await decompress(bytes, { maxOutputLength: mostBytes }).catch((error: unknown) => {
    throw new RangeError('a snapshot cannot be decompressed', { cause: error });
  });
  const numbers = readVarints(unpacked);
  const size = (numbers.length - TOTALS) / (1 + columns.length);
  if (!Number.isInteger(size) || size < 0) throw new RangeError('a snapshot is not made of lists of one length');
  const features = numbers.slice(TOTALS, TOTALS + size);
  let last = 0;
  for (let i = 0; i < size; i++) {
    const difference = features[i] as number;
    last += difference;
    if (difference === 0 || last > 0xffffffff) throw new RangeError("a snapshot's features are not a sorted list");
    features[i] = last;
  }
  const column = (name: (typeof columns)[number]) => {
    const from = TOTALS + (columns.indexOf(name) + 1) * size;
    return numbers.slice(from, from + size);
  };
  const total = (name: (typeof totals)[number]) => numbers[totals.indexOf(name)] as number;
  return {
    features,
    ham: column('ham'),
    spam: column('spam'),
    hamSurprise: column('hamSurprise'),
    spamSurprise: column('spamSurprise'),
    hamDocuments: total('hamDocuments'),
    spamDocuments: total('spamDocuments'),
    hamDocumentsSurprise: total('hamDocumentsSurprise'),
    spamDocumentsSurprise: total('spamDocumentsSurprise'),
  };
}
