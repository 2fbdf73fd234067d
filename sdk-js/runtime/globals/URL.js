// URL and URLSearchParams of the URL standard. whatwg-url's state machine, the reference implementation, parses; the classes
// around it are ours because it is slow in an interpreter, one call for each character, and most URLs here are plain: one
// regular expression takes those apart, and nothing else has to be done to them.

import usm from "whatwg-url/lib/url-state-machine.js";
import urlencoded from "whatwg-url/lib/urlencoded.js";

import { natives } from "../natives.js";
import { provide } from "../whatwg/encoding.js";

provide(natives);

// A URL that is written as the standard writes it: a name in lower case or an IPv4 address, no default port, no user, no dot
// segments, nothing to be percent-encoded.
const byte = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const name = "(?:(?!xn--)[a-z0-9_-]+\\.)*(?!xn--)[a-z][a-z0-9_-]*";
const plain = new RegExp(
  `^(https?:)//(${name}|${byte}(?:\\.${byte}){3})(?::([1-9]\\d{0,4}))?` +
    "(/(?!\\.|%2[Ee])(?:[\\w\\-~!$&'()*+,;=:@%.]|/(?!\\.|%2[Ee]))*)" +
    "(\\?[\\w!$%&()*+,\\-./:;=?@[\\\\\\]^`{|}~]*)?(#[\\w!#$%&'()*+,\\-./:;=?@[\\\\\\]^{|}~]*)?$",
);
const defaults = { "http:": "80", "https:": "443" };

/** The parts of a plain URL, null for any other. */
function partsOf(text) {
  const found = plain.exec(text);
  if (found === null) return null;
  const port = found[3];
  return port !== undefined && (port > 65535 || port === defaults[found[1]]) ? null : found;
}

/** https://url.spec.whatwg.org/#url-class */
export class URL {
  constructor(url, base) {
    url = String(url);
    this._parts = base === undefined ? partsOf(url) : null; // of a plain URL
    this._url = this._parts === null ? parse(url, base) : null; // the record of any other, and of one that was changed
    this._params = null;
  }

  static parse(url, base) {
    try {
      return new URL(url, base);
    } catch {
      return null;
    }
  }

  static canParse(url, base) {
    return URL.parse(url, base) !== null;
  }

  get href() {
    return this._parts !== null ? this._parts[0] : usm.serializeURL(this._url);
  }

  set href(url) {
    this._url = parse(String(url));
    this._parts = null;
    refresh(this);
  }

  get origin() {
    return this._parts !== null ? `${this._parts[1]}//${this.host}` : usm.serializeURLOrigin(this._url);
  }

  get protocol() {
    return this._parts !== null ? this._parts[1] : `${this._url.scheme}:`;
  }

  set protocol(value) {
    usm.basicURLParse(`${value}:`, { url: record(this), stateOverride: "scheme start" });
  }

  get username() {
    return this._parts !== null ? "" : this._url.username;
  }

  set username(value) {
    if (!usm.cannotHaveAUsernamePasswordPort(record(this))) usm.setTheUsername(this._url, String(value));
  }

  get password() {
    return this._parts !== null ? "" : this._url.password;
  }

  set password(value) {
    if (!usm.cannotHaveAUsernamePasswordPort(record(this))) usm.setThePassword(this._url, String(value));
  }

  get host() {
    return this.port === "" ? this.hostname : `${this.hostname}:${this.port}`;
  }

  set host(value) {
    if (!usm.hasAnOpaquePath(record(this))) usm.basicURLParse(String(value), { url: this._url, stateOverride: "host" });
  }

  get hostname() {
    if (this._parts !== null) return this._parts[2];
    return this._url.host === null ? "" : usm.serializeHost(this._url.host);
  }

  set hostname(value) {
    if (!usm.hasAnOpaquePath(record(this))) usm.basicURLParse(String(value), { url: this._url, stateOverride: "hostname" });
  }

  get port() {
    if (this._parts !== null) return this._parts[3] ?? "";
    return this._url.port === null ? "" : String(this._url.port);
  }

  set port(value) {
    if (usm.cannotHaveAUsernamePasswordPort(record(this))) return;
    if (value === "") this._url.port = null;
    else usm.basicURLParse(String(value), { url: this._url, stateOverride: "port" });
  }

  get pathname() {
    return this._parts !== null ? this._parts[4] : usm.serializePath(this._url);
  }

  set pathname(value) {
    if (usm.hasAnOpaquePath(record(this))) return;
    this._url.path = [];
    usm.basicURLParse(String(value), { url: this._url, stateOverride: "path start" });
  }

  get search() {
    if (this._parts !== null) return this._parts[5] === undefined || this._parts[5] === "?" ? "" : this._parts[5];
    return this._url.query ? `?${this._url.query}` : "";
  }

  set search(value) {
    const query = String(value).replace(/^\?/, "");
    const url = record(this);
    url.query = value === "" ? null : "";
    if (value !== "") usm.basicURLParse(query, { url, stateOverride: "query" });
    refresh(this);
  }

