// What the engine module offers to the runtime: the border between engine/, which is WebAssembly, and runtime/, which is
// JavaScript. The object is the global `__sluice` while the runtime is evaluated; the runtime keeps it and deletes the global.
//
// Every call but those that say otherwise gives back an errno of ../abi.js. A wrong type of argument throws a TypeError, and so
// does what needs the host while the handler is built: everything that takes a session, `random`, `environ`, Math.random.
//
// Stacks name the author's files and lines as they are: the build rewrites the positions in the compiled code. Files of the
// runtime are named "sluice:NAME.js". Besides ECMAScript there are atob, btoa, queueMicrotask and DOMException.

/** A session handle, as in the ABI. */
type Session = number;
/** The head of a request, kept by the engine from HEADER_READY (or READY with a whole message) until `freeHead`. Never 0. */
type Head = number;
/** Names and values in turn. Each character is one byte (a ByteString of WebIDL); above U+00FF a TypeError is thrown. */
type FlatFields = string[];
/** Strings are sent as UTF-8. */
type Bytes = string | Uint8Array | ArrayBuffer | undefined;

export interface Natives {
  send(session: Session, status: number, fields: FlatFields, body: Bytes): number;
  sendHead(session: Session, status: number, fields: FlatFields): number;
  setHead(session: Session, status: number, fields: FlatFields): number;
  autoSend(session: Session, enabled: boolean): number;
  sendData(session: Session, content: Bytes): number;
  sendEnd(session: Session): number;
  sendTrailers(session: Session, fields: FlatFields): number;
  sendInformational(session: Session, status: number, fields: FlatFields): number;
  upgrade(session: Session, fields: FlatFields): number;
  holdContinue(session: Session): number;
  pause(session: Session): number;
  resume(session: Session): number;
  discard(session: Session): number;
  stream(session: Session): number;
  drain(session: Session): number;
  close(session: Session): number;
  /** The state as the ABI numbers it, or -1 when there is no such session. */
  readState(session: Session): number;
  writeState(session: Session): number;

  /** Parts of a kept head. Bytes become characters one to one. */
  method(head: Head): string;
  target(head: Head): string;
  version(head: Head): number;
  /** The value of a field, several joined with ", ", null when there is none. The name is compared without regard to case. */
  field(head: Head, name: string): string | null;
  /** All fields: names in lower case and values in turn. */
  fields(head: Head): FlatFields;
  freeHead(head: Head): void;

  /**
   * The own enumerable properties of an object as fields, names in lower case, when they can be sent as they are: tokens, and
   * strings without anything around them. Undefined for any other object, which has to be looked at more closely.
   */
  plainFields(init: object): FlatFields | undefined;
  /** What a promise is fulfilled with; undefined for one that is not, and for what is no promise. */
  fulfilled(promise: unknown): unknown;
  /** UTF-8, with the replacement character for what is none; a byte order mark stays. */
  decode(bytes: Uint8Array): string;
  encode(text: string): Uint8Array;
  /** Fills with random bytes of the host (WASI's random_get). */
  random(bytes: Uint8Array): void;
  /** Takes whole blocks of 64 bytes into a hash value of SHA-256, 32 bytes (FIPS 180-4 section 6.2.2); at build time, too. */
  sha256(state: Uint8Array, blocks: Uint8Array): void;
  /** Nanoseconds of the monotonic clock since some moment, as a number of milliseconds; 0 while the handler is built. */
  monotonic(): number;
  /** The environment of the route: names and values in turn (WASI's environ_get), decoded from UTF-8. */
  environ(): string[];
  /** Prints lines: 1 standard output, 2 standard error. Both go to the host's log. */
  print(stream: 1 | 2, text: string): void;

  /**
   * Says what hears events. Called once, while the module is built. `mask` is what `subscriptions` exports. The listener is
   * called for every event:
   *
   * - LINE_READY and HEADER_READY are one call, with HEADER_READY: `payload` is a Head. The engine subscribes to both when the
   *   mask has header_ready.
   * - DATA_READY: `payload` is a Uint8Array of its own, `extra` the flags.
   * - READY: `payload` is undefined; without data_ready in the mask it is a Head, and `extra` the whole body as a Uint8Array.
   * - TRAILER_READY: `payload` is a FlatFields.
   * - CLOSED: `payload` is the side, `extra` the reason.
   * - others: undefined.
   *
   * After it returns, the engine runs the queue of jobs until it is empty. A listener that throws has failed: the engine prints
   * the error and traps.
   */
  listen(mask: number, listener: (event: number, session: Session, payload: unknown, extra: unknown) => void): void;
  /**
   * Has a function called once by `_initialize` of the built module, before the host takes the image that requests begin with.
   * What it reads of the host (the environment) so costs nothing for each request.
   */
  started(callback: () => void): void;
  /** What is called with every rejection that nobody handles, once the queue of jobs is empty. */
  rejected(report: (reason: unknown) => void): void;
}
