// Request of the Fetch standard. One that came in knows its session and the head that the engine keeps; method, URL and headers
// are made of it when somebody looks. What begins with _ is the runtime's own.

import { extract, fork, leftOut, mixBody } from "../body.js";
import { Incoming } from "../incoming.js";
import { natives } from "../natives.js";
import { AbortController, abort } from "./abort.js";
import { fieldsOf, headersAround, Headers, indexIn } from "./Headers.js";
import { URL } from "./URL.js";

/* global SLUICE_BODIES, SLUICE_SIGNALS, SLUICE_URLS */

const incoming = Symbol("incoming");

/** A request (https://fetch.spec.whatwg.org/#request-class). */
export class Request {
  constructor(input, init) {
    if (input !== incoming) this._make(input, init ?? {});
  }

  get method() {
    return (this._method ??= natives.method(head(this)));
  }

  /** The URL, as the peer sent it: the target, behind the authority that Host names. */
  get url() {
    return (this._url ??= urlOf(this));
  }

  get headers() {
    return (this._headers ??= headersAround(
      natives.fields(head(this)),
      "the headers of a request that came in cannot be changed",
    ));
  }

  /** Aborts when the peer goes before the answer is complete. */
  get signal() {
    if (!SLUICE_SIGNALS) throw leftOut("signal", "AbortSignal");
    else if (this._controller === null) {
      this._controller = new AbortController();
      if (this._gone !== null) abort(this._controller, this._gone);
    }
    return this._controller.signal;
  }

  /** The trailer section as Headers, empty without one, once the body was read (not in the standard). */
  get trailers() {
    if (!SLUICE_BODIES) throw leftOut("trailers", "trailers");
    else return this._session === 0 ? Promise.resolve(new Headers()) : bodyOf(this).trailers;
  }

  clone() {
    const copy = new Request(incoming);
    copy._method = this.method;
    copy._url = this.url;
    copy._headers = new Headers(this.headers);
    if (SLUICE_SIGNALS) copy._controller = { signal: this.signal };
    copy._body = fork(this);
    return copy;
  }

  get [Symbol.toStringTag]() {
    return "Request";
  }

  _make(input, init) {
    const from = input instanceof Request ? input : null;
    this._url = from !== null ? from.url : parsed(input);
    this._method = init.method !== undefined ? methodOf(init.method) : from !== null ? from.method : "GET";
    this._headers = headersAround(fieldsOf(init.headers ?? from?.headers ?? {}), null);
    if (SLUICE_SIGNALS && (init.signal ?? from)) this._controller = { signal: init.signal ?? from.signal };
    if (init.body !== undefined && init.body !== null) this._take(init.body);
    else if (from !== null) moveBody(from, this);
  }

  _take(init) {
    if (this._method === "GET" || this._method === "HEAD") throw new TypeError(`a ${this._method} request has no body`);
    const { body, type } = extract(init);
    this._body = body;
    const list = this._headers._list;
    if (type !== null && indexIn(list, "content-type") < 0) list.push("content-type", type);
  }
}

// What a request is before anybody has looked. Fields that most requests never get cost nothing here.
Object.assign(Request.prototype, {
  _session: 0,
  _head: 0,
  _method: undefined,
  _url: undefined,
  _headers: undefined,
  _controller: null,
  _gone: null, // why the peer is gone
  _incoming: null,
  _writable: null, // who waits for room in the output
  _work: 0, // promises of waitUntil
  _begun: false, // the head of the answer was sent
  _kept: false, // among those that are not over
  _over: false, // answered, or given up
  _cancel: null, // ends the stream that is being sent
});

mixBody(Request);

if (SLUICE_BODIES) {
  // The body of a request that came in is made when somebody asks for it.
  Object.defineProperty(Request.prototype, "_body", {
    get() {
      return this._session !== 0 && hasBody(this) ? bodyOf(this) : null;
    },
    set(body) {
      Object.defineProperty(this, "_body", { value: body, writable: true });
    },
    configurable: true,
  });
}

/** The request of a session. */
export function incomingRequest(session, head) {
  const request = Object.create(Request.prototype); // what its constructor would do, without the call
  request._session = session;
  request._head = head;
  return request;
}

/** Whether the peer announces a body (RFC 9112 section 6.3). */
function hasBody(request) {
  const length = natives.field(head(request), "content-length");
  return length !== null ? length !== "0" : natives.field(request._head, "transfer-encoding") !== null;
}

/** The body on its way of a request that came in. */
export function bodyOf(request) {
  if (request._incoming === null) {
    request._incoming = new Incoming(request._session);
    if (request._gone !== null) request._incoming.fail(request._gone);
  }
  return request._incoming;
}

function head(request) {
  if (request._head === 0) {
    throw new TypeError("the exchange is over, and what was not looked at of its request is gone: read it before the answer");
  }
  return request._head;
}

function urlOf(request) {
  const target = natives.target(head(request));
  if (!target.startsWith("/") && target !== "*") return target.includes("://") ? target : `http://${target}`;
  const authority = natives.field(request._head, "host") || "localhost";
  return `http://${authority}${target === "*" ? "/" : target}`;
}

function parsed(input) {
  return SLUICE_URLS ? new URL(input).href : String(input);
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const usual = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);

function methodOf(method) {
  method = String(method);
  if (!token.test(method)) throw new TypeError(`${JSON.stringify(method)} is not a method`);
  const upper = method.toUpperCase();
  return usual.has(upper) ? upper : method;
}

/** Has a request have the body of another, which is then used. */
function moveBody(from, to) {
  if (from.bodyUsed) throw new TypeError("the body of the request was read already");
  if (from._body === null) return;
  to._body = from._body;
  from._body = "";
  from._used = true;
}
