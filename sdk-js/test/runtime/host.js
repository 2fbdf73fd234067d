// A host for the runtime under test: handlers are bundled as the build bundles them, evaluated in a realm that has ECMAScript
// and nothing of Node.js, and hear sessions whose answers are kept. It frames nothing, but refuses what the engine refuses.

import vm from "node:vm";

import esbuild from "esbuild";

import { features } from "../../runtime/features.js";

const HEADER_READY = 1,
  DATA_READY = 2,
  READY = 3,
  DATA_DONE = 5,
  DONE = 6,
  TRAILER_READY = 7,
  CLOSED = 9;
const SUCCESS = 0,
  AGAIN = 1,
  INVALID = 2,
  STATE = 4,
  NO_SESSION = 5,
  GONE = 6,
  TOO_BIG = 7;
const highWater = 128 << 10;

/** Loads a handler from its source, in JavaScript. */
export async function load(source, { environ = [], name = "handler.js" } = {}) {
  const host = new Host(environ);
  const code = await bundled(source, name);
  host.context.__sluice = host.natives();
  vm.runInContext(code, host.context, { filename: "bundle.js" });
  if (host.context.__sluice !== undefined) throw new Error("the runtime has left __sluice to the handler");
  host.start?.();
  return host;
}

async function bundled(contents, sourcefile) {
  const resolveDir = new URL("..", import.meta.url).pathname;
  const stdin = { contents, sourcefile, resolveDir, loader: sourcefile.endsWith(".ts") ? "ts" : "js" };
  const common = {
    bundle: true,
    write: false,
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2024",
    logLevel: "silent",
  };
  const alone = await esbuild.build({ ...common, stdin, format: "esm", external: ["sluice-js", "sluice-js/*"] });
  const needed = features(alone.outputFiles[0].text);
  const handler = {
    name: "handler",
    setup(build) {
      build.onResolve({ filter: /^handler$/ }, () => ({ path: "handler", namespace: "handler" }));
      build.onLoad({ filter: /./, namespace: "handler" }, () => ({ contents, resolveDir, loader: stdin.loader }));
    },
  };
  const entry = `import "sluice:globals"; import { serve } from "../runtime/serve.js"; import * as handler from "handler"; serve(handler);`;
  const result = await esbuild.build({
    ...common,
    ...needed,
    plugins: [handler, ...needed.plugins],
    format: "iife",
    stdin: { contents: entry, resolveDir, sourcefile: "sluice:start" },
  });
  return result.outputFiles[0].text;
}

class Host {
  constructor(environ) {
    this.environ = environ;
    this.log = [];
    this.sessions = new Map();
    this.heads = new Map();
    this.last = 0;
    // What QuickJS-NG has beyond ECMAScript, and a realm of Node.js has not.
    this.context = vm.createContext({ DOMException, atob, btoa, queueMicrotask });
    vm.runInContext("delete globalThis.console; delete globalThis.WebAssembly;" + newer, this.context);
    this.bytes = vm.runInContext("(bytes) => Uint8Array.from(bytes)", this.context);
    this.list = vm.runInContext("(items) => Array.from(items)", this.context);
  }

  /** Begins a session with a request. */
  open(method, target, fields = []) {
    const session = new Session(this, ++this.last, {
      method,
      target,
      fields: fields.map(([name, value]) => [name.toLowerCase(), value]),
    });
    this.sessions.set(session.id, session);
    this.heads.set(session.id, session.head);
    session.deliver(HEADER_READY, session.id);
    return session;
  }

  /** A whole exchange: the request, then its answer. */
  async fetch(method, target, fields = [], body = "", trailers = []) {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    if (bytes.length > 0 && !fields.some(([name]) => /^content-length$|^transfer-encoding$/i.test(name))) {
      fields = [...fields, ["content-length", String(bytes.length)]];
    }
    const session = this.open(method, target, fields);
    await session.send(bytes, trailers);
    return session.answer();
  }

