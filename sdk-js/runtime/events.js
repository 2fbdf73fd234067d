// The second level: listeners hear events as the ABI has them, and act upon sessions. What is listened to while the module is
// built decides which events the host delivers.

import { closeReasonNames, closedSideNames, Event, eventNames, readStateNames, writeStateNames } from "../abi.js";
import { check, report } from "./errors.js";
import { fieldIn, fieldsOf } from "./globals/Headers.js";
import { AGAIN, natives } from "./natives.js";

/** Listeners of every session, by the event's number. */
export const listeners = new Map();

// DATA_DONE is what writable() waits for, and CLOSED ends a session. Neither costs anything before it comes.
let mask = (1 << Event.DATA_DONE) | (1 << Event.CLOSED);
let built = false;

/** What a handler's file says about all sessions, while it is evaluated. */
export const sluice = {
  /** Has a listener hear an event of every session. */
  on(type, listener) {
    const number = numberOf(type);
    if (typeof listener !== "function") throw new TypeError(`the listener of ${type} is not a function`);
    sluice.subscribe(type);
    if (!listeners.has(number)) listeners.set(number, []);
    listeners.get(number).push(listener);
  },

  /** Has the host deliver events that are listened to by session only. */
  subscribe(...types) {
    for (const type of types) {
      const bit = 1 << numberOf(type);
      if (built && (mask & bit) === 0) {
        throw new Error(`${type} is not delivered: listen to it, or sluice.subscribe("${type}"), when the module is evaluated`);
      }
      mask |= bit;
    }
  },
};

function numberOf(type) {
  const number = eventNames.indexOf(String(type).toLowerCase());
  if (number >= 0 && type === type.toUpperCase()) return number;
  throw new TypeError(
    `there is no event ${String(type)}: there are ${eventNames.map((name) => name.toUpperCase()).join(", ")}`,
  );
}

/** Has listeners hear what comes in. */
export function listenEvents(on) {
  for (const [type, listener] of Object.entries(on)) sluice.on(type, listener);
  built = true;
  // The head of a request comes with HEADER_READY, and LINE_READY is told ahead of it.
  if (mask & (1 << Event.LINE_READY)) mask |= 1 << Event.HEADER_READY;
  natives.listen(mask, onEvent);
}

/** Sessions that are not over. */
const sessions = new Map();

function onEvent(event, number, payload, extra) {
  let session = sessions.get(number);
  if (session === undefined) sessions.set(number, (session = new Session(number)));
  switch (event) {
    case Event.HEADER_READY:
      session.req._head = new Head(payload);
      tell(session, Event.LINE_READY, headed(session));
      tell(session, event, headed(session));
      break;
    case Event.DATA_READY:
      tell(session, event, { content: payload, chunkStart: (extra & 1) !== 0, chunkEnd: (extra & 2) !== 0 });
      break;
    case Event.READY:
      session.req._ended = true;
      if (payload !== undefined) session.req._head = new Head(payload);
      tell(session, event, extra === undefined ? headed(session) : { ...headed(session), body: extra });
      break;
    case Event.TRAILER_READY:
      tell(session, event, { trailer: new Fields(payload.map((part, i) => (i % 2 === 0 ? part.toLowerCase() : part))) });
      break;
    case Event.CLOSED:
      session._over = closedSideNames[payload] === "both";
      wake(session.resp);
      tell(session, event, { side: closedSideNames[payload], reason: closeReasonNames[extra] });
      break;
    default:
      if (event === Event.DATA_DONE) wake(session.resp);
      tell(session, event, {});
  }
  if (session._over || (session.resp._ended && (session.req._ended || (mask & (1 << Event.READY)) === 0))) forget(session);
}

function headed(session) {
  return { head: session.req._head };
}

/** Forgets a session that is over, and the head that the engine keeps for it. */
function forget(session) {
  if (mask & (1 << Event.DONE) && !session._over && !session._done) return void (session._done = true); // DONE comes yet
  sessions.delete(session.id);
  session.req._head?._free();
}

/** Calls the listeners of an event. What one of them throws ends the session. */
function tell(session, event, values) {
  const all = listeners.get(event);
  const own = session._listeners?.get(event);
  if (all === undefined && own === undefined) return;
  const value = Object.freeze({ type: eventNames[event].toUpperCase(), session, ...values });
  for (const listener of own === undefined ? all : [...(all ?? []), ...own]) {
    try {
      const result = listener(value);
      if (typeof result?.then === "function") result.then(undefined, (error) => fail(session, error));
    } catch (error) {
      return fail(session, error);
    }
  }
}