  get searchParams() {
    if (this._params === null) {
      this._params = new URLSearchParams(this.search);
      this._params._of = this;
    }
    return this._params;
  }

  get hash() {
    if (this._parts !== null) return this._parts[6] === undefined || this._parts[6] === "#" ? "" : this._parts[6];
    return this._url.fragment ? `#${this._url.fragment}` : "";
  }

  set hash(value) {
    const fragment = String(value).replace(/^#/, "");
    const url = record(this);
    url.fragment = value === "" ? null : "";
    if (value !== "") usm.basicURLParse(fragment, { url, stateOverride: "fragment" });
  }

  toString() {
    return this.href;
  }

  toJSON() {
    return this.href;
  }

  get [Symbol.toStringTag]() {
    return "URL";
  }
}

function parse(url, base) {
  let baseURL = null;
  if (base !== undefined) {
    baseURL = usm.basicURLParse(String(base));
    if (baseURL === null) throw new TypeError(`Invalid base URL: ${String(base)}`);
  }
  const parsed = usm.basicURLParse(url, { baseURL });
  if (parsed === null) throw new TypeError(`Invalid URL: ${url}`);
  return parsed;
}

/** The record of a URL that is about to be changed. */
function record(url) {
  if (url._parts !== null) {
    url._url = usm.basicURLParse(url._parts[0]);
    url._parts = null;
  }
  return url._url;
}

/** Has the parameters that somebody holds follow the URL. */
function refresh(url) {
  if (url._params !== null) url._params._list = parseQuery(url.search.slice(1));
}

/** https://url.spec.whatwg.org/#interface-urlsearchparams */
export class URLSearchParams {
  constructor(init = "") {
    this._of = null; // the URL that follows
    this._list =
      typeof init === "object" || typeof init === "function" ? pairsOf(init) : parseQuery(String(init).replace(/^\?/, ""));
  }

  get size() {
    return this._list.length;
  }

  append(name, value) {
    this._list.push([text(name), text(value)]);
    this._changed();
  }

  delete(name, value) {
    this._list = this._list.filter((pair) => !matches(pair, name, value));
    this._changed();
  }

  get(name) {
    name = text(name);
    for (const pair of this._list) if (pair[0] === name) return pair[1];
    return null;
  }

  getAll(name) {
    name = text(name);
    return this._list.filter((pair) => pair[0] === name).map((pair) => pair[1]);
  }

  has(name, value) {
    return this._list.some((pair) => matches(pair, name, value));
  }

  set(name, value) {
    name = text(name);
    const first = this._list.find((pair) => pair[0] === name);
    if (first === undefined) return this.append(name, value);
    first[1] = text(value);
    this._list = this._list.filter((pair) => pair === first || pair[0] !== name);
    this._changed();
  }

  /** By name, as code units; what has the same name stays in its order. */
  sort() {
    this._list.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    this._changed();
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

  toString() {
    return this._list.map(([name, value]) => `${escape(name)}=${escape(value)}`).join("&");
  }

  get [Symbol.toStringTag]() {
    return "URLSearchParams";
  }

  _changed() {
    if (this._of === null) return;
    const query = this.toString();
    record(this._of).query = query === "" ? null : query;
  }

  _extract() {
    return { body: this.toString(), type: "application/x-www-form-urlencoded;charset=UTF-8" };
  }
}

URLSearchParams.prototype[Symbol.iterator] = URLSearchParams.prototype.entries;

function pairsOf(init) {
  if (init[Symbol.iterator] === undefined) return Object.keys(init).map((name) => [text(name), text(init[name])]);
  return Array.from(init, (pair) => {
    const [name, value, ...more] = pair;
    if (value === undefined || more.length > 0) throw new TypeError("each parameter is a pair of a name and a value");
    return [text(name), text(value)];
  });
}

function matches(pair, name, value) {
  return pair[0] === text(name) && (value === undefined || pair[1] === text(value));
}

function text(value) {
  return (typeof value === "string" ? value : String(value)).toWellFormed();
}

/** Pairs of a query (https://url.spec.whatwg.org/#urlencoded-parsing). */
export function parseQuery(query) {
  const list = [];
  for (const part of query.split("&")) {
    if (part === "") continue;
    const at = part.indexOf("=");
    list.push(at < 0 ? [unescape(part), ""] : [unescape(part.slice(0, at)), unescape(part.slice(at + 1))]);
  }
  return list;
}

function unescape(part) {
  if (part.includes("+")) part = part.replaceAll("+", " ");
  if (!part.includes("%")) return part.toWellFormed();
  try {
    return decodeURIComponent(part.toWellFormed());
  } catch {
    // What is not percent-encoded UTF-8 is read as well as it can be.
    return urlencoded.parseUrlencodedString(`=${part.replaceAll("&", "%26").replaceAll("+", "%2B")}`)[0][1];
  }
}

function escape(part) {
  return encodeURIComponent(part).replace(/[!'()~]|%20/g, (found) => escapes[found]);
}

const escapes = { "!": "%21", "'": "%27", "(": "%28", ")": "%29", "~": "%7E", "%20": "+" };
