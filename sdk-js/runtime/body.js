// Bodies: what Request and Response have in common. A body is null, a string, bytes (Uint8Array), a stream, or an Incoming,
// which is a request's body that nobody has asked for as a stream. It is made into another of these only when somebody looks.

import { natives } from "./natives.js";
import { Blob } from "./globals/Blob.js";
import { parseForm } from "./forms.js";
import { ReadableStream } from "./globals/streams.js";
import { Incoming } from "./incoming.js";

/* global SLUICE_BLOBS, SLUICE_BODIES, SLUICE_FORMS, SLUICE_STREAMS */

/** Gives a class the members of the standard's Body (https://fetch.spec.whatwg.org/#body-mixin). */
export function mixBody(Class) {
  if (SLUICE_BODIES) {
    const { constructor, ...members } = Object.getOwnPropertyDescriptors(Body.prototype);
    Object.defineProperties(Class.prototype, members);
  }
  Class.prototype._body = null;
  Class.prototype._used = false;
}

class Body {
  get body() {
    if (this._body === null) return null;
    if (isStream(this._body)) return this._body;
    const stream = streamOf(this._body);
    if (this._body instanceof Incoming) stream._incoming = this._body; // so that a response can pass it on unread
    return (this._body = stream);
  }

  get bodyUsed() {
    return this._used || (isStream(this._body) && this._body._disturbed === true);
  }

  async text() {
    const content = await consume(this);
    const text = typeof content === "string" ? content.toWellFormed() : natives.decode(content);
    return text.startsWith("\ufeff") ? text.slice(1) : text;
  }

  async json() {
    return JSON.parse(await this.text());
  }

  async bytes() {
    return toBytes(await consume(this));
  }

  async arrayBuffer() {
    const bytes = toBytes(await consume(this));
    return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
  }

  async blob() {
    if (SLUICE_BLOBS) return new Blob([await consume(this)], { type: this.headers.get("content-type") ?? "" });
    throw leftOut("blob()", "Blob");
  }

  async formData() {
    if (SLUICE_FORMS) return parseForm(this.headers.get("content-type") ?? "", toBytes(await consume(this)));
    throw leftOut("formData()", "FormData");
  }
}

/** Takes the whole body, as a string or as bytes. It can be taken once. */
async function consume(owner) {
  const body = owner._body;
  if (owner.bodyUsed) throw new TypeError("the body was read already: it can be read once, or clone() before it is");
  if (isStream(body) && body.locked) throw new TypeError("the body is being read by somebody else: its stream is locked");
  if (body === null) return "";
  owner._used = true;
  if (typeof body === "string" || body instanceof Uint8Array) return body;
  return body instanceof Incoming ? body.collect() : collect(body.getReader());
}

async function collect(reader) {
  const pieces = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return join(pieces);
    if (!(value instanceof Uint8Array)) throw new TypeError("a body's stream has to give Uint8Array");
    pieces.push(value);
  }
}

/** One array of many. */
export function join(pieces) {
  if (pieces.length === 1) return pieces[0];
  let size = 0;
  for (const piece of pieces) size += piece.length;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

const plain = "text/plain;charset=UTF-8";

/**
 * What a body that an author gives comes to: the body, and the Content-Type that goes with it or null
 * (https://fetch.spec.whatwg.org/#concept-bodyinit-extract).
 */
export function extract(body) {
  if (typeof body === "string") return { body, type: plain };
  if (typeof body !== "object" && typeof body !== "function") return extract(String(body));
  if (typeof body._extract === "function") return body._extract(); // Blob, FormData, URLSearchParams
  if (body instanceof Uint8Array) return { body: body.slice(), type: null };
  if (ArrayBuffer.isView(body))
    return { body: new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice(), type: null };
  if (body instanceof ArrayBuffer) return { body: new Uint8Array(body.slice(0)), type: null };
  if (isStream(body)) return { body: unread(body), type: null };
  if (body[Symbol.asyncIterator] !== undefined) return { body: new Iterated(body), type: null };
  return extract(String(body));
}

function unread(stream) {
  if (stream.locked || stream._disturbed) throw new TypeError("the stream was read already, or is being read: it is no body");
  return stream;
}

/** An async iterable as much like a stream as is needed to send or to collect it. Strings are sent as UTF-8. */
class Iterated {
  constructor(iterable) {
    this._iterable = iterable;
    this.locked = false;
    this._disturbed = false;
  }

  getReader() {
    this.locked = this._disturbed = true;
    const iterator = this._iterable[Symbol.asyncIterator]();
    return {
      async read() {
        const { done, value } = await iterator.next();
        return { done: done === true, value: typeof value === "string" ? natives.encode(value) : value };
      },
      async cancel(reason) {
        await iterator.return?.(reason);
      },
    };
  }
}

/** Whether a value is read by a reader: a ReadableStream, whoever made it, or what stands for one. */
export function isStream(value) {
  return value !== null && typeof value === "object" && typeof value.getReader === "function";
}

/** A stream of a body that is none. */
export function streamOf(body) {
  if (SLUICE_STREAMS) return new ReadableStream(body instanceof Incoming ? sourceOf(body) : sourceOfBytes(toBytes(body)));
  throw leftOut("body", "ReadableStream");
}

function sourceOfBytes(bytes) {
  return {
    type: "bytes",
    pull(controller) {
      if (bytes.length > 0) controller.enqueue(bytes.slice());
      controller.close();
      controller.byobRequest?.respond(0);
    },
  };
}

/** The body of a request, which has the peer send only as fast as it is read. */
function sourceOf(incoming) {
  let started = false;
  return {
    type: "bytes",
    pull(controller) {
      if (started) return incoming.resume();
      started = true;
      incoming.pour({
        data(bytes) {
          controller.enqueue(bytes);
          if (controller.desiredSize <= 0) incoming.pause();
        },
        end() {
          controller.close();
          controller.byobRequest?.respond(0);
        },
        fail: (error) => controller.error(error),
      });
    },
    cancel: () => incoming.discard(),
  };
}

/** Two bodies of one: what can be shared is, a stream is forked. */
export function fork(owner) {
  if (owner.bodyUsed || owner._body?.locked) throw new TypeError("the body was read already: clone() before it is");
  if (owner._body === null || typeof owner._body === "string" || owner._body instanceof Uint8Array) return owner._body;
  const stream = owner.body;
  if (stream.tee === undefined)
    throw new TypeError("an async iterable can be read once: make a ReadableStream of it to clone it");
  const [one, other] = stream.tee();
  owner._body = one;
  return other;
}

export function toBytes(content) {
  return typeof content === "string" ? natives.encode(content) : content;
}

/** The error of what the build has left out. */
export function leftOut(member, name) {
  return new TypeError(`${member} was left out of the module, as the build saw no use of it: mention ${name} in the handler`);
}