const plain = ["content-type", "text/plain; charset=utf-8"];

/** Logs what went wrong and says so to the peer: 500, or a cut when an answer has begun; one that is complete stays. */
function fail(session, error) {
  if (session._over) return;
  report(`Uncaught (${session.req._head?.method ?? ""} ${session.req._head?.target ?? ""})`, error);
  if (session.resp._ended) return;
  if (natives.send(session.id, 500, plain, "Internal Server Error\n") !== 0) natives.close(session.id);
  session.resp._ended = true;
}

// ----- A session -----

class Session {
  constructor(id) {
    this.id = id;
    this.req = new Incoming(this);
    this.resp = new Outgoing(this);
    this._listeners = null;
    this._over = false;
    this._done = false;
  }

  /** Has the exchange take as long as it likes, and CPU time count from one wait to the next. */
  stream() {
    check("stream", natives.stream(this.id));
  }

  /** Closes the connection once the answer is complete. */
  drain() {
    check("drain", natives.drain(this.id));
  }

  /** Closes the connection at once. */
  close() {
    check("close", natives.close(this.id));
  }

  _on(type, listener) {
    sluice.subscribe(type);
    const number = numberOf(type);
    this._listeners ??= new Map();
    if (!this._listeners.has(number)) this._listeners.set(number, []);
    this._listeners.get(number).push(listener);
  }
}

/** The request's side of a session. */
class Incoming {
  constructor(session) {
    this._session = session;
    this._head = null;
    this._ended = false;
  }

  /** The head, once it is complete. */
  get head() {
    return this._head;
  }

  /** How far it has come: "empty", "message_ready", "body_ready", "finished". */
  get state() {
    return readStateNames[natives.readState(this._session.id)] ?? "finished";
  }

  on(type, listener) {
    this._session._on(type, listener);
    return this;
  }

  pause() {
    check("pause", natives.pause(this._session.id));
  }

  resume() {
    check("resume", natives.resume(this._session.id));
  }

  /** Throws the rest of the body away as it comes. */
  discard() {
    check("discard", natives.discard(this._session.id));
  }

  /** Keeps 100 (Continue) from being sent unasked. When HEADER_READY is heard. */
  holdContinue() {
    check("holdContinue", natives.holdContinue(this._session.id));
  }
}

/** The answer's side of a session. What is refused throws a SluiceError. */
class Outgoing {
  constructor(session) {
    this._session = session;
    this._ended = false;
    this._waiting = null;
  }

  /** How far it has come: "empty", "continue_issued", "metadata_issued", "finished". */
  get state() {
    return writeStateNames[natives.writeState(this._session.id)] ?? "finished";
  }

  on(type, listener) {
    this._session._on(type, listener);
    return this;
  }

  /** A whole answer. */
  send(status = 200, headers = {}, body = undefined) {
    check("send", natives.send(this._session.id, status, fieldsOf(headers), body));
    this._ended = true;
  }

  /** A whole answer; a body that is neither a string nor bytes is written as JSON. */
  reply(status, headers, body) {
    if (body === undefined || body === null || typeof body === "string" || body instanceof Uint8Array) {
      return this.send(status, headers, body ?? undefined);
    }
    this.json(body, status, headers);
  }

  json(value, status = 200, headers = {}) {
    this._typed("application/json", status, headers, JSON.stringify(value));
  }

  html(text, status = 200, headers = {}) {
    this._typed("text/html; charset=utf-8", status, headers, text);
  }

  text(text, status = 200, headers = {}) {
    this._typed("text/plain; charset=utf-8", status, headers, text);
  }

  _typed(type, status, headers, body) {
    const fields = fieldsOf(headers);
    if (fieldIn(fields, "content-type") === null) fields.push("content-type", type);
    check("send", natives.send(this._session.id, status, fields, body));
    this._ended = true;
  }

  sendHead(status = 200, headers = {}) {
    check("sendHead", natives.sendHead(this._session.id, status, fieldsOf(headers)));
  }

  /** Keeps a head that the first sendData() or sendEnd() sends. */
  setHead(status = 200, headers = {}) {
    check("setHead", natives.setHead(this._session.id, status, fieldsOf(headers)));
  }

  /** Says whether sendData() and sendEnd() send a missing head by themselves. */
  autoSend(enabled) {
    check("autoSend", natives.autoSend(this._session.id, enabled));
  }

  /** A piece of body. It gives false, and has taken nothing, when the peer reads too slowly: wait for writable(). */
  sendData(content) {
    const errno = natives.sendData(this._session.id, content);
    if (errno === AGAIN) return false;
    check("sendData", errno);
    return true;
  }

