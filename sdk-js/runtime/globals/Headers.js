// Headers of the Fetch standard, around a flat list: names in lower case and values in turn, as natives send and give them.
// Request and Response keep such a list as long as nobody asks for a Headers.

import { natives } from "../natives.js";

/** The fields of a section, by name without regard to case (https://fetch.spec.whatwg.org/#headers-class). */
export class Headers {
  constructor(init) {
    this._list = init === undefined ? [] : fieldsOf(init);
    this._guard = null;
  }

  append(name, value) {
    name = nameOf(name);
    value = valueOf(name, value);
    own(this).push(name, value);
  }

  delete(name) {
    name = nameOf(name);
    remove(own(this), name, 0);
  }

  get(name) {
    return fieldIn(this._list, nameOf(name));
  }

  /** The values of Set-Cookie, which are the only ones that cannot be joined (RFC 9110 section 5.3). */
  getSetCookie() {
    const values = [];
    for (let i = 0; i < this._list.length; i += 2) if (this._list[i] === "set-cookie") values.push(this._list[i + 1]);
    return values;
  }

  has(name) {
    return indexIn(this._list, nameOf(name)) >= 0;
  }

  set(name, value) {
    name = nameOf(name);
    value = valueOf(name, value);
    const list = own(this);
    const at = indexIn(list, name);
    if (at < 0) return void list.push(name, value);
    list[at + 1] = value;
    remove(list, name, at + 2);
  }

  forEach(callback, thisArg) {
    for (const [name, value] of this) callback.call(thisArg, value, name, this);
  }

  *entries() {
    yield* sorted(this._list);
  }

  *keys() {
    for (const [name] of sorted(this._list)) yield name;
  }

  *values() {
    for (const [, value] of sorted(this._list)) yield value;
  }

  get [Symbol.toStringTag]() {
    return "Headers";
  }
}

Headers.prototype[Symbol.iterator] = Headers.prototype.entries;

/** Makes a Headers around a list. What the guard says is the reason why it cannot be changed; null when it can. */
export function headersAround(list, guard) {
  const headers = new Headers();
  headers._list = list;
  headers._guard = guard;
  return headers;
}

/** A list of its own from anything that a Headers can be made of: a Headers, pairs, or an object. */
export function fieldsOf(init) {
  if (init === null || (typeof init !== "object" && typeof init !== "function")) {
    throw new TypeError(
      `headers are made of a Headers, of pairs or of an object, not of ${init === null ? "null" : typeof init}`,
    );
  }
  if (init._list !== undefined) return init._list.slice();
  if (init[Symbol.iterator] === undefined) {
    const plain = natives.plainFields(init);
    if (plain !== undefined) return plain;
    const list = [];
    for (const name of Object.keys(init)) add(list, name, init[name]);
    return list;
  }
  const list = [];
  for (const pair of init) {
    const [name, value, ...more] = pair;
    if (value === undefined || more.length > 0) throw new TypeError("each header is a pair of a name and a value");
    add(list, name, value);
  }
  return list;
}

function add(list, name, value) {
  name = nameOf(name);
  list.push(name, valueOf(name, value));
}

/** The value in a list, several joined with ", " (RFC 9110 section 5.3), null when there is none. */
export function fieldIn(list, name) {
  let joined = null;
  for (let i = 0; i < list.length; i += 2) {
    if (list[i] === name) joined = joined === null ? list[i + 1] : `${joined}, ${list[i + 1]}`;
  }
  return joined;
}

/** Where a name stands first in a list, -1 when it does not. */
export function indexIn(list, name) {
  for (let i = 0; i < list.length; i += 2) if (list[i] === name) return i;
  return -1;
}

function remove(list, name, from) {
  for (let i = list.length - 2; i >= from; i -= 2) if (list[i] === name) list.splice(i, 2);
}

/** The list of a Headers that may be changed. */
function own(headers) {
  if (headers._guard !== null) throw new TypeError(headers._guard);
  return headers._list;
}

/** Pairs in the order in which the standard iterates: sorted by name, joined, Set-Cookie apart. */
function sorted(list) {
  const names = [...new Set(list.filter((_, i) => i % 2 === 0))].sort();
  const pairs = [];
  for (const name of names) {
    if (name !== "set-cookie") pairs.push([name, fieldIn(list, name)]);
    else for (let i = 0; i < list.length; i += 2) if (list[i] === name) pairs.push([name, list[i + 1]]);
  }
  return pairs;
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A field name in lower case. It throws a TypeError for what is no token (RFC 9110 section 5.6.2). */
function nameOf(name) {
  name = String(name);
  if (!token.test(name)) throw new TypeError(`${JSON.stringify(name)} is not a header name`);
  return name.toLowerCase();
}

// What makes a value need a second look: white space around it, or what may not be sent (RFC 9110 section 5.5).
const unusual = /^[\t\n\r ]|[\t\n\r ]$|[^\t\x20-\x7e\x80-\xff]/;
const around = /^[\t\n\r ]+|[\t\n\r ]+$/g;
const forbidden = /[^\t\x20-\x7e\x80-\xff]/;

/** A field value without white space around it. It throws a TypeError for control characters and for those above U+00FF. */
function valueOf(name, value) {
  if (typeof value !== "string") value = String(value);
  if (!unusual.test(value)) return value;
  value = value.replace(around, "");
  const bad = forbidden.exec(value);
  if (bad === null) return value;
  throw new TypeError(
    `the value of the header ${name} holds ${describe(bad[0])}, which cannot be sent: ` +
      (bad[0] > "\xff" ? "encode it, for instance with encodeURIComponent" : "remove it"),
  );
}

function describe(character) {
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}
