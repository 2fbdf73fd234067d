// Evaluates a bundle in the engine, inside this process, and gives the memory that it leaves behind.
//
// Two instances take part: one compiles, the other evaluates what was compiled, so that nothing of the compiler's work stays in
// the memory. Neither has a host: time stands still, and there are no sessions.

import { readFileSync } from "node:fs";

import { bundleName } from "./bundle.js";
import { BuildError, wanted } from "./problems.js";
import { withMemory } from "./wasm.js";

const engine = readFileSync(new URL("../engine/engine.wasm", import.meta.url));
const compiled = new WebAssembly.Module(engine);

/** What a handler exports (abi/events.witx). */
const handlerExports = ["memory", "_initialize", "subscriptions", "receive_buffer", "on_event"];

/** `build_status_t` of engine/build.h. */
const status = { done: 0, threw: 1, pending: 2, silent: 3 };

/** How deep the compiler may nest, in bytes: expressions in expressions, functions in functions. */
const compilerStack = 1 << 20;

/**
 * Makes a handler of a bundle.
 *
 * @param {{ code: string, positions: import("./positions.js").Positions }} bundle
 * @param {{ log?: (text: string) => void }} options `log` hears what the code prints meanwhile
 * @returns {Uint8Array} the module
 */
export function evaluate({ code, positions }, { log = () => {} } = {}) {
  const translate = (text) => positions.translate(text, bundleName);
  const bytecode = new Instance(log, translate).compile(code, positions);
  return new Instance(log, translate).evaluate(bytecode);
}

class Instance {
  constructor(log, translate) {
    this.translate = translate;
    this.host = new Host(log);
    const { exports } = new WebAssembly.Instance(compiled, this.host.imports());
    this.exports = exports;
    this.host.memory = exports.memory;
    this.stackTop = exports.__stack_pointer.value;
  }

  /** Gives the compiled module as the engine writes it. */
  compile(code, positions) {
    const { exports } = this;
    const stack = exports.build_room(compilerStack);
    exports.__stack_pointer.value = stack + compilerStack;
    this.check(
      this.run(() => exports.build_begin(stack)),
      "The engine does not start",
    );
    const source = this.write(new TextEncoder().encode(`${code}\0`));
    const name = this.write(new TextEncoder().encode(`${bundleName}\0`));
    this.check(
      this.run(() => exports.build_compile(source.at, source.size - 1, name.at)),
      "The bundle is refused by the engine",
    );
    for (const file of positions.files) {
      const { at, size } = this.write(new TextEncoder().encode(file));
      exports.build_file(at, size);
    }
    exports.build_map(this.write(positions.table()).at, positions.rows.length);
    this.check(
      this.run(() => exports.build_code()),
      "The code cannot be compiled",
    );
    return this.result();
  }

  /** Evaluates a compiled module and gives the handler. */
  evaluate(bytecode) {
    const { exports } = this;
    this.check(
      this.run(() => exports.build_begin(0)),
      "The engine does not start",
    );
    const { at, size } = this.write(bytecode);
    const outcome = this.run(() => exports.build_evaluate(at, size));
    if (outcome === status.pending) {
      throw new BuildError(
        `The module waits for a promise that nothing will settle: outside of a request there is no host to do it.\n` +
          `${this.resultText()}\nMove what it waits for into the handler.`,
      );
    }
    if (outcome === status.silent) throw new BuildError(`The module handles no requests.\n\n${wanted}`);
    this.check(outcome, "The module failed while it was evaluated");
    exports.build_end();
    if (exports.__stack_pointer.value !== this.stackTop)
      throw new Error("the engine did not come back to the top of its stack");
    const memory = new Uint8Array(exports.memory.buffer);
    memory.fill(0, 0, this.stackTop); // the stack lies at the bottom, and nothing runs
    return withMemory(engine, memory, handlerExports);
  }

  /** Calls the engine. What ends it from within is the author's code as a rule. */
  run(call) {
    try {
      return call();
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError))
        throw new BuildError(`The module broke the engine while it was built: ${error.message}`);
      throw new BuildError(`The module broke the engine while it was built: ${error.message}`);
    }
  }

  check(outcome, heading) {
    if (outcome === status.threw) throw new BuildError(`${heading}:\n${this.resultText()}`);
  }

  write(bytes) {
    const at = this.exports.build_room(bytes.length);
    if (at === 0) throw new BuildError("The module is too large: the engine has no memory left");
    new Uint8Array(this.exports.memory.buffer).set(bytes, at);
    return { at, size: bytes.length };
  }

  result() {
    const view = new DataView(this.exports.memory.buffer);
    const record = this.exports.build_result();
    return new Uint8Array(view.buffer, view.getUint32(record, true), view.getUint32(record + 4, true)).slice();
  }

  resultText() {
    return this.translate(new TextDecoder().decode(this.result())).trimEnd();
  }
}

/** The host that there is while a handler is built. */
class Host {
  constructor(log) {
    this.log = log;
    this.memory = null;
  }

  imports() {
    const absent = () => {
      throw new Error("the engine called a host that is not there");
    };
    const imports = { http_events_v1: {}, wasi_snapshot_preview1: {} };
    for (const { module, name } of WebAssembly.Module.imports(compiled)) imports[module][name] = absent;
    Object.assign(imports.wasi_snapshot_preview1, {
      clock_time_get: (clock, precision, to) => this.time(clock, to),
      fd_write: (stream, pieces, count, written) => this.print(pieces, count, written),
    });
    return imports;
  }

  /** The monotonic clock, by which the engine ends what does not end, and a fixed date: the same code gives the same module. */
  time(clock, to) {
    const now = clock === 0 ? BigInt(process.env.SOURCE_DATE_EPOCH ?? 0) * 1_000_000_000n : process.hrtime.bigint();
    new DataView(this.memory.buffer).setBigUint64(to, now, true);
    return 0;
  }

  print(pieces, count, written) {
    const view = new DataView(this.memory.buffer);
    let size = 0;
    for (let i = 0; i < count; i++) {
      const [at, length] = [view.getUint32(pieces + 8 * i, true), view.getUint32(pieces + 8 * i + 4, true)];
      this.log(new TextDecoder().decode(new Uint8Array(view.buffer, at, length)));
      size += length;
    }
    view.setUint32(written, size, true);
    return 0;
  }
}