  sendEnd() {
    check("sendEnd", natives.sendEnd(this._session.id));
    this._ended = true;
  }

  /** Ends the answer with trailers. */
  sendTrailers(headers) {
    check("sendTrailers", natives.sendTrailers(this._session.id, fieldsOf(headers)));
    this._ended = true;
  }

  /** An informational answer ahead of the answer, such as 103 (Early Hints). */
  sendInformational(status, headers = {}) {
    check("sendInformational", natives.sendInformational(this._session.id, status, fieldsOf(headers)));
  }

  /** Agrees to leave HTTP (RFC 9110 section 7.8). The handler listens to UPGRADED. */
  upgrade(headers = {}) {
    check("upgrade", natives.upgrade(this._session.id, fieldsOf(headers)));
  }

  /** Resolves when there is room again after sendData() gave false, and when the session is over. */
  writable() {
    this._waiting ??= Promise.withResolvers();
    return this._waiting.promise;
  }
}

function wake(resp) {
  const waiting = resp._waiting;
  resp._waiting = null;
  waiting?.resolve();
}

// ----- What a request says -----

/** Fields of a section. Names are compared without regard to case, and come in lower case. It cannot be changed. */
class Fields {
  #list;

  constructor(list) {
    this.#list = list;
    Object.freeze(this);
  }

  /** A value, several joined with ", ", null when there is none. */
  get(name) {
    return fieldIn(this.#list, name.toLowerCase());
  }

  *[Symbol.iterator]() {
    for (let i = 0; i < this.#list.length; i += 2) yield [this.#list[i], this.#list[i + 1]];
  }
}

/** The head of a request. It cannot be changed; what nobody looks at is not made. */
class Head {
  #head;
  #method;
  #target;
  #fields;
  #query;
  #cookies;

  constructor(head) {
    this.#head = head;
    Object.freeze(this);
  }

  get method() {
    return (this.#method ??= natives.method(this.#kept()));
  }

  /** The target as it was sent. */
  get target() {
    return (this.#target ??= natives.target(this.#kept()));
  }

  /** The version: 0x0101 is HTTP/1.1. */
  get version() {
    return natives.version(this.#kept());
  }

  /** The path: the target without scheme, authority and query. Nothing is decoded. */
  get path() {
    const target = this.target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, "");
    const end = target.indexOf("?");
    return (end < 0 ? target : target.slice(0, end)) || "/";
  }

  /** What stands behind the question mark, null without one. */
  get query() {
    const at = this.target.indexOf("?");
    return at < 0 ? null : this.target.slice(at + 1);
  }

  /** The first value of a name in the query, decoded; null when there is none. */
  queryVar(name) {
    this.#query ??= pairs(this.query ?? "", "&");
    return this.#query.get(name) ?? null;
  }

  /** A field, several joined with ", ", null when there is none. */
  header(name) {
    return this.#fields === undefined ? natives.field(this.#kept(), name) : this.#fields.get(name);
  }

  get headers() {
    return (this.#fields ??= new Fields(natives.fields(this.#kept())));
  }

  /** Cookies by name; of one that comes twice, the first (RFC 6265 section 5.4). */
  get cookies() {
    if (this.#cookies === undefined) {
      this.#cookies = new Map();
      for (const pair of (this.header("cookie") ?? "").split(/;|, (?=[^;,]*=)/)) {
        const at = pair.indexOf("=");
        const name = pair.slice(0, at).trim();
        if (at > 0 && !this.#cookies.has(name))
          this.#cookies.set(
            name,
            pair
              .slice(at + 1)
              .trim()
              .replace(/^"(.*)"$/, "$1"),
          );
      }
    }
    return this.#cookies;
  }

  #kept() {
    if (this.#head === 0) throw new TypeError("the session is over, and what was not looked at of its head is gone");
    return this.#head;
  }

  _free() {
    if (this.#head !== 0) natives.freeHead(this.#head);
    this.#head = 0;
  }
}

/** Names and first values of application/x-www-form-urlencoded. */
function pairs(text, between) {
  const found = new Map();
  for (const part of text.split(between)) {
    const at = part.indexOf("=");
    const name = decoded(at < 0 ? part : part.slice(0, at));
    if (part !== "" && !found.has(name)) found.set(name, at < 0 ? "" : decoded(part.slice(at + 1)));
  }
  return found;
}

function decoded(text) {
  text = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not percent-encoded UTF-8: as it is
  }
}
