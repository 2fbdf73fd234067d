// The first level: `export default { fetch(request, env, ctx) }`. Each request of a session is one call; what its Response says
// goes out, and what goes wrong is logged and answered 500. Many sessions may be under way at once.

import { check, report } from "./errors.js";
import { bodyOf, incomingRequest } from "./globals/Request.js";
import { abort } from "./globals/abort.js";
import { fieldsOf } from "./globals/Headers.js";
import { BOTH, CLOSED, DATA_DONE, DATA_READY, HEADER_READY, natives, READY, SUCCESS, TRAILER_READY } from "./natives.js";
import { send } from "./outgoing.js";
import { keepShapes } from "./shapes.js";

/* global SLUICE_BODIES, SLUICE_CONTEXT, SLUICE_SIGNALS, SLUICE_STREAMING */

/** The events that are delivered: each costs time. */
function mask() {
  let bits = (1 << HEADER_READY) | (1 << CLOSED);
  if (SLUICE_BODIES) bits |= (1 << DATA_READY) | (1 << TRAILER_READY) | (1 << READY);
  if (SLUICE_STREAMING) bits |= 1 << DATA_DONE;
  return bits;
}

let handler;
let env = {};

/** The context of handlers that ask nothing of it. */
const nothing = Object.freeze({});

/** The requests that are not over, by session. One that is answered at once never gets here. */
const open = new Map();

/** Has a handler answer what comes in. */
export function listenFetch(object) {
  handler = object;
  keepShapes();
  natives.listen(mask(), onEvent);
  natives.started(readEnvironment);
}

function readEnvironment() {
  const list = natives.environ();
  env = {};
  for (let i = 0; i < list.length; i += 2) env[list[i]] = list[i + 1];
  Object.freeze(env);
}

function onEvent(event, session, payload, extra) {
  if (event === HEADER_READY) return begin(session, payload);
  const request = open.get(session);
  if (request !== undefined) return hear(request, event, payload, extra);
  if (event === DATA_READY) natives.discard(session); // of a request that was answered without its body
}

function begin(session, head) {
  const request = incomingRequest(session, head);
  let response;
  try {
    response = handler.fetch(request, env, SLUICE_CONTEXT ? new Context(request) : nothing);
  } catch (error) {
    return fail(request, error);
  }
  if (response !== undefined && response !== null) {
    if (response._response) return sendAtOnce(request, response) || answer(request, response);
    // An async function that has waited for nothing.
    const fulfilled = natives.fulfilled(response);
    if (fulfilled !== undefined) return answer(request, fulfilled);
    if (typeof response.then === "function") return wait(request, response);
  }
  fail(request, notAResponse(response));
}

/** What answer does for most: text that nobody has looked at, to a request that nobody reads. A call costs more than a test. */
function sendAtOnce(request, response) {
  if (SLUICE_BODIES || SLUICE_CONTEXT || typeof response._body !== "string" || response._used || response._trailers !== null) {
    return false;
  }
  if (natives.send(request._session, response._status, response._fields, response._body) !== SUCCESS) return false;
  response._used = true;
  request._over = true;
  natives.freeHead(request._head);
  request._head = 0;
  return true;
}

function wait(request, promise) {
  keep(request);
  promise.then(
    (response) => answer(request, response),
    (error) => fail(request, error),
  );
}

function answer(request, response) {
  if (request._over) return; // the peer is gone
  let sent;
  try {
    if (response === null || response === undefined || !response._response) throw notAResponse(response);
    sent = send(request, response);
  } catch (error) {
    return fail(request, error);
  }
  if (sent === undefined) return finish(request);
  keep(request);
  sent.then(
    () => finish(request),
    (error) => fail(request, error),
  );
}

function keep(request) {
  request._kept = true;
  open.set(request._session, request);
}

function notAResponse(value) {
  const given = value === null ? "null" : typeof value === "object" ? (value.constructor?.name ?? "an object") : typeof value;
  return new TypeError(`fetch(request, env, ctx) has to return a Response or a promise of one, not ${given}`);
}

const plain = ["content-type", "text/plain; charset=utf-8"];

/** Logs what went wrong and says so to the peer: 500, or a cut when an answer has begun. */
function fail(request, error) {
  if (request._over) return;
  if (error !== request._gone || error === null) report(`Uncaught (${request.method} ${natives.target(request._head)})`, error);
  if (request._begun) natives.close(request._session);
  else natives.send(request._session, 500, plain, "Internal Server Error\n");
  finish(request);
}

/** Forgets a request that is answered, once its body has ended if somebody reads it, and what waitUntil was given is done. */
function finish(request) {
  request._over = true;
  if (SLUICE_BODIES && isRead(request)) return keep(request);
  if (SLUICE_CONTEXT && request._work > 0) return;
  if (request._kept) open.delete(request._session);
  if (request._head !== 0) natives.freeHead(request._head);
  request._head = 0;
}

/** Whether somebody waits for more of the body. */
function isRead({ _incoming: incoming }) {
  return incoming !== null && incoming._sink !== null && !incoming._ended && incoming._error === null;
}

function hear(request, event, payload, extra) {
  switch (event) {
    case CLOSED:
      return payload === BOTH ? close(request, extra) : undefined;
    case DATA_DONE:
      return wake(request);
  }
  if (SLUICE_BODIES) hearBody(request, event, payload);
}

function hearBody(request, event, payload) {
  switch (event) {
    case DATA_READY:
      if (request._over && request._incoming?._sink == null) return void natives.discard(request._session);
      return bodyOf(request).data(payload);
    case TRAILER_READY:
      return bodyOf(request).trailer(payload);
    case READY:
      bodyOf(request).end();
      if (request._over) finish(request);
  }
}

function wake(request) {
  const resolve = request._writable;
  request._writable = null;
  resolve?.();
}

const reasons = [
  "the peer closed the connection",
  "the peer closed the connection in the middle of the request's body",
  "the connection broke",
  "the peer took too long",
  "the peer broke the protocol",
  "the connection was closed here",
  "the server shuts down",
];

/** Tells everybody who waits for the peer that it is gone. */
function close(request, reason) {
  request._gone = new DOMException(reasons[reason] ?? "the connection is closed", "AbortError");
  request._incoming?.fail(request._gone);
  if (SLUICE_SIGNALS && request._controller !== null) abort(request._controller, request._gone);
  wake(request);
  request._cancel?.(request._gone);
  finish(request);
}

/** What goes with a request besides what the standard's Request has. */
class Context {
  constructor(request) {
    this._request = request;
  }

  /**
   * Has the instance go on with a promise after the answer. With `request` isolation, an instance is put back into its first
   * state as soon as request and answer are complete, whatever is not done by then.
   */
  waitUntil(promise) {
    const request = this._request;
    request._work++;
    const done = () => {
      request._work--;
      if (request._over) finish(request);
    };
    Promise.resolve(promise).then(done, (error) => {
      report("Uncaught in waitUntil", error);
      done();
    });
  }

  /** Has the exchange take as long as it likes, and CPU time count from one wait to the next: for large bodies. */
  stream() {
    check("stream", natives.stream(this._request._session));
  }

  /** Sends an informational answer ahead of the answer, such as 103 (Early Hints; RFC 9110 section 15.2). */
  sendInformational(status, headers = {}) {
    check("sendInformational", natives.sendInformational(this._request._session, status, fieldsOf(headers)));
  }

  /** Closes the connection once the answer is complete. */
  drain() {
    check("drain", natives.drain(this._request._session));
  }
}

Object.defineProperty(Context.prototype, Symbol.toStringTag, { value: "Context", configurable: true });
