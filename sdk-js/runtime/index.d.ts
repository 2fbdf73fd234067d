// Types of what a handler finds: the globals (globals.d.ts), and what it exports and imports. They need no other library than
// ECMAScript's: "lib": ["ES2023"] and "types": ["sluice-js"] in tsconfig.json.

/// <reference path="./globals.d.ts" />

declare global {
  /** What a handler's file exports by default: one of the two levels. */
  type Handler = FetchHandler | EventHandler;

  /** The first level: a request comes to a response. */
  interface FetchHandler<Env = Record<string, string | undefined>> {
    /**
     * Answers a request. What it throws, or a promise that it gives is rejected with, is logged and answered 500; when an
     * answer has begun, the connection is cut so that the peer cannot take it for complete.
     *
     * @param env the environment of the route, frozen
     */
    fetch(request: Request, env: Env, ctx: Context): Response | Promise<Response>;
  }

  /** The second level: what is listened to, by event. See `sluice.on` for the same by calls. */
  interface EventHandler {
    on: { readonly [Type in keyof SluiceEvents]?: (event: SluiceEvents[Type]) => unknown };
  }

  /** What goes with a request besides what the standard's Request has. */
  interface Context {
    /**
     * Has the instance go on with a promise after the answer; a rejection is logged. With `request` isolation the instance is
     * put back into its first state as soon as request and answer are complete, whatever is not done by then.
     */
    waitUntil(promise: Promise<unknown>): void;
    /**
     * Has the exchange take as long as it likes, and CPU time count from one wait to the next: for large bodies. An answer
     * whose body is a stream does so by itself.
     *
     * @throws {SluiceError} `state` when the answer is complete
     */
    stream(): void;
    /**
     * Sends an informational answer ahead of the answer, such as 103 (Early Hints; RFC 9110 section 15.2).
     *
     * @param status 100 to 199, but not 101
     * @throws {SluiceError} `invalid`, `state` when an answer has begun, `closed` when the peer is gone
     */
    sendInformational(status: number, headers?: HeadersInit): void;
    /** Closes the connection once the answer is complete. */
    drain(): void;
  }

  /** What can be heard of a session. All are frozen. */
  interface SluiceEvents {
    /** The start line is complete. */
    LINE_READY: HeadEvent<"LINE_READY">;
    /** The header section is complete. */
    HEADER_READY: HeadEvent<"HEADER_READY">;
    /** A piece of the body. */
    DATA_READY: DataEvent;
    /** The request is complete. Who does not listen to DATA_READY gets the whole body with it. */
    READY: ReadyEvent;
    /** The head of the answer was handed to the operating system. */
    HEADER_DONE: SessionEvent<"HEADER_DONE">;
    /** What `sendData` took was handed to the operating system: there is room again. */
    DATA_DONE: SessionEvent<"DATA_DONE">;
    /** The whole answer was handed to the operating system. */
    DONE: SessionEvent<"DONE">;
    /** The trailer section is complete. */
    TRAILER_READY: TrailerEvent;
    /** The connection has left HTTP: what comes now comes as DATA_READY. */
    UPGRADED: SessionEvent<"UPGRADED">;
    /** The peer, or both sides, will send nothing more. */
    CLOSED: ClosedEvent;
  }

  interface SessionEvent<Type extends keyof SluiceEvents = keyof SluiceEvents> {
    readonly type: Type;
    readonly session: Session;
  }

  interface HeadEvent<Type extends keyof SluiceEvents> extends SessionEvent<Type> {
    readonly head: Head;
  }

  interface DataEvent extends SessionEvent<"DATA_READY"> {
    /** The bytes, never empty. They are the handler's own. */
    readonly content: Uint8Array;
    /** Whether the piece begins, or ends, a chunk of a chunked message. */
    readonly chunkStart: boolean;
    readonly chunkEnd: boolean;
  }

  interface ReadyEvent extends HeadEvent<"READY"> {
    /** The whole body; undefined for who listens to DATA_READY. */
    readonly body?: Uint8Array;
  }

  interface TrailerEvent extends SessionEvent<"TRAILER_READY"> {
    readonly trailer: Fields;
  }

  interface ClosedEvent extends SessionEvent<"CLOSED"> {
    /** After "read", answering is still allowed; "both" is the last event of a session. */
    readonly side: "read" | "both";
    readonly reason: "end" | "truncated" | "reset" | "timeout" | "protocol" | "handler" | "shutdown";
  }

  /** Fields of a section. Names are compared without regard to case and come in lower case. */
  interface Fields extends Iterable<[name: string, value: string]> {
    /** The value, several joined with ", " (RFC 9110 section 5.3), null when there is none. */
    get(name: string): string | null;
  }

  /** The head of a request. It cannot be changed. Look at it before the session is over: it is not kept longer. */
  interface Head {
    readonly method: string;
    /** The target as it was sent. */
    readonly target: string;
    /** 0x0101 is HTTP/1.1. */
    readonly version: number;
    /** The target without scheme, authority and query. Nothing is decoded. */
    readonly path: string;
    /** What stands behind the question mark, null without one. */
    readonly query: string | null;
    /** The first value of a name in the query, decoded; null when there is none. */
    queryVar(name: string): string | null;
    /** A field, several joined with ", ", null when there is none. */
    header(name: string): string | null;
    readonly headers: Fields;
    /** Of a cookie that comes twice, the first (RFC 6265 section 5.4). */
    readonly cookies: ReadonlyMap<string, string>;
  }

  /** One exchange: a request and its answer. */
  interface Session {
    /** A number that is never used twice in an instance. */
    readonly id: number;
    readonly req: SessionRequest;
    readonly resp: SessionResponse;
    /** Has the exchange take as long as it likes, and CPU time count from one wait to the next. */
    stream(): void;
    /** Closes the connection once the answer is complete. */
    drain(): void;
    /** Closes the connection at once: an answer that is not complete is cut. */
    close(): void;
  }

  /** The request's side of a session. */
  interface SessionRequest {
    /** Null before HEADER_READY, or READY for who hears only that. */
    readonly head: Head | null;
    readonly state: "empty" | "message_ready" | "body_ready" | "finished";
    /** Listens in this session alone, to an event that is subscribed to for all. */
    on<Type extends keyof SluiceEvents>(type: Type, listener: (event: SluiceEvents[Type]) => unknown): this;
    /** Has the peer not be read any more until `resume`. */
    pause(): void;
    resume(): void;
    /** Throws the rest of the body away as it comes. */
    discard(): void;
    /** Keeps 100 (Continue) from being sent unasked. When HEADER_READY is heard. */
    holdContinue(): void;
  }

  /** A body that is sent whole: text as UTF-8. */
  type Content = string | Uint8Array | ArrayBuffer;

  /** The answer's side of a session. What is refused throws a {@link SluiceError}. */
  interface SessionResponse {
    readonly state: "empty" | "continue_issued" | "metadata_issued" | "finished";
    /** Listens in this session alone, to an event that is subscribed to for all. */
    on<Type extends keyof SluiceEvents>(type: Type, listener: (event: SluiceEvents[Type]) => unknown): this;
    /** A whole answer. Content-Length and Date are added. */
    send(status?: number, headers?: HeadersInit, body?: Content): void;
    /** A whole answer; a body that is neither text nor bytes is written as JSON. */
    reply(status: number, headers: HeadersInit, body?: unknown): void;
    json(value: unknown, status?: number, headers?: HeadersInit): void;
    html(text: string, status?: number, headers?: HeadersInit): void;
    text(text: string, status?: number, headers?: HeadersInit): void;
    /** The head of an answer whose body follows. Without Content-Length it is sent in chunks. */
    sendHead(status?: number, headers?: HeadersInit): void;
    /** Keeps a head that the first `sendData` or `sendEnd` sends. */
    setHead(status?: number, headers?: HeadersInit): void;
    /** Says whether `sendData` and `sendEnd` send a missing head by themselves; they do unless told otherwise. */
    autoSend(enabled: boolean): void;
    /** A piece of body. False when the peer reads too slowly: nothing was taken, and `writable` says when to go on. */
    sendData(content: Content): boolean;
    sendEnd(): void;
    /** Ends the answer with trailers. */
    sendTrailers(headers: HeadersInit): void;
    /** An informational answer ahead of the answer, such as 103 (Early Hints). */
    sendInformational(status: number, headers?: HeadersInit): void;
    /** Agrees to leave HTTP (RFC 9110 section 7.8). For handlers that listen to UPGRADED. */
    upgrade(headers?: HeadersInit): void;
    /** Resolves when there is room again after `sendData` gave false, and when the session is over. */
    writable(): Promise<void>;
  }
}

