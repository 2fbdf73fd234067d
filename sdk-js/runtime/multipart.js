// multipart/form-data (RFC 7578, RFC 2046 section 5.1), part by part: of a whole body, and of one that still comes in.

import { natives } from "./natives.js";

/** The boundary that a Content-Type names; null when it is not multipart/form-data or names none. */
export function boundaryOf(type) {
  if (!/^multipart\/form-data\s*(;|$)/i.test(type)) return null;
  const found = /;\s*boundary=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i.exec(type);
  if (found === null) return null;
  const boundary = found[1] === undefined ? found[2] : found[1].replace(/\\(.)/g, "$1");
  return boundary.length >= 1 && boundary.length <= 70 ? boundary : null;
}

/**
 * The part of a whole body that begins at or behind an offset in bytes, and where the next one begins. `part` is null behind
 * the last. It throws a TypeError for what is broken.
 */
export function part(body, offset, boundary) {
  const start = indexOf(body, natives.encode(`--${boundary}`), offset);
  if (start < 0) throw new TypeError("the form is broken: there is no end to it");
  const head = start + boundary.length + 2;
  if (body[head] === dash && body[head + 1] === dash) return { next: body.length, part: null };
  const line = indexOf(body, crlf, head);
  const headers = indexOf(body, blank, line);
  const end = headers < 0 ? -1 : indexOf(body, natives.encode(`\r\n--${boundary}`), headers + 2);
  if (line < 0 || end < 0) throw new TypeError("the form is broken: a part of it does not end");
  const described = describe(natives.decode(body.subarray(line + 2, headers)));
  return {
    next: end + 2,
    part: { ...described, content: body.subarray(headers + blank.length, Math.max(end, headers + blank.length)) },
  };
}

// What the head of a part may take, in bytes: nothing is kept without bound.
const mostHead = 16 << 10;

/**
 * The parts of a body while it comes in, from anything that gives Uint8Array. Each part has `content`, an async iterable of
 * its pieces; what is not read of it is passed over. It throws a TypeError for what is broken.
 */
export async function* parts(source, boundary) {
  const reader = new Window(source);
  const delimiter = natives.encode(`\r\n--${boundary}`);
  // The first delimiter may lack the line end in front of it.
  reader.prepend(crlf);
  for await (const _ of reader.until(delimiter)); // a preamble says nothing
  for (;;) {
    if (await reader.closes()) return;
    const described = describe(await reader.head());
    reader.inside = true;
    yield { ...described, content: reader.until(delimiter) };
    if (reader.inside) for await (const _ of reader.until(delimiter)); // what the handler did not read
  }
}

const dash = 0x2d;
const crlf = Uint8Array.of(13, 10);
const blank = Uint8Array.of(13, 10, 13, 10);

/** Bytes of a source that are looked at: those behind the last delimiter that was found. */
class Window {
  constructor(source) {
    this._source = source[Symbol.asyncIterator]();
    this._bytes = new Uint8Array(0);
    this.inside = true; // whether the delimiter is still to come
  }

  prepend(bytes) {
    this._bytes = bytes;
  }

  /** Gives what lies in front of a delimiter, and goes behind it. */
  async *until(delimiter) {
    while (this.inside) {
      const at = indexOf(this._bytes, delimiter, 0);
      if (at >= 0) {
        const piece = this._bytes.subarray(0, at);
        this._bytes = this._bytes.subarray(at + delimiter.length);
        this.inside = false;
        if (piece.length > 0) yield piece;
        return;
      }
      // A delimiter may begin in the last bytes.
      const sure = this._bytes.length - delimiter.length + 1;
      if (sure > 0) {
        const piece = this._bytes.subarray(0, sure);
        this._bytes = this._bytes.subarray(sure);
        yield piece;
      }
      await this._more();
    }
  }

  /** Whether the delimiter that was found is the last; if not, goes behind its line. */
  async closes() {
    while (this._bytes.length < 2) await this._more();
    if (this._bytes[0] === dash && this._bytes[1] === dash) return true;
    await this._find(crlf);
    return false;
  }

  /** The head of a part. */
  async head() {
    const at = await this._find(blank);
    return natives.decode(at);
  }

  async _find(what) {
    for (;;) {
      const at = indexOf(this._bytes, what, 0);
      if (at >= 0) {
        const found = this._bytes.subarray(0, at);
        this._bytes = this._bytes.subarray(at + what.length);
        return found;
      }
      if (this._bytes.length > mostHead)
        throw new TypeError(`the form is broken: the head of a part is larger than ${mostHead} bytes`);
      await this._more();
    }
  }

  async _more() {
    const { done, value } = await this._source.next();
    if (done) throw new TypeError("the form is broken: it has no end");
    const both = new Uint8Array(this._bytes.length + value.length);
    both.set(this._bytes);
    both.set(value, this._bytes.length);
    this._bytes = both;
  }
}

/** What the head of a part says: name, file name or null, and type. */
function describe(head) {
  const disposition = /^content-disposition:\s*form-data\s*(;.*)$/im.exec(head);
  const name = disposition === null ? null : parameter(disposition[1], "name");
  if (name === null) throw new TypeError("the form is broken: a part has no name");
  const filename = parameter(disposition[1], "filename");
  const type =
    /^content-type:\s*(.*?)\s*$/im.exec(head)?.[1] ?? (filename === null ? "text/plain" : "application/octet-stream");
  return { name, filename, type };
}

/** A parameter, with what browsers escape in it. */
function parameter(text, name) {
  const found = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]*))`, "i").exec(text);
  if (found === null) return null;
  const value = found[1] === undefined ? found[2] : found[1].replace(/\\(["\\])/g, "$1");
  return value.replace(/%0A/gi, "\n").replace(/%0D/gi, "\r").replace(/%22/g, '"');
}

/** Where bytes stand in others, at or behind an offset; -1 when they do not. */
function indexOf(bytes, what, from) {
  for (let at = bytes.indexOf(what[0], from); at >= 0; at = bytes.indexOf(what[0], at + 1)) {
    let i = 1;
    while (i < what.length && bytes[at + i] === what[i]) i++;
    if (i === what.length) return at;
  }
  return -1;
}
