// Handlers for Sluice in AssemblyScript.
//
//     import { Request, Response, serve } from "./sdk-as/assembly";
//     export { on_event, receive_buffer, subscriptions } from "./sdk-as/assembly";
//
//     serve((request: Request, response: Response): void => {
//       response.text(200, "You asked for " + request.path + "\n");
//     });
//
// A function is given a request and a response, and reads and writes in the blocking style. What is in abi.ts can be used
// beside it, with `request.session`.
//
// A mistake of the handler is thrown as an Error, which nothing can catch in AssemblyScript: the request is answered 500, or
// its connection cut when an answer has begun, and the log says why and where. That the peer is gone is no mistake: reading
// then comes to an end, and writing says false.
//
// Texts of a head are read and written as the Fetch standard does it, a character for each byte; bodies are UTF-8.

import * as abi from "./abi";

const room = new ArrayBuffer(64 << 10);
const buffer = memory.data(offsetof<abi.ReceiveBuffer>(), 4);

// Called by the host, through the exports of the handler's file.

export function subscriptions(): u32 {
  return abi.Subscriptions.LINE_READY | abi.Subscriptions.HEADER_READY | abi.Subscriptions.DATA_READY |
    abi.Subscriptions.TRAILER_READY | abi.Subscriptions.READY;
}

export function receive_buffer(size: u32): usize {
  const record = changetype<abi.ReceiveBuffer>(buffer);
  record.base = changetype<usize>(room);
  record.size = room.byteLength;
  return size <= record.size ? buffer : 0;
}

/** Calls the handler with the first event of a session, whose payload stays where it is until the handler returns. What was
 * not pulled until then comes here, too. */
export function on_event(session: u32, event: u32, payload: usize, payload_len: u32): void {
  if (event == abi.Event.DATA_READY) abi.discard(session);
  if (event != abi.Event.LINE_READY) return;
  const request = new Request(session, changetype<abi.Line>(payload));
  const response = new Response(request);
  handler(request, response);
  if (!response.complete && !request.gone) {
    throw new Error("the handler returned before its answer was complete: call text, reply or end");
  }
}

let handler: (request: Request, response: Response) => void = (request: Request, response: Response): void => {
  throw new Error("there is no handler: call serve");
};

/** Has a function answer every request. It is called when the head of a request is there, and may wait for the body, and for
 * room for the answer. When it returns the answer must be complete. The rest of a body that was not read is thrown away.
 *
 * It needs an instance with one session at a time (isolation "request" or "connection"). */
export function serve(handle: (request: Request, response: Response) => void): void {
  handler = handle;
}

/** A field of a head or of trailers. */
export class Field {
  constructor(public name: string, public value: string) {}
}

/** A request. */
export class Request {
  /** The peer is gone: there is nobody to answer. */
  gone: bool = false;
  /** The trailers, once the body was read to its end. */
  trailers: Field[] = [];

  private fields: Field[] | null = null;
  private over: bool = false;
  private next: abi.Delivery = changetype<abi.Delivery>(memory.data(offsetof<abi.Delivery>(), 4));

  constructor(
    /** For the functions of abi.ts. */
    readonly session: u32,
    private line: abi.Line,
  ) {}

  /** Case kept. */
  get method(): string {
    return latin1(this.line.method_ptr, this.line.method_len);
  }

  /** As sent. */
  get target(): string {
    return latin1(this.line.target_ptr, this.line.target_len);
  }

  /** The target's, not decoded, without the query. */
  get path(): string {
    const target = this.target;
    const mark = target.indexOf("?");
    return withoutAuthority(mark < 0 ? target : target.substring(0, mark));
  }

  /** What follows the question mark of the target, not decoded; empty when there is none. */
  get query(): string {
    const target = this.target;
    const mark = target.indexOf("?");
    return mark < 0 ? "" : target.substring(mark + 1);
  }

  /** The first variable of the query with a name, decoded. */
  queryVar(name: string): string | null {
    const pairs = this.query.split("&");
    for (let i = 0; i < pairs.length; i++) {
      const equals = pairs[i].indexOf("=");
      const found = equals < 0 ? pairs[i] : pairs[i].substring(0, equals);
      if (pairs[i].length > 0 && decode(found) == name) return equals < 0 ? "" : decode(pairs[i].substring(equals + 1));
    }
    return null;
  }

  /** The fields of the head, in the order in which they were sent. */
  get headers(): Field[] {
    let fields = this.fields;
    if (fields == null) {
      fields = [];
      if (this.pull()) fields = fieldsAt(changetype<abi.Header>(this.next.payload_ptr));
      this.fields = fields;
    }
    return fields;
  }