/** Says what is listened to, for all sessions, while the module is evaluated. */
export const sluice: {
  on<Type extends keyof SluiceEvents>(type: Type, listener: (event: SluiceEvents[Type]) => unknown): void;
  /** Has events delivered that are listened to by session only. */
  subscribe(...types: (keyof SluiceEvents)[]): void;
};

/** A call that was refused. The message says what to do about it. */
export class SluiceError extends Error {
  readonly errno: "again" | "invalid" | "fault" | "state" | "no_session" | "closed" | "too_big" | "unsupported";
}

/** A part of multipart/form-data (RFC 7578). One with a file name is a file. */
export interface Part<Content> {
  readonly name: string;
  readonly filename: string | null;
  /** The media type: text/plain when none is named, of files application/octet-stream. */
  readonly type: string;
  readonly content: Content;
}

/** The boundary that a Content-Type names; null when it is not multipart/form-data, or names none. */
export function boundaryOf(type: string): string | null;

/**
 * The part of a whole body that begins at or behind an offset in bytes, 0 for the first, and where the next one begins.
 *
 * @throws {TypeError} when the form is broken
 */
export function part(body: Uint8Array, offset: number, boundary: string): { next: number; part: Part<Uint8Array> | null };

/**
 * The parts of a body while it comes in. What is not read of a part's content is passed over when the next one is asked for.
 * The head of a part may have 16 KiB.
 *
 * @throws {TypeError} when the form is broken
 */
export function parts(body: AsyncIterable<Uint8Array>, boundary: string): AsyncIterable<Part<AsyncIterable<Uint8Array>>>;
