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

/** The counts as bytes. */
export async function packCounts({
  features,
  ham,
  spam,
  hamDocuments,
  spamDocuments,
}: CountsSnapshot): Promise<Uint8Array> {
  const numbers = new Uint32Array(2 + 3 * features.length);
  numbers[0] = hamDocuments;
  numbers[1] = spamDocuments;
  numbers.set(
    features.map((feature, index) => feature - (features[index - 1] ?? 0)),
    2,
  );
  numbers.set(ham, 2 + features.length);
  numbers.set(spam, 2 + 2 * features.length);
  // A higher quality costs ten times the time for a tenth of the bytes.
  return compress(writeVarints(numbers), { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
}

/** The counts in `bytes`. Throws a RangeError on bytes that are none. */
export async function unpackCounts(bytes: Uint8Array): Promise<CountsSnapshot> {
  const unpacked = await decompress(bytes, { maxOutputLength: mostBytes }).catch((error: unknown) => {
    throw new RangeError('a snapshot cannot be decompressed', { cause: error });
  });
  const numbers = readVarints(unpacked);
  const size = (numbers.length - 2) / 3;
  if (!Number.isInteger(size) || size < 0) throw new RangeError('a snapshot is not made of three lists');
  const features = numbers.slice(2, 2 + size);
  let last = 0;
  for (let i = 0; i < size; i++) {
    const difference = features[i] as number;
    last += difference;
    if (difference === 0 || last > 0xffffffff) throw new RangeError("a snapshot's features are not a sorted list");
    features[i] = last;
  }
  return {
    features,
    ham: numbers.slice(2 + size, 2 + 2 * size),
    spam: numbers.slice(2 + 2 * size),
    hamDocuments: numbers[0] as number,
    spamDocuments: numbers[1] as number,
  };
}
