// TextEncoder and TextDecoder of the Encoding standard, for UTF-8. Natives do the work.

import { natives } from "../natives.js";

/** Text to UTF-8 (https://encoding.spec.whatwg.org/#interface-textencoder). */
export class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  encode(text = "") {
    return natives.encode(String(text));
  }

  encodeInto(text, room) {
    text = String(text);
    const bytes = natives.encode(text);
    if (bytes.length <= room.length) {
      room.set(bytes);
      return { read: text.length, written: bytes.length };
    }
    const written = wholeCharacters(bytes, room.length);
    room.set(bytes.subarray(0, written));
    return { read: natives.decode(bytes.subarray(0, written)).length, written };
  }
}

const labels = new Set(["unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "utf-8", "utf8", "x-unicode20utf8"]);

/** UTF-8 to text (https://encoding.spec.whatwg.org/#interface-textdecoder). Other encodings are refused with a RangeError. */
export class TextDecoder {
  #fatal;
  #ignoreBOM;
  #rest = new Uint8Array(0); // the beginning of a character whose end has not come
  #begun = false;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!labels.has(String(label).trim().toLowerCase())) {
      throw new RangeError(`TextDecoder does UTF-8 here, and not ${String(label)}: take a package for it`);
    }
    this.#fatal = Boolean(fatal);
    this.#ignoreBOM = Boolean(ignoreBOM);
  }

  get encoding() {
    return "utf-8";
  }

  get fatal() {
    return this.#fatal;
  }

  get ignoreBOM() {
    return this.#ignoreBOM;
  }

  decode(input, { stream = false } = {}) {
    let bytes = input === undefined ? new Uint8Array(0) : bytesOf(input);
    if (this.#rest.length > 0) bytes = concat(this.#rest, bytes);
    const end = stream ? wholeCharacters(bytes, bytes.length) : bytes.length;
    this.#rest = bytes.slice(end);
    const text = this.#decode(bytes.subarray(0, end));
    if (!stream) this.#begun = false;
    return text;
  }

  #decode(bytes) {
    const text = natives.decode(bytes);
    if (this.#fatal && text.includes("\ufffd") && !same(natives.encode(text), bytes)) {
      this.#rest = new Uint8Array(0);
      throw new TypeError("the bytes are not UTF-8");
    }
    const first = !this.#begun;
    this.#begun ||= text.length > 0;
    return first && !this.#ignoreBOM && text.startsWith("\ufeff") ? text.slice(1) : text;
  }
}

function bytesOf(input) {
  if (input instanceof Uint8Array) return input;
  if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  return new Uint8Array(input);
}

function concat(one, other) {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function same(one, other) {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** Up to where there is no character whose end lies behind `end`: at most three bytes are left out. */
function wholeCharacters(bytes, end) {
  for (let back = 1; back <= 3 && back <= end; back++) {
    const byte = bytes[end - back];
    if ((byte & 0xc0) === 0x80) continue;
    const size = byte >= 0xf0 && byte <= 0xf4 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
    return size > back && byte <= 0xf4 ? end - back : end;
  }
  return end;
}
