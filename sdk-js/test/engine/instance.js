// A host for handler modules, as small as can be: it delivers events and keeps what is sent. Every call succeeds.

import { Bytes, Closed, Data, Event, Field, Header, Line, Message, Trailer } from "../../abi.js";
import { writeClosed, writeData, writeHeader, writeLine, writeMessage, writeTrailer, writeBytes } from "../../abi.js";
import { readBytes, readField } from "../../abi.js";
import { evaluate } from "../../build/evaluate.js";

const noPositions = { files: [], rows: [], table: () => new Uint8Array(), translate: (text) => text };

/** Makes a handler of code that uses the natives itself, without the runtime. */
export function handlerOf(code, options) {
  return evaluate({ code: `const natives = globalThis.__sluice;\n${code}`, positions: noPositions }, options);
}

/** Makes an instance of code that answers every head with what a function `answer(head, session)` gives. */
export function answering(code, options) {
  return new Instance(
    handlerOf(`${code}
    natives.listen(2, (event, session, head) => {
      natives.send(session, 200, [], answer(head, session));
      natives.freeHead(head);
    });`),
    options,
  );
}

export class Instance {
  constructor(wasm, { environ = [], maxPages = 1024 } = {}) {
    this.calls = [];
    this.log = "";
    this.environ = environ.map((entry) => new TextEncoder().encode(`${entry}\0`));
    this.random = 0;
    this.session = 0;
    const module = new WebAssembly.Module(wasm);
    const { exports } = new WebAssembly.Instance(module, this.imports(module));
    this.exports = exports;
    this.maxPages = maxPages;
    exports._initialize();
    this.subscriptions = exports.subscriptions();
    this.place(exports.receive_buffer(0));
  }

  /** The answer to a request, sent by one call of `send`. */
  request(method = "GET", target = "/", fields = []) {
    const session = this.begin(method, target, fields);
    const sent = this.calls.filter((call) => call.session === session && call.name === "send");
    return sent.length === 1 ? new TextDecoder().decode(sent[0].body) : sent;
  }

  /** Delivers the head of a request and gives the number of its session. */
  begin(method = "GET", target = "/", fields = []) {
    const session = ++this.session;
    this.deliver(session, Event.LINE_READY, Line.size, (put, view, at) =>
      writeLine(view, at, { method: put(method), target: put(target), version: 0x0101 }),
    );
    this.deliver(session, Event.HEADER_READY, Header.size, (put, view, at) =>
      writeHeader(view, at, { fields: putFields(put, fields) }),
    );
    return session;
  }

  data(session, content, flags = 0) {
    this.deliver(session, Event.DATA_READY, Data.size, (put, view, at) =>
      writeData(view, at, { content: put(content), flags }),
    );
  }

  message(session, method, target, fields, body) {
    this.deliver(session, Event.READY, Message.size, (put, view, at) =>
      writeMessage(view, at, {
        line: { method: put(method), target: put(target), version: 0x0101 },
        fields: putFields(put, fields),
        body: put(body),
      }),
    );
  }

  trailer(session, fields) {
    this.deliver(session, Event.TRAILER_READY, Trailer.size, (put, view, at) =>
      writeTrailer(view, at, { fields: putFields(put, fields) }),
    );
  }

  closed(session, side, reason) {
    this.deliver(session, Event.CLOSED, Closed.size, (put, view, at) => writeClosed(view, at, { side, reason }));
  }

  /** Writes a payload into the receive buffer, in a larger one if need be, and calls `on_event`. */
  deliver(session, event, size = 0, write = () => {}) {
    const parts = [];
    let end = aligned(size);
    const plan = (value, length) => {
      parts.push([end, value]);
      const at = end;
      end = aligned(end + length);
      return at;
    };
    // Twice: the first time to learn how much room it takes.
    write(putter(plan, 0), new DataView(new ArrayBuffer(size)), 0);
    if (end > this.room.size) this.place(this.exports.receive_buffer(end));
    [parts.length, end] = [0, aligned(size)];
    write(putter(plan, this.room.base), new DataView(this.exports.memory.buffer), this.room.base);
    for (const [at, value] of parts) {
      if (value instanceof Uint8Array) new Uint8Array(this.exports.memory.buffer).set(value, this.room.base + at);
      else value(new DataView(this.exports.memory.buffer), this.room.base + at);
    }
    this.exports.on_event(session, event, this.room.base, end);
    this.bytes.fill(0xaa, this.room.base, this.room.base + end); // it was borrowed until the call returned
  }

