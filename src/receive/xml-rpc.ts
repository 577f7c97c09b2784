// XML-RPC on the wire, by the package `xmlrpc` behind caps of ours: its parser alone can be crashed or kept busy by one
// small request. Which methods there are is not this file's business.
import Deserializer from 'xmlrpc/lib/deserializer.js';
import serializer from 'xmlrpc/lib/serializer.js';
import { charsetParameter, decodeText } from '../charset.ts';

/** Faults of the protocol and its transport, by the interoperability codes of Dan Libby's fault code specification. */
export const faultCodes = {
  notWellFormed: -32700,
  unsupportedEncoding: -32701,
  invalidCharacter: -32702,
  invalidRequest: -32600,
  unknownMethod: -32601,
  invalidParameters: -32602,
  internal: -32603,
} as const;

/** A fault to be answered. */
export class Fault extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface MethodCall {
  method: string;
  params: unknown[];
}

const limits = { depth: 32, elements: 2_000 };

/**
 * Reads a method call. The encoding is the byte order mark's, else the XML declaration's, else the Content-Type's, else
 * UTF-8. Structs come as Maps. Throws a Fault for anything else than a method call within the limits.
 */
export function readCall(body: Uint8Array, contentType: string | undefined): MethodCall {
  const text = decode(body, contentType).trimStart();
  if (/<!DOCTYPE|<!ENTITY/i.test(text))
    throw new Fault(faultCodes.notWellFormed, 'a document type declaration is not accepted');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML 1.0 forbids
  if (
    /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]|&#(?:0+|x0+);/iu.test(
      text,
    )
  ) {
    throw new Fault(faultCodes.notWellFormed, 'the request holds a character that XML forbids');
  }
  return new CappedReader().read(text);
}

/** A method's result as a response document. */
export function writeResult(value: unknown): string {
  return withEncoding(serializer.serializeMethodResponse(value));
}

/** A fault as a response document. */
export function writeFault(code: number, message: string): string {
  return withEncoding(serializer.serializeFault({ faultCode: code, faultString: printable(message) }));
}

/** The serializer throws on control characters, which a message may have taken over from a request. */
function printable(message: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to leave out
  return message.toWellFormed().replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '');
}

function withEncoding(xml: string): string {
  return xml.replace(/^<\?xml version="1.0"\?>/, '<?xml version="1.0" encoding="utf-8"?>');
}

function decode(body: Uint8Array, contentType: string | undefined): string {
  const declaration = new TextDecoder('latin1').decode(body.subarray(0, 200));
  const declared = /^\s*(?:\u00EF\u00BB\u00BF)?\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']/.exec(declaration)?.[1];
  if (declared !== undefined && /^utf-?16|^ucs-?[24]|^utf-?32/i.test(declared)) {
    // It could be read byte by byte, so it is not in the encoding that it declares.
    throw new Fault(faultCodes.unsupportedEncoding, `the request declares ${declared} but is not encoded so`);
  }
  const decoded = decodeText(body, declared ?? charsetParameter(contentType));
  if (decoded.ok) return decoded.text;
  if (decoded.reason === 'unknown_charset')
    throw new Fault(faultCodes.unsupportedEncoding, 'the encoding of the request is not supported');
  throw new Fault(faultCodes.invalidCharacter, 'the request holds bytes that its encoding does not have');
}

const wellKnown = new Set(
  'METHODCALL METHODNAME PARAMS PARAM VALUE I4 INT I8 BOOLEAN STRING DOUBLE DATETIME.ISO8601 BASE64 ARRAY DATA STRUCT MEMBER NAME NIL'.split(
    ' ',
  ),
);

/** The package's deserializer, driven in one go, with its tolerances that hide mistakes taken out. */
class CappedReader extends Deserializer {
  readonly #path: string[] = [];
  #elements = 0;
  #outcome: { error: Error | null; params: unknown[] } | null = null;

  read(text: string): MethodCall {
    this.callback = (error, result) => {
      this.#outcome ??= { error: error ?? null, params: result ?? [] };
    };
    this.parser.on('opentag', ({ name }) => this.#open(name));
    this.parser.on('closetag', () => this.#path.pop());
    try {
      this.parser.write(text);
      this.parser.end();
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw new Fault(faultCodes.notWellFormed, 'the request is not well-formed XML');
    }
    const outcome = this.#outcome as { error: Error | null; params: unknown[] } | null;
    if (outcome?.error instanceof Fault) throw outcome.error;
    if (outcome === null || outcome.error !== null) {
      throw new Fault(faultCodes.notWellFormed, 'the request is not a well-formed XML-RPC message');
    }
    const method = this.methodname?.trim() ?? '';
    if (this.type !== 'methodcall' || method === '')
      throw new Fault(faultCodes.invalidRequest, 'the request is not a method call');
    return { method, params: outcome.params };
  }

  #open(written: string): void {
    const extension = /^[A-Z]+:(NIL|I8)$/.exec(written);
    const name = extension?.[1] ?? written;
    this.#path.push(name);
    this.#elements += 1;
    if (this.#path.length > limits.depth)
      throw new Fault(faultCodes.notWellFormed, `the request is nested deeper than ${limits.depth} elements`);
    if (this.#elements > limits.elements)
      throw new Fault(faultCodes.notWellFormed, `the request has more than ${limits.elements} elements`);
    if (!wellKnown.has(name))
      throw new Fault(faultCodes.invalidRequest, `<${written.toLowerCase().slice(0, 50)}> is no element of XML-RPC`);
    const isRoot = this.#path.length === 1;
    if (isRoot !== (name === 'METHODCALL') || (isRoot && this.#elements > 1)) {
      throw new Fault(faultCodes.invalidRequest, 'the request is not one method call');
    }
    if (name === 'METHODNAME' && this.methodname !== null)
      throw new Fault(faultCodes.invalidRequest, 'the request has two method names');
  }

  /** Extension types may come with a prefix, `ex:nil`. */
  override onClosetag(name: string): void {
    super.onClosetag(name.replace(/^[A-Z]+:/, ''));
  }

  override endString(data: string): void {
    // Serendipity names its parameters; their order is what counts.
    if (this.#path.at(-1) === 'NAME' && this.#path.at(-2) === 'PARAM') return;
    super.endString(data);
  }

  override endInt(data: string): void {
    const value = /^\s*[+-]?\d{1,10}\s*$/.test(data) ? Number(data) : Number.NaN;
    if (!Number.isInteger(value) || Math.abs(value) > 2 ** 31) throw new Error('not a 32-bit integer');
    this.push(value);
    this.value = false;
  }

  override endDouble(data: string): void {
    const value = Number(data);
    if (data.trim() === '' || !Number.isFinite(value)) throw new Error('not a double');
    this.push(value);
    this.value = false;
  }

  override endBase64(data: string): void {
    this.push(Buffer.from(data, 'base64'));
    this.value = false;
  }

  override endDateTime(data: string): void {
    this.push(data.trim());
    this.value = false;
  }

  /** A Map, since a plain object would take `__proto__` and `constructor` for its own. */
  override endStruct(): void {
    const mark = this.marks.pop() ?? 0;
    const items = this.stack.slice(mark);
    if (items.length % 2 !== 0) throw new Error('a struct member without a name or a value');
    const struct = new Map<string, unknown>();
    for (let i = 0; i < items.length; i += 2) {
      if (typeof items[i] !== 'string') throw new Error('a struct member without a name');
      struct.set(items[i] as string, items[i + 1]);
    }
    this.stack.splice(mark, this.stack.length - mark, struct);
    this.value = false;
  }
}
