// The file format of the starter model that ships with the code: hashed counts and tuning, compressed. Training is in
// starter-training.ts; reading the file from disk is the caller's.

import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { Counts } from './counts.ts';
import { BUCKET_BITS } from './feature-set.ts';
import { FEATURES_VERSION } from './features.ts';
import { packLesson, unpackLesson } from './lesson.ts';
import type { Starter } from './model.ts';
import type { Tuning } from './tuning.ts';
import { readVarints, writeVarints } from './varint.ts';

export type { Starter } from './model.ts';

/** The starter as bytes: a header as JSON, then features as differences, ham and spam counts, all under brotli. */
export function encodeStarter(starter: Starter): Uint8Array {
  const { features, ham, spam, hamDocuments, spamDocuments } = starter.counts.snapshot();
  const header: Header = {
    format: FORMAT,
    featuresVersion: FEATURES_VERSION,
    bucketBits: BUCKET_BITS,
    hamDocuments,
    spamDocuments,
    tuning: starter.tuning,
  };
  const parts = [
    new TextEncoder().encode(JSON.stringify(header)),
    packLesson(features),
    writeVarints(ham),
    writeVarints(spam),
  ];
  const bytes = Buffer.concat(parts.flatMap((part) => [lengthOf(part), part]));
  const options = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
  return new Uint8Array(brotliCompressSync(bytes, { params: options }));
}

/** The starter in `bytes`. Throws an Error that says so when it is not one, or of other features than this code's. */
export function decodeStarter(bytes: Uint8Array): Starter {
  const parts = split(decompress(bytes));
  const header = JSON.parse(new TextDecoder().decode(parts[0])) as Header;
  if (header.format !== FORMAT) throw new Error('not a starter model');
  if (header.featuresVersion !== FEATURES_VERSION || header.bucketBits !== BUCKET_BITS) {
    throw new Error(
      `the starter model has features version ${header.featuresVersion}, this code ${FEATURES_VERSION}: train it again`,
    );
  }
  const { hamDocuments, spamDocuments, tuning } = header;
  const features = unpackLesson(parts[1] as Uint8Array);
  const ham = countsOf(parts[2] as Uint8Array, features.length);
  const spam = countsOf(parts[3] as Uint8Array, features.length);
  const none = new Uint32Array(features.length);
  const counts = Counts.from({
    features,
    ham,
    spam,
    hamSurprise: none,
    spamSurprise: none,
    hamDocuments,
    spamDocuments,
    hamDocumentsSurprise: 0,
    spamDocumentsSurprise: 0,
  });
  return { counts, tuning };
}

const FORMAT = 'backtalk starter';

interface Header {
  format: string;
  featuresVersion: number;
  bucketBits: number;
  hamDocuments: number;
  spamDocuments: number;
  tuning: Tuning;
}

function decompress(bytes: Uint8Array): Uint8Array {
  try {
    return brotliDecompressSync(bytes, { maxOutputLength: 64 * 1024 * 1024 });
  } catch (error) {
    throw new Error('not a starter model', { cause: error });
  }
}

function split(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let at = 0;
  while (parts.length < 4) {
    const end = at + 4 > bytes.length ? Number.POSITIVE_INFINITY : at + 4 + view.getUint32(at);
    if (end > bytes.length) throw new Error('not a starter model: it ends early');
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return parts;
}

function lengthOf(part: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, part.length);
  return bytes;
}

function countsOf(part: Uint8Array, features: number): Uint32Array {
  const counts = readVarints(part);
  if (counts.length !== features) throw new Error('not a starter model: its lists differ in length');
  return counts;
}
