// Response of the Fetch standard. Its headers are a flat list until somebody asks for them: most are made, sent and forgotten.
// What begins with _ is the runtime's own.

import { extract, fork, mixBody } from "../body.js";
import { fieldsOf, Headers, headersAround, indexIn } from "./Headers.js";
import { natives } from "../natives.js";
import { URL } from "./URL.js";

/* global SLUICE_URLS */

// Lists that many responses have in common: one that is to be changed is copied. (Frozen, QuickJS would read them slowly.)
const none = [];
const text = ["content-type", "text/plain;charset=UTF-8"];
const json = ["content-type", "application/json"];

/** A response (https://fetch.spec.whatwg.org/#response-class). */
export class Response {
  /** `init.trailers`, which is not in the standard, is what a Headers is made of, or a promise or a function that gives it. */
  constructor(body, init) {
    if (init === undefined && typeof body === "string") {
      this._body = body;
      this._fields = text;
      return;
    }
    if (init !== undefined && init !== null) {
      if (init.status !== undefined) this._status = statusOf(init.status);
      if (init.statusText !== undefined) this._statusText = phraseOf(init.statusText);
      const { headers } = init;
      if (headers !== undefined) {
        const plain = typeof headers === "object" && headers !== null && headers[iterator] === undefined;
        this._fields = (plain ? natives.plainFields(headers) : undefined) ?? fieldsOf(headers);
      }
      if (init.trailers !== undefined) this._trailers = init.trailers;
    }
    if (typeof body === "string" && this._status === 200 && this._fields[0] === "content-type") this._body = body;
    else if (body !== undefined && body !== null) this._take(body);
  }

  static json(data, init) {
    const body = JSON.stringify(data);
    if (body === undefined) throw new TypeError(`${typeof data} cannot be written as JSON`);
    const response = new Response(null, init);
    if (nullBody.has(response._status)) throw new TypeError(`a response with status ${response._status} has no body`);
    response._body = body;
    if (response._fields === none) response._fields = json;
    else if (indexIn(response._fields, "content-type") < 0) response._fields.push("content-type", json[1]);
    return response;
  }

  static redirect(url, status = 302) {
    const location = SLUICE_URLS ? new URL(url).href : String(url);
    if (!redirects.has(status)) throw new RangeError(`${status} is no redirect: take ${[...redirects].join(", ")}`);
    const response = new Response(null, { status, headers: { location } });
    response._guard = "the headers of a redirect cannot be changed: make a new Response of it";
    return response;
  }

  static error() {
    const response = new Response();
    response._status = 0;
    response._guard = "the headers of an error cannot be changed";
    return response;
  }

  get status() {
    return this._status;
  }

  get ok() {
    return this._status >= 200 && this._status <= 299;
  }

  /** HTTP/1.1 sends the phrase that belongs to the status; this one stays here. */
  get statusText() {
    return this._statusText;
  }

  get type() {
    return this._status === 0 ? "error" : "default";
  }

  get url() {
    return "";
  }

  get redirected() {
    return false;
  }

  get headers() {
    if (this._headers === null) {
      this._headers = headersAround(ownFields(this), this._guard);
    }
    return this._headers;
  }

  clone() {
    const copy = new Response();
    copy._body = fork(this);
    copy._status = this._status;
    copy._statusText = this._statusText;
    copy._fields = this._fields.slice();
    copy._guard = this._guard;
    copy._trailers = this._trailers;
    return copy;
  }

  get [Symbol.toStringTag]() {
    return "Response";
  }

  _take(init) {
    if (nullBody.has(this._status)) throw new TypeError(`a response with status ${this._status} has no body`);
    if (typeof init === "string") {
      this._body = init; // the way of most
      if (indexIn(this._fields, "content-type") < 0) ownFields(this).push("content-type", text[1]);
      return;
    }
    const { body, type } = extract(init);
    this._body = body;
    if (type === null || indexIn(this._fields, "content-type") >= 0) return;
    ownFields(this).push("content-type", type);
  }
}

// What a response is that is given nothing else.
Object.assign(Response.prototype, {
  _response: true,
  _status: 200,
  _statusText: "",
  _fields: none,
  _headers: null,
  _guard: null,
  _trailers: null,
});

mixBody(Response);

function ownFields(response) {
  const fields = response._fields;
  if (fields === none || fields === text || fields === json) response._fields = fields.slice();
  return response._fields;
}

const { iterator } = Symbol;
const nullBody = new Set([204, 205, 304]);
const redirects = new Set([301, 302, 303, 307, 308]);

function statusOf(status) {
  const number = Number(status);
  if (number >= 200 && number <= 599 && Number.isInteger(number)) return number;
  throw new RangeError(`${String(status)} is not a status: take a whole number from 200 to 599`);
}

function phraseOf(phrase) {
  phrase = String(phrase);
  if (/[^\t\x20-\x7e\x80-\xff]/.test(phrase)) throw new TypeError("statusText holds a character that cannot be sent");
  return phrase;
}

/** The fields of what a Headers can be made of. */
export function listOf(init) {
  return init instanceof Headers ? init._list : fieldsOf(init);
}
