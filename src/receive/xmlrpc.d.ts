// The parts of `xmlrpc` that xml-rpc.ts drives; the package has no types of its own.
declare module 'xmlrpc/lib/deserializer.js' {
  export default class Deserializer {
    type: string | null;
    methodname: string | null;
    stack: unknown[];
    marks: number[];
    value: boolean;
    callback: (error: Error | null | undefined, result?: unknown[]) => void;
    parser: {
      write(text: string): boolean;
      end(): void;
      /** The parser of the package sax, below the stream. */
      _parser: { strict: boolean };
    };
    onOpentag(tag: { name: string }): void;
    onClosetag(name: string): void;
    push(value: unknown): void;
    endString(data: string): void;
    endInt(data: string): void;
    endI8(data: string): void;
    endBoolean(data: string): void;
    endDouble(data: string): void;
    endBase64(data: string): void;
    endDateTime(data: string): void;
    endStruct(data: string): void;
  }
}
declare module 'xmlrpc/lib/serializer.js' {
  const serializer: {
    serializeMethodResponse(value: unknown): string;
    serializeFault(fault: { faultCode: number; faultString: string }): string;
  };
  export default serializer;
}