  place(record) {
    if (record === 0) throw new Error("receive_buffer gave null");
    const view = new DataView(this.exports.memory.buffer);
    this.room = { base: view.getUint32(record, true), size: view.getUint32(record + 4, true) };
  }

  imports(module) {
    const imports = { http_events_v1: {}, wasi_snapshot_preview1: {} };
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      imports[from][name] = from === "http_events_v1" ? this.call(name) : () => 52; // ENOSYS
    }
    Object.assign(imports.wasi_snapshot_preview1, {
      clock_time_get: (clock, precision, to) => {
        const now = clock === 0 ? BigInt(Date.now()) * 1_000_000n : process.hrtime.bigint();
        this.view.setBigUint64(to, now, true);
        return 0;
      },
      random_get: (at, size) => {
        for (let i = 0; i < size; i++) this.bytes[at + i] = ++this.random;
        return 0;
      },
      environ_sizes_get: (count, size) => {
        this.view.setUint32(count, this.environ.length, true);
        this.view.setUint32(
          size,
          this.environ.reduce((sum, entry) => sum + entry.length, 0),
          true,
        );
        return 0;
      },
      environ_get: (table, at) => {
        this.environ.forEach((entry, i) => {
          this.view.setUint32(table + 4 * i, at, true);
          this.bytes.set(entry, at);
          at += entry.length;
        });
        return 0;
      },
      fd_write: (stream, pieces, count, written) => {
        let size = 0;
        for (let i = 0; i < count; i++) {
          const { ptr, len } = readBytes(this.view, pieces + Bytes.size * i);
          this.log += new TextDecoder().decode(this.bytes.slice(ptr, ptr + len));
          size += len;
        }
        this.view.setUint32(written, size, true);
        return 0;
      },
    });
    return imports;
  }

  get view() {
    return new DataView(this.exports.memory.buffer);
  }

  get bytes() {
    return new Uint8Array(this.exports.memory.buffer);
  }

  /** A call of the interface: keeps what it was given, read by the names of its parameters. */
  call(name) {
    return (session, ...args) => {
      const call = { name, session };
      if (["send", "send_head", "set_head", "send_informational"].includes(name)) call.status = args.shift();
      if (["send", "send_head", "set_head", "send_informational", "send_trailers", "upgrade"].includes(name)) {
        call.fields = this.fieldsAt(args.shift(), args.shift());
      }
      if (["send", "send_data"].includes(name)) call.body = this.bytes.slice(args[0], args[0] + args[1]);
      if (name === "auto_send") call.enabled = args[0];
      if (name === "get_read_state") this.bytes[args[0]] = 2;
      if (name === "get_write_state") this.bytes[args[0]] = 1;
      this.calls.push(call);
      return name.endsWith("_state") && session === 404 ? 0x7fff0005 : 0; // the upper half of a result may hold anything
    };
  }

  fieldsAt(at, count) {
    const text = ({ ptr, len }) => Buffer.from(this.bytes.slice(ptr, ptr + len)).toString("latin1");
    return Array.from({ length: count }, (_, i) => readField(this.view, at + Field.size * i)).flatMap((f) => [
      text(f.name),
      text(f.value),
    ]);
  }
}

function aligned(size) {
  return (size + 7) & ~7;
}

/** Gives a function that lays a value behind the record, and describes where it lies. */
function putter(plan, base) {
  const put = (value) => {
    const bytes = typeof value === "string" ? Buffer.from(value, "latin1") : value;
    return { ptr: base + plan(new Uint8Array(bytes), bytes.length), len: bytes.length };
  };
  put.table = (entries) => ({
    ptr:
      base +
      plan(
        (view, at) => entries.forEach((entry, i) => writeBytes(view, at + Bytes.size * i, entry)),
        Bytes.size * entries.length,
      ),
    len: entries.length / 2,
  });
  return put;
}

function putFields(put, fields) {
  return put.table(fields.flatMap(([name, value]) => [put(name), put(value)]));
}
