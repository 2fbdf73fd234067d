// FormData of the XHR standard, and its two forms on the wire.

import { join } from "../body.js";
import { natives } from "../natives.js";
import { Blob, File } from "./Blob.js";
import { crypto } from "./crypto.js";

/** The fields of a form in their order (https://xhr.spec.whatwg.org/#interface-formdata). */
export class FormData {
  constructor() {
    this._list = [];
  }

  append(name, value, filename) {
    this._list.push(entry(name, value, filename));
  }

  delete(name) {
    name = String(name);
    this._list = this._list.filter((pair) => pair[0] !== name);
  }

  get(name) {
    name = String(name);
    return this._list.find((pair) => pair[0] === name)?.[1] ?? null;
  }

  getAll(name) {
    name = String(name);
    return this._list.filter((pair) => pair[0] === name).map((pair) => pair[1]);
  }

  has(name) {
    name = String(name);
    return this._list.some((pair) => pair[0] === name);
  }

  set(name, value, filename) {
    const next = entry(name, value, filename);
    const first = this._list.findIndex((pair) => pair[0] === next[0]);
    if (first < 0) return void this._list.push(next);
    this._list[first] = next;
    this._list = this._list.filter((pair, i) => i <= first || pair[0] !== next[0]);
  }

  forEach(callback, thisArg) {
    for (const [name, value] of this) callback.call(thisArg, value, name, this);
  }

  *entries() {
    for (let i = 0; i < this._list.length; i++) yield [...this._list[i]];
  }

  *keys() {
    for (const [name] of this) yield name;
  }

  *values() {
    for (const [, value] of this) yield value;
  }

  get [Symbol.toStringTag]() {
    return "FormData";
  }

  /** As multipart/form-data (RFC 7578), names and file names escaped as HTML has it. */
  _extract() {
    const boundary = `sluice-${crypto.randomUUID()}`;
    const pieces = [];
    for (const [name, value] of this._list) {
      pieces.push(natives.encode(partHead(boundary, name, value)));
      pieces.push(typeof value === "string" ? natives.encode(value.replace(/\r?\n|\r/g, "\r\n")) : value._bytes);
      pieces.push(natives.encode("\r\n"));
    }
    pieces.push(natives.encode(`--${boundary}--\r\n`));
    return { body: join(pieces), type: `multipart/form-data; boundary=${boundary}` };
  }
}

FormData.prototype[Symbol.iterator] = FormData.prototype.entries;

function entry(name, value, filename) {
  name = String(name).toWellFormed();
  if (!(value instanceof Blob)) return [name, String(value).toWellFormed()];
  if (value instanceof File && filename === undefined) return [name, value];
  return [name, new File([value], filename === undefined ? "blob" : filename, { type: value.type })];
}

function partHead(boundary, name, value) {
  let head = `--${boundary}\r\nContent-Disposition: form-data; name="${escape(name.replace(/\r?\n|\r/g, "\r\n"))}"`;
  if (typeof value !== "string") {
    head += `; filename="${escape(value.name)}"\r\nContent-Type: ${value.type === "" ? "application/octet-stream" : value.type}`;
  }
  return `${head}\r\n\r\n`;
}

const escapes = { "\n": "%0A", "\r": "%0D", '"': "%22" };

function escape(text) {
  return text.replace(/[\n\r"]/g, (found) => escapes[found]);
}