  natives() {
    const session = (id, call) => {
      const found = this.sessions.get(id);
      return found === undefined ? NO_SESSION : found.gone ? GONE : call(found);
    };
    const head = (id) => {
      const found = this.heads.get(id);
      if (found === undefined) throw new Error(`there is no head ${id}`);
      return found;
    };
    return {
      send: (id, status, fields, body) => session(id, (s) => s.sendWhole(status, fields, body)),
      sendHead: (id, status, fields) => session(id, (s) => s.sendHead(status, fields)),
      setHead: (id, status, fields) => session(id, (s) => s.setHead(status, fields)),
      autoSend: (id, enabled) => session(id, (s) => ((s.auto = enabled), SUCCESS)),
      sendData: (id, content) => session(id, (s) => s.sendData(content)),
      sendEnd: (id) => session(id, (s) => s.sendEnd([])),
      sendTrailers: (id, fields) => session(id, (s) => s.sendEnd(fields)),
      sendInformational: (id, status, fields) => session(id, (s) => s.inform(status, fields)),
      upgrade: () => STATE,
      holdContinue: () => SUCCESS,
      pause: (id) => session(id, (s) => ((s.paused = true), SUCCESS)),
      resume: (id) => session(id, (s) => s.resume()),
      discard: (id) => session(id, (s) => ((s.discarding = true), SUCCESS)),
      stream: (id) => session(id, (s) => ((s.streaming = true), SUCCESS)),
      drain: (id) => session(id, (s) => ((s.drained = true), SUCCESS)),
      close: (id) => session(id, (s) => s.close()),
      readState: (id) => this.sessions.get(id)?.readState ?? -1,
      writeState: (id) => this.sessions.get(id)?.writeState ?? -1,
      method: (id) => head(id).method,
      target: (id) => head(id).target,
      version: () => 0x0101,
      field: (id, name) => {
        const values = head(id)
          .fields.filter((field) => field[0] === name.toLowerCase())
          .map((field) => field[1]);
        return values.length === 0 ? null : values.join(", ");
      },
      fields: (id) => this.list(head(id).fields.flat()),
      freeHead: (id) => {
        head(id);
        this.heads.delete(id);
      },
      decode: (bytes) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes),
      encode: (text) => this.bytes(new TextEncoder().encode(text)),
      random: (bytes) => void crypto.getRandomValues(bytes),
      plainFields: (init) => {
        const found = Object.entries(init);
        if (
          !found.every(
            ([name, value]) =>
              /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) &&
              /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/.test(value),
          )
        )
          return undefined;
        return this.list(found.flatMap(([name, value]) => [name.toLowerCase(), value]));
      },
      fulfilled: (promise) => undefined, // JavaScript cannot know: the engine's way is tested by the suites
      sha256: compress,
      monotonic: () => performance.now(),
      environ: () => this.list(this.environ),
      print: (stream, text) => void this.log.push(text),
      listen: (mask, listener) => {
        this.mask = mask;
        this.listener = listener;
      },
      started: (callback) => void (this.start = callback),
      rejected: (report) => void (this.report = report),
    };
  }
}

/** Methods that QuickJS-NG has and the V8 of Node.js 20 has not. */
const newer = `
  Promise.withResolvers ??= function () {
    let resolve, reject;
    const promise = new Promise((a, b) => { resolve = a; reject = b; });
    return { promise, resolve, reject };
  };
  Uint8Array.fromHex ??= (text) => Uint8Array.from(text.match(/../g), (byte) => parseInt(byte, 16));
  Uint8Array.prototype.toHex ??= function () {
    return Array.from(this, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  ArrayBuffer.prototype.transfer ??= function () { return this.slice(0); };
`;

class Session {
  constructor(host, id, head) {
    Object.assign(this, { host, id, head, fields: null, status: 0, pieces: [], informational: [], trailers: [], queue: [] });
    Object.assign(this, { gone: false, auto: true, kept: null, paused: false, full: false, writeState: 0, readState: 1 });
    this.room = highWater;
    this.slow = false; // whether the peer takes nothing until drain() is called
    this.over = new Promise((resolve) => (this.finish = resolve));
  }

  deliver(event, payload, extra) {
    if (this.host.mask & (1 << event)) this.host.listener(event, this.id, payload, extra);
  }

  // What the peer does.

  /** Sends the body, in one piece or in many, as fast as it is taken, and the end. */
  async send(body, trailers = []) {
    for (const piece of Array.isArray(body) ? body : body.length > 0 ? [body] : []) await this.data(piece);
    if (trailers.length > 0) await this.event(TRAILER_READY, this.host.list(trailers.flat()));
    await this.event(READY);
    this.readState = 3;
  }

  data(piece) {
    this.readState = 2;
    return this.event(DATA_READY, this.host.bytes(typeof piece === "string" ? new TextEncoder().encode(piece) : piece), 0);
  }

  async event(event, payload, extra) {
    await settled();
    while (this.paused && this.writeState !== 3) {
      await new Promise((resolve) => (this.resumed = resolve));
      await settled();
    }
    if (this.gone || (this.discarding && event !== READY)) return;
    this.deliver(event, payload, extra);
    await settled();
  }

  /** Goes away. */
  async abort(reason = 2) {
    this.gone = true;
    this.deliver(CLOSED, 1, reason);
    this.host.sessions.delete(this.id);
    this.finish();
    await settled();
  }

  /** Takes what was sent. */
  async read() {
    this.room = highWater;
    if (this.full) this.deliver(DATA_DONE);
    this.full = false;
    await settled();
  }

  /** The answer, once it is complete or cut. */
  async answer() {
    await this.over;
    await settled();
    const body = Buffer.concat(this.pieces);
    return {
      status: this.status,
      headers: new Headers(this.fields ?? []),
      fields: this.fields,
      body,
      text: body.toString(),
      cut: this.cut === true,
      trailers: this.trailers,
      informational: this.informational,
      streaming: this.streaming === true,
    };
  }