  /** The value of the first field with a name, whatever its case. */
  header(name: string): string | null {
    const fields = this.headers;
    for (let i = 0; i < fields.length; i++) {
      if (sameName(fields[i].name, name)) return fields[i].value;
    }
    return null;
  }

  /** Waits for the next piece of the body; null at its end, and when the peer is gone. Its bytes are borrowed until the next
   * call. */
  read(): Uint8Array | null {
    this.headers; // they come before the body
    if (this.over || !this.pull()) return null;
    if (this.next.event == abi.Event.DATA_READY) {
      const data = changetype<abi.Data>(this.next.payload_ptr);
      return Uint8Array.wrap(room, <i32>(data.content_ptr - changetype<usize>(room)), data.content_len);
    }
    if (this.next.event == abi.Event.TRAILER_READY) {
      this.trailers = fieldsAt(changetype<abi.Header>(this.next.payload_ptr)); // a trailer is laid out like a header
    }
    this.over = true;
    return null;
  }

  /** Waits for the whole body. */
  body(): Uint8Array {
    let all = new Uint8Array(0);
    let len = 0;
    for (let piece = this.read(); piece != null; piece = this.read()) {
      if (len + piece.length > all.length) {
        const larger = new Uint8Array(max(2 * all.length, len + piece.length));
        larger.set(all);
        all = larger;
      }
      memory.copy(all.dataStart + len, piece.dataStart, piece.length);
      len += piece.length;
    }
    return all.subarray(0, len);
  }

  /** Waits for the whole body, as text. */
  text(): string {
    const all = this.body();
    return String.UTF8.decodeUnsafe(all.dataStart, all.byteLength);
  }

  private pull(): bool {
    if (!this.gone) this.gone = !done(abi.next_event(this.session, changetype<usize>(this.next)), "read");
    return !this.gone;
  }
}

/** A response. Its functions say false when the peer is gone. */
export class Response {
  complete: bool = false;
  private fields: Field[] = [];

  constructor(private request: Request) {}

  /** Sets a field of the head, in place of those with the same name. */
  setHeader(name: string, value: string): void {
    const kept: Field[] = [];
    for (let i = 0; i < this.fields.length; i++) {
      if (!sameName(this.fields[i].name, name)) kept.push(this.fields[i]);
    }
    this.fields = kept;
    this.addHeader(name, value);
  }

  /** Adds a field to the head. */
  addHeader(name: string, value: string): void {
    this.fields.push(new Field(name, value));
  }

  /** Answers at once: a status from 200 to 999, a body. */
  reply(status: u32, body: Uint8Array): bool {
    const fields = new Section(this.fields);
    const session = this.request.session;
    return this.finish(abi.send(session, status, fields.table, fields.length, body.dataStart, body.byteLength), "reply");
  }

  /** Answers with text in UTF-8. */
  text(status: u32, content: string): bool {
    this.setHeader("content-type", "text/plain; charset=utf-8");
    return this.reply(status, Uint8Array.wrap(String.UTF8.encode(content)));
  }

  /** Begins an answer whose body is written in pieces. The head goes out with the first of them, so that a peer that waits for
   * 100 (Continue) is told to go on when its body is read before. */
  begin(status: u32): bool {
    const fields = new Section(this.fields);
    return this.told(abi.set_head(this.request.session, status, fields.table, fields.length), "begin");
  }

  /** Writes a piece of the body and waits for room before. */
  write(piece: Uint8Array): bool {
    const session = this.request.session;
    let error = abi.send_data(session, piece.dataStart, piece.byteLength);
    while (error == abi.Errno.AGAIN && this.told(abi.wait_writable(session), "write")) {
      error = abi.send_data(session, piece.dataStart, piece.byteLength);
    }
    return !this.request.gone && this.told(error, "write");
  }

  /** Ends an answer, with trailers or without. They reach a peer that gets the body in chunks. */
  end(trailers: Field[] = []): bool {
    if (this.request.gone) return false;
    const session = this.request.session;
    if (trailers.length == 0) return this.finish(abi.send_end(session), "end");
    const fields = new Section(trailers);
    return this.finish(abi.send_trailers(session, fields.table, fields.length), "end");
  }

  private finish(error: u32, call: string): bool {
    this.complete = this.told(error, call) || this.complete;
    return !this.request.gone;
  }

  private told(error: u32, call: string): bool {
    if (!done(error, call)) this.request.gone = true;
    return !this.request.gone;
  }
}

/** Whether a call has done what it says; not so when the peer is gone. */
function done(error: u32, call: string): bool {
  if (error == abi.Errno.SUCCESS) return true;
  if (error == abi.Errno.CLOSED) return false;
  throw new Error(call + ": " + advice(error));
}

