// console (https://console.spec.whatwg.org), to the log of the host: standard output for log, info and debug, standard error
// for the others. Values look as they do in Node.js.

import { describe } from "../errors.js";
import { natives } from "../natives.js";

const counts = new Map();
const begun = new Map(); // times, by label
let indent = "";

export const console = {
  log: (...values) => print(1, values),
  info: (...values) => print(1, values),
  debug: (...values) => print(1, values),
  warn: (...values) => print(2, values),
  error: (...values) => print(2, values),
  dir: (value) => print(1, [inspect(value)]),

  trace(...values) {
    const error = new Error(format(values));
    error.name = "Trace";
    print(2, [error]);
  },

  assert(condition, ...values) {
    if (condition) return;
    if (typeof values[0] === "string") print(2, [`Assertion failed: ${values[0]}`, ...values.slice(1)]);
    else print(2, ["Assertion failed", ...values]);
  },

  count(label = "default") {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    print(1, [`${label}: ${counts.get(label)}`]);
  },

  countReset: (label = "default") => void counts.delete(label),

  group(...values) {
    if (values.length > 0) print(1, values);
    indent += "  ";
  },

  groupEnd() {
    indent = indent.slice(2);
  },

  time: (label = "default") => void begun.set(label, natives.monotonic()),
  timeLog: (label = "default", ...values) => print(1, [`${label}: ${took(label)}`, ...values]),

  timeEnd(label = "default") {
    print(1, [`${label}: ${took(label)}`]);
    begun.delete(label);
  },
};

function took(label) {
  return begun.has(label) ? `${(natives.monotonic() - begun.get(label)).toFixed(3)}ms` : "was not begun";
}

function print(stream, values) {
  const text = format(values);
  natives.print(stream, indent === "" ? text : indent + text.replaceAll("\n", `\n${indent}`));
}

/** One text of many values, the first of which may say how to write the others. */
function format(values) {
  let used = 0;
  const parts = [];
  if (typeof values[0] === "string" && values.length > 1) {
    used = 1;
    parts.push(
      values[0].replace(/%([sdifjoOc%])/g, (directive, kind) => {
        if (kind === "%") return "%";
        return used < values.length ? directed(kind, values[used++]) : directive;
      }),
    );
  }
  for (; used < values.length; used++) parts.push(typeof values[used] === "string" ? values[used] : inspect(values[used]));
  return parts.join(" ");
}

function directed(kind, value) {
  switch (kind) {
    case "s":
      return typeof value === "object" && value !== null ? inspect(value, 1) : String(value);
    case "d":
      return typeof value === "bigint" ? `${value}n` : String(typeof value === "symbol" ? NaN : Number(value));
    case "i":
      return String(typeof value === "symbol" ? NaN : Number.parseInt(value, 10));
    case "f":
      return String(typeof value === "symbol" ? NaN : Number.parseFloat(value));
    case "j":
      return String(JSON.stringify(value));
    case "c":
      return "";
  }
  return inspect(value, 4);
}

const mostItems = 100; // of a list that are shown
const lineWidth = 72; // beyond it, each item has a line of its own

/** A value as text. Objects that lie deeper than `depth` are named only. */
function inspect(value, depth = 2, seen = []) {
  if (typeof value === "string") return seen.length === 0 ? value : quote(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return String(value);
  if (seen.includes(value)) return "[Circular]";
  try {
    return object(value, depth, [...seen, value]);
  } catch (error) {
    return `[object that cannot be shown: ${error}]`; // a getter or a proxy has thrown
  }
}

function object(value, depth, seen) {
  const item = (inner) => inspect(inner, depth - 1, seen);
  const name = nameOf(value);
  if (value instanceof Error || value instanceof DOMException) return describe(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (value instanceof Promise) return "Promise {}";
  if (Array.isArray(value)) return depth < 0 ? "[Array]" : list("[", "]", value, item, value.length);
  if (value instanceof ArrayBuffer) return `ArrayBuffer { byteLength: ${value.byteLength} }`;
  if (ArrayBuffer.isView(value) && value.length !== undefined)
    return list(`${name}(${value.length}) [`, "]", value, item, value.length);
  if (depth < 0) return `[${name}]`;
  if (value instanceof Map) {
    return list(`Map(${value.size}) {`, "}", value, ([key, inner]) => `${item(key)} => ${item(inner)}`, value.size);
  }
  if (value instanceof Set) return list(`Set(${value.size}) {`, "}", value, item, value.size);
  return named(value, name, item);
}

function nameOf(value) {
  const tag = typeof value === "function" ? undefined : value[Symbol.toStringTag];
  return typeof tag === "string" ? tag : value.constructor?.name || "Object";
}

/** Anything else: the name of its class, and what it has. */
function named(value, name, item) {
  const tag = value[Symbol.toStringTag];
  if (typeof tag === "string" && tag === name && typeof value.entries === "function") {
    const pairs = [...value.entries()];
    return list(`${name} {`, "}", pairs, ([key, inner]) => `${item(key)} => ${item(inner)}`, pairs.length);
  }
  const keys = Reflect.ownKeys(value).filter((key) => shown(value, key));
  let prefix = Object.getPrototypeOf(value) === null ? "[Object: null prototype] " : name === "Object" ? "" : `${name} `;
  if (typeof value === "function") {
    prefix = /^class\b/.test(Function.prototype.toString.call(value))
      ? `[class ${value.name}] `
      : `[Function: ${value.name || "(anonymous)"}] `;
    if (keys.length === 0) return prefix.trimEnd();
  } else if (tag === name)
    return `${prefix}${list("{", "}", visible(value), (key) => `${key}: ${item(value[key])}`, visible(value).length)}`;
  return `${prefix}${list("{", "}", keys, (key) => `${label(key)}: ${property(value, key, item)}`, keys.length)}`;
}

function shown(value, key) {
  return Object.prototype.propertyIsEnumerable.call(value, key) && !(typeof key === "string" && key.startsWith("_"));
}

/** What an object of the runtime shows: the simple getters of its class. */
function visible(value) {
  return ["method", "url", "status", "ok", "href", "type", "size", "name", "aborted", "headers"].filter(
    (key) => key in Object.getPrototypeOf(value) || Object.hasOwn(value, key),
  );
}

function property(value, key, item) {
  const { get, set } = Object.getOwnPropertyDescriptor(value, key);
  if (get === undefined && set === undefined) return item(value[key]);
  return get === undefined ? "[Setter]" : set === undefined ? "[Getter]" : "[Getter/Setter]";
}

function label(key) {
  if (typeof key === "symbol") return `[${String(key)}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : quote(key);
}

function list(open, close, values, item, size) {
  const items = [];
  for (const value of values) {
    if (items.length === mostItems) break;
    items.push(item(value));
  }
  if (size > mostItems) items.push(`... ${size - mostItems} more item${size === mostItems + 1 ? "" : "s"}`);
  if (items.length === 0) return open + close;
  const width = items.reduce((sum, text) => sum + text.length + 2, open.length);
  if (width <= lineWidth && !items.some((text) => text.includes("\n"))) return `${open} ${items.join(", ")} ${close}`;
  return `${open}\n  ${items.map((text) => text.replaceAll("\n", "\n  ")).join(",\n  ")}\n${close}`;
}

function quote(text) {
  const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes("`") ? "`" : "'";
  const escaped = text.replace(
    /[\\\n\r\t\0-\x1f\x7f]/g,
    (found) => escapes[found] ?? `\\x${found.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

const escapes = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
