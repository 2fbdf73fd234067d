// Blob and File of the File API. Everything lies in memory here, so a blob is one array of bytes.

import { join, streamOf } from "../body.js";
import { natives } from "../natives.js";

/** Bytes with a type (https://w3c.github.io/FileAPI/#blob-section). */
export class Blob {
  constructor(parts = [], { type = "", endings = "transparent" } = {}) {
    if (typeof parts !== "object" || parts === null || parts[Symbol.iterator] === undefined) {
      throw new TypeError("a Blob is made of a list of strings, bytes and blobs");
    }
    this._bytes = join(Array.from(parts, (part) => bytesOf(part, endings)));
    this.type = typeOf(String(type));
  }

  get size() {
    return this._bytes.length;
  }

  slice(start = 0, end = this.size, type = "") {
    const blob = new Blob([], { type });
    blob._bytes = this._bytes.subarray(...range(start, end, this.size));
    return blob;
  }

  async arrayBuffer() {
    return this._bytes.slice().buffer;
  }

  async bytes() {
    return this._bytes.slice();
  }

  async text() {
    return natives.decode(this._bytes).replace(/^\ufeff/, "");
  }

  stream() {
    return streamOf(this._bytes);
  }

  get [Symbol.toStringTag]() {
    return "Blob";
  }

  _extract() {
    return { body: this._bytes, type: this.type === "" ? null : this.type };
  }
}

/** A blob with a name (https://w3c.github.io/FileAPI/#file-section). */
export class File extends Blob {
  constructor(parts, name, options = {}) {
    super(parts, options);
    this.name = String(name);
    this.lastModified = options.lastModified === undefined ? Date.now() : Number(options.lastModified);
  }

  get [Symbol.toStringTag]() {
    return "File";
  }
}

function bytesOf(part, endings) {
  if (part instanceof Blob) return part._bytes;
  if (ArrayBuffer.isView(part)) return new Uint8Array(part.buffer, part.byteOffset, part.byteLength).slice();
  if (part instanceof ArrayBuffer) return new Uint8Array(part.slice(0));
  const text = String(part);
  return natives.encode(endings === "native" ? text.replace(/\r\n?/g, "\n") : text);
}

function typeOf(type) {
  return /[^\x20-\x7e]/.test(type) ? "" : type.toLowerCase();
}

function range(start, end, size) {
  const from = start < 0 ? Math.max(size + start, 0) : Math.min(start, size);
  const to = end < 0 ? Math.max(size + end, 0) : Math.min(end, size);
  return [from, Math.max(from, to)];
}
