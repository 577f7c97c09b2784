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
  if (forbidden.test(text) || refersToForbidden(text))
    throw new Fault(faultCodes.notWellFormed, 'the request holds a character that XML forbids');
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
  return message.replace(new RegExp(forbidden, 'gu'), '');
}

/** Characters that XML 1.0 forbids (section 2.2), written out or referred to. */
const forbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\p{Surrogate}\ufffe\uffff]/u;

/** Whether a text refers to such a character: at `&#x110000;` the parser sax crashes before 1.6, and `&#xD800;` it lets through. */
function refersToForbidden(text: string): boolean {
  for (const [, hexadecimal, decimal] of text.matchAll(/&#(?:x([\da-f]+)|(\d+));/gi)) {
    const code = hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
    if (code > 0x10ffff || forbidden.test(String.fromCodePoint(code))) return true;
  }
  return false;
}

function withEncoding(xml: string): string {
  return xml.replace(/^<\?xml version="1.0"\?>/, '<?xml version="1.0" encoding="utf-8"?>');
}

function decode(body: Uint8Array, contentType: string | undefined): string {
  const declaration = new TextDecoder('latin1').decode(body.subarray(0, 200));
  const declared = /^\s*(?:\u00EF\u00BB\u00BF)?\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']/.exec(declaration)?.[1];
  const label = declared ?? charsetParameter(contentType);
  if (label !== undefined && /^utf-?16|^ucs-?2/i.test(label) && !body.includes(0)) {
    // ASCII in UTF-16 is every other byte a zero.
    throw new Fault(faultCodes.unsupportedEncoding, `the request is not encoded in ${label}, as it declares`);
  }
  const decoded = decodeText(body, label);
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

  read(text: string): MethodCall {
    // Otherwise tags that do not match are closed, or taken for text, without a word.
    this.parser._parser.strict = true;
    let params: unknown[] = [];
    this.callback = (error, result) => {
      // Thrown, since the parser would go on to the next of perhaps thousands of errors.
      if (error) throw error;
      params = result ?? [];
    };
    try {
      this.parser.write(text);
      this.parser.end();
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw new Fault(faultCodes.notWellFormed, 'the request is not well-formed XML');
    }
    const method = this.methodname?.trim() ?? '';
    if (this.type !== 'methodcall' || method === '')
      throw new Fault(faultCodes.invalidRequest, 'the request is not a method call');
    return { method, params };
  }

  override onOpentag(tag: { name: string }): void {
    const name = elementOf(tag.name);
    this.#path.push(name);
    this.#elements += 1;
    if (this.#path.length > limits.depth)
      throw new Fault(faultCodes.notWellFormed, `the request is nested deeper than ${limits.depth} elements`);
    if (this.#elements > limits.elements)
      throw new Fault(faultCodes.notWellFormed, `the request has more than ${limits.elements} elements`);
    if (!wellKnown.has(name))
      throw new Fault(faultCodes.invalidRequest, `<${tag.name.slice(0, 50)}> is no element of XML-RPC`);
    const isRoot = this.#path.length === 1;
    if (isRoot !== (name === 'METHODCALL') || (isRoot && this.#elements > 1))
      throw new Fault(faultCodes.invalidRequest, 'the request is not one method call');
    if (name === 'METHODNAME' && this.methodname !== null)
      throw new Fault(faultCodes.invalidRequest, 'the request has two method names');
    super.onOpentag({ name });
  }

  override onClosetag(name: string): void {
    super.onClosetag(elementOf(name));
    this.#path.pop();
  }

  #take(value: unknown): void {
    this.push(value);
    this.value = false;
  }

  override endString(data: string): void {
    // Serendipity names its parameters; their order is what counts.
    if (this.#path.at(-1) === 'NAME' && this.#path.at(-2) === 'PARAM') return;
    super.endString(data);
  }

  override endInt(data: string): void {
    const value = /^\s*[+-]?\d{1,10}\s*$/.test(data) ? Number(data) : Number.NaN;
    if (!Number.isInteger(value) || Math.abs(value) > 2 ** 31) throw badValue('a 32-bit integer');
    this.#take(value);
  }

  /** Not a number, which would lose digits, and not a string, which it would pass for where one is needed. */
  override endI8(data: string): void {
    if (!/^\s*[+-]?\d{1,19}\s*$/.test(data)) throw badValue('a 64-bit integer');
    this.#take(BigInt(data.trim().replace('+', '')));
  }

  override endBoolean(data: string): void {
    if (!/^\s*[01]\s*$/.test(data)) throw badValue('a boolean, 0 or 1');
    this.#take(data.trim() === '1');
  }

  override endDouble(data: string): void {
    const value = Number(data);
    if (data.trim() === '' || !Number.isFinite(value)) throw badValue('a double');
    this.#take(value);
  }

  override endBase64(data: string): void {
    this.#take(Buffer.from(data, 'base64'));
  }

  /** As it is written: without a zone it is no time that a Date could hold. */
  override endDateTime(data: string): void {
    this.#take({ dateTime: data.trim() });
  }

  /** A Map, since a plain object would take `__proto__` and `constructor` for its own. */
  override endStruct(): void {
    const mark = this.marks.pop() ?? 0;
    const items = this.stack.slice(mark);
    if (items.length % 2 !== 0) throw badValue('a struct of names and values');
    const struct = new Map<string, unknown>();
    for (let i = 0; i < items.length; i += 2) {
      if (typeof items[i] !== 'string') throw badValue('a struct of names and values');
      struct.set(items[i] as string, items[i + 1]);
    }
    this.stack.splice(mark, this.stack.length - mark, struct);
    this.value = false;
  }
}

/** The name by which the package knows an element; extension types may come with a prefix, `ex:nil`. */
function elementOf(written: string): string {
  return written.toUpperCase().replace(/^[A-Z]+:(?=(NIL|I8)$)/, '');
}

function badValue(wanted: string): Fault {
  return new Fault(faultCodes.invalidRequest, `a value of the request is not ${wanted}`);
}