  // What the handler does.

  sendWhole(status, fields, body = "") {
    const bytes = Buffer.from(body instanceof ArrayBuffer ? new Uint8Array(body) : body);
    if (this.writeState >= 2) return STATE;
    const length = pairs(fields).find(([name]) => name === "content-length")?.[1];
    if (length !== undefined && Number(length) !== bytes.length && this.head.method !== "HEAD") return INVALID;
    const errno = this.sendHead(status, fields);
    if (errno !== SUCCESS) return errno;
    if (this.writeState === 3) return SUCCESS;
    this.pieces.push(bytes);
    this.end();
    return SUCCESS;
  }

  sendHead(status, fields) {
    if (this.writeState >= 2) return STATE;
    if (status < 200 || status > 999) return INVALID;
    for (const text of fields) if (typeof text !== "string" || /[^\t\x20-\x7e\x80-\xff]/.test(text)) return INVALID;
    this.status = status;
    this.fields = pairs(fields);
    this.writeState = 2;
    this.length = this.fields.find(([name]) => name === "content-length")?.[1];
    if (this.head.method === "HEAD" || status === 204 || status === 304) this.end();
    return SUCCESS;
  }

  setHead(status, fields) {
    if (this.writeState >= 2) return STATE;
    this.kept = [status, fields];
    return SUCCESS;
  }

  sendData(content) {
    if (this.writeState < 2 && this.auto) this.sendHead(...(this.kept ?? [200, []]));
    if (this.writeState !== 2) return STATE;
    if (this.room <= 0) return ((this.full = true), AGAIN);
    const bytes = Buffer.from(content);
    if (this.length !== undefined && this.sent() + bytes.length > Number(this.length)) return TOO_BIG;
    this.pieces.push(bytes);
    this.room -= bytes.length;
    if (!this.slow) setImmediate(() => this.read());
    return SUCCESS;
  }

  sent() {
    return this.pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  sendEnd(trailers) {
    if (this.writeState < 2 && this.auto) this.sendHead(...(this.kept ?? [200, []]));
    if (this.writeState !== 2) return STATE;
    if (this.length !== undefined && this.sent() !== Number(this.length)) return (this.close(), INVALID);
    this.trailers = pairs(trailers);
    this.end();
    return SUCCESS;
  }

  inform(status, fields) {
    if (this.writeState >= 2) return STATE;
    if (status < 100 || status > 199 || status === 101) return INVALID;
    this.informational.push([status, pairs(fields)]);
    return SUCCESS;
  }

  resume() {
    this.paused = false;
    this.resumed?.();
    return SUCCESS;
  }

  close() {
    this.cut = true;
    this.finish();
    return SUCCESS;
  }

  end() {
    this.writeState = 3;
    this.resumed?.();
    this.finish();
    setImmediate(() => this.deliver(DONE));
  }
}

/** The inner loop of SHA-256 (FIPS 180-4 section 6.2.2), which Node.js has only together with its outside. */
function compress(state, blocks) {
  const view = new DataView(state.buffer, state.byteOffset);
  const rotated = (word, by) => (word >>> by) | (word << (32 - by));
  for (let at = 0; at < blocks.length; at += 64) {
    const w = Array.from({ length: 16 }, (_, t) => new DataView(blocks.buffer, blocks.byteOffset + at).getUint32(4 * t));
    for (let t = 16; t < 64; t++) {
      const s0 = rotated(w[t - 15], 7) ^ rotated(w[t - 15], 18) ^ (w[t - 15] >>> 3);
      const s1 = rotated(w[t - 2], 17) ^ rotated(w[t - 2], 19) ^ (w[t - 2] >>> 10);
      w[t] = (w[t - 16] + s0 + w[t - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = Array.from({ length: 8 }, (_, i) => view.getUint32(4 * i));
    for (let t = 0; t < 64; t++) {
      const one = (h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + ((e & f) ^ (~e & g)) + constants[t] + w[t]) | 0;
      const two = ((rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => view.setUint32(4 * i, view.getUint32(4 * i) + word));
  }
}

/**
 * The fractions of the cube roots of the first 64 primes (section 4.2.2), found by halving: 32 bits do not fit behind the
 * point.
 */
const constants = [];
for (let n = 2n; constants.length < 64; n++) {
  let prime = true;
  for (let by = 2n; by * by <= n; by++) prime &&= n % by !== 0n;
  if (!prime) continue;
  let root = 0n;
  for (let bit = 1n << 35n; bit > 0n; bit >>= 1n) if ((root | bit) ** 3n <= n << 96n) root |= bit;
  constants.push(Number(root & 0xffffffffn));
}

function pairs(flat) {
  const list = [];
  for (let i = 0; i < flat.length; i += 2) list.push([flat[i], flat[i + 1]]);
  return list;
}

/** Until nothing is left to do: the queue of jobs is empty. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}
