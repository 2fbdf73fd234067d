// The binary format of WebAssembly, as far as a handler differs from the engine: exports, the size of memory, and data
// (https://webassembly.github.io/spec/core/binary/modules.html).

const section = { memory: 5, export: 7, data: 11, dataCount: 12 };
/** How many zeros in a row end a segment of data: a segment's own head takes as much as a handful of them. */
const gap = 16;

const page = 64 << 10;

/**
 * Makes a module that begins with a memory's content: the engine with other data. Everything that is executed stays the same,
 * byte for byte, so that a host can compile it once for all handlers.
 *
 * @param {Uint8Array} engine the module that had the memory
 * @param {Uint8Array} memory its whole memory
 * @param {string[]} kept the names of the exports that stay
 * @returns {Uint8Array}
 */
export function withMemory(engine, memory, kept) {
  const out = new Bytes();
  out.bytes(engine.subarray(0, 8)); // magic and version
  for (const { id, start, end } of sections(engine)) {
    const content = engine.subarray(start, end);
    if (id === section.memory) put(out, id, memoryOf(content, memory.length / page));
    else if (id === section.export) put(out, id, exportsOf(content, kept));
    else if (id === section.data) put(out, id, dataOf(memory));
    else if (id !== section.dataCount && id !== 0) put(out, id, content); // a count is needed by instructions that are not used
  }
  return out.done();
}

/** The sections of a module: their number, and where their content lies. */
export function* sections(module) {
  const reader = new Reader(module, 8);
  while (reader.at < module.length) {
    const id = reader.byte();
    const size = reader.u32();
    yield { id, start: reader.at, end: reader.at + size };
    reader.at += size;
  }
}

function put(out, id, content) {
  out.byte(id);
  out.u32(content.length);
  out.bytes(content);
}

function memoryOf(content, pages) {
  const reader = new Reader(content, 0);
  const count = reader.u32();
  const limits = reader.byte();
  if (count !== 1 || limits !== 0) throw new Error("the engine has other than one memory without a maximum");
  const out = new Bytes();
  out.u32(1);
  out.byte(limits);
  out.u32(pages);
  return out.done();
}

function exportsOf(content, kept) {
  const reader = new Reader(content, 0);
  const entries = [];
  for (let left = reader.u32(); left > 0; left--) {
    const start = reader.at;
    const name = new TextDecoder().decode(reader.bytes(reader.u32()));
    reader.byte(); // what it is
    reader.u32();
    if (kept.includes(name)) entries.push(content.subarray(start, reader.at));
  }
  if (entries.length !== kept.length) throw new Error(`the engine does not export all of ${kept.join(", ")}`);
  const out = new Bytes();
  out.u32(entries.length);
  for (const entry of entries) out.bytes(entry);
  return out.done();
}

function dataOf(memory) {
  const spans = [...contentOf(memory)];
  const out = new Bytes();
  out.u32(spans.length);
  for (const [start, end] of spans) {
    out.byte(0); // active, of the first memory
    out.byte(0x41); // i32.const
    out.s32(start);
    out.byte(0x0b); // end
    out.u32(end - start);
    out.bytes(memory.subarray(start, end));
  }
  return out.done();
}

/** The parts of a memory between long runs of zeros. */
function* contentOf(memory) {
  let at = 0;
  while (at < memory.length) {
    while (at < memory.length && memory[at] === 0) at++;
    if (at === memory.length) return;
    const start = at;
    let end = at; // behind the last byte that is not zero
    for (; at < memory.length && at - end < gap; at++) if (memory[at] !== 0) end = at + 1;
    yield [start, end];
  }
}

/** Bytes that are read one after the other. */
class Reader {
  constructor(buffer, at) {
    this.buffer = buffer;
    this.at = at;
  }

  byte() {
    return this.buffer[this.at++];
  }

  bytes(size) {
    this.at += size;
    return this.buffer.subarray(this.at - size, this.at);
  }

  /** An unsigned LEB128. */
  u32() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }
}

/** Bytes that are written one after the other. */
class Bytes {
  constructor() {
    this.buffer = new Uint8Array(64);
    this.length = 0;
  }

  room(size) {
    if (this.length + size <= this.buffer.length) return;
    const larger = new Uint8Array(2 * (this.length + size));
    larger.set(this.buffer);
    this.buffer = larger;
  }

  byte(value) {
    this.room(1);
    this.buffer[this.length++] = value;
  }

  bytes(values) {
    this.room(values.length);
    this.buffer.set(values, this.length);
    this.length += values.length;
  }

  /** An unsigned LEB128. */
  u32(value) {
    for (; value > 0x7f; value >>>= 7) this.byte((value & 0x7f) | 0x80);
    this.byte(value);
  }

  /** A signed LEB128 of a number that is not negative. */
  s32(value) {
    for (; value > 0x3f; value >>>= 7) this.byte((value & 0x7f) | 0x80);
    this.byte(value);
  }

  done() {
    return this.buffer.slice(0, this.length);
  }
}
