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
      on(event: 'opentag', hear: (tag: { name: string }) => void): void;
      on(event: 'closetag', hear: (name: string) => void): void;
    };
    onClosetag(name: string): void;
    push(value: unknown): void;
    endString(data: string): void;
    endInt(data: string): void;
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