function advice(error: u32): string {
  switch (error) {
    case abi.Errno.INVALID:
      return "invalid: HTTP does not allow a status, a name, a value or a length";
    case abi.Errno.STATE:
      return "state: too late or too early for this call; an answer has one head, and nothing follows its end";
    case abi.Errno.TOO_BIG:
      return "too_big: larger than what was announced, or than a limit";
    case abi.Errno.UNSUPPORTED:
      return "unsupported: not in an instance that serves many sessions; use isolation \"request\"";
  }
  return "errno " + error.toString();
}

/** Compares names of fields, A to Z like a to z. */
function sameName(a: string, b: string): bool {
  if (a.length != b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (fold(a.charCodeAt(i)) != fold(b.charCodeAt(i))) return false;
  }
  return true;
}

function fold(c: i32): i32 {
  return c >= 0x41 && c <= 0x5a ? c | 0x20 : c;
}

/** Fields as the host reads them. */
class Section {
  private records: StaticArray<u32>;
  private texts: ArrayBuffer;
  readonly length: u32;

  constructor(fields: Field[]) {
    let size = 0;
    for (let i = 0; i < fields.length; i++) size += fields[i].name.length + fields[i].value.length;
    this.length = fields.length;
    this.records = new StaticArray<u32>(fields.length * (offsetof<abi.Field>() / 4));
    this.texts = new ArrayBuffer(size);
    let to = changetype<usize>(this.texts);
    for (let i = 0; i < fields.length; i++) {
      const record = changetype<abi.Field>(this.table + i * offsetof<abi.Field>());
      record.name_ptr = to;
      record.name_len = fields[i].name.length;
      to = storeLatin1(to, fields[i].name);
      record.value_ptr = to;
      record.value_len = fields[i].value.length;
      to = storeLatin1(to, fields[i].value);
    }
  }

  get table(): usize {
    return changetype<usize>(this.records);
  }
}

function fieldsAt(header: abi.Header): Field[] {
  const fields: Field[] = [];
  for (let i: u32 = 0; i < header.fields_len; i++) {
    const record = changetype<abi.Field>(header.fields_ptr + i * offsetof<abi.Field>());
    fields.push(new Field(latin1(record.name_ptr, record.name_len), latin1(record.value_ptr, record.value_len)));
  }
  return fields;
}

/** Reads a text in which every byte is a character. */
function latin1(from: usize, len: u32): string {
  const text = changetype<string>(__new(<usize>len * 2, idof<string>()));
  for (let i: u32 = 0; i < len; i++) store<u16>(changetype<usize>(text) + 2 * i, load<u8>(from + i));
  return text;
}

function storeLatin1(to: usize, text: string): usize {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c > 0xff) throw new RangeError("a field holds the character " + text.charAt(i) + ", which is no byte: encode it");
    store<u8>(to++, c);
  }
  return to;
}

/** The path of a target in absolute form stands behind its authority (RFC 9112 section 3.2.2). */
function withoutAuthority(path: string): string {
  if (path.length == 0) return "/";
  const scheme = path.indexOf("://");
  if (path.charCodeAt(0) == 0x2f || scheme < 0) return path;
  const slash = path.indexOf("/", scheme + 3);
  return slash < 0 ? "/" : path.substring(slash);
}

/** Decodes a part of a query or of a form (application/x-www-form-urlencoded) to UTF-8. A percent sign without two digits
 * stays. */
export function decode(part: string): string {
  const bytes = new Uint8Array(part.length);
  let len = 0;
  for (let i = 0; i < part.length; i++) {
    let c = part.charCodeAt(i);
    const high = c == 0x25 && i + 2 < part.length ? digit(part.charCodeAt(i + 1)) : -1;
    const low = high >= 0 ? digit(part.charCodeAt(i + 2)) : -1;
    if (low >= 0) {
      c = high << 4 | low;
      i += 2;
    } else if (c == 0x2b) {
      c = 0x20;
    }
    bytes[len++] = <u8>c;
  }
  return String.UTF8.decodeUnsafe(bytes.dataStart, len);
}

/** The value of a hexadecimal digit; -1 when it is none. */
function digit(c: i32): i32 {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const letter = (c | 0x20) - 0x61;
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(stream: u32, parts: usize, parts_len: u32, written: usize): u32;

const printed = memory.data(12, 4);

/** Prints a line to the log of the host. */
export function log(line: string): void {
  const text = String.UTF8.encode(line + "\n");
  store<u32>(printed, <u32>changetype<usize>(text));
  store<u32>(printed, text.byteLength, 4);
  fd_write(2, printed, 1, printed + 8); // what the host drops, it tells by itself
}
