// What goes wrong in a handler, and what an instance may take.

import assert from "node:assert/strict";
import { test } from "node:test";

import { answering, handlerOf, Instance } from "./instance.js";

test("an uncaught error is printed and ends the instance", () => {
  const instance = answering(`const answer = function inner() { throw new RangeError("too much") }`);
  assert.throws(() => instance.request(), WebAssembly.RuntimeError);
  assert.match(instance.log, /^Uncaught RangeError: too much\n {4}at inner \(sluice:bundle:\d+:\d+\)\n/);
});

test("what is thrown need not be an error", () => {
  for (const [thrown, printed] of [
    ["'text'", "text"],
    ["null", "null"],
    ["{ toString() { throw 1 } }", "an error that cannot be turned into text"],
  ]) {
    const instance = answering(`const answer = () => { throw ${thrown} }`);
    assert.throws(() => instance.request(), WebAssembly.RuntimeError);
    assert.equal(instance.log, `Uncaught ${printed}\n`);
  }
});

test("rejections that nobody handles are told once the jobs are done", () => {
  const code = (report) => `${report}
    natives.listen(2, (event, session) => {
      const late = Promise.reject(new Error("handled in time"));
      Promise.resolve().then(() => late.catch(() => {}));
      Promise.reject(new Error("never handled"));
      queueMicrotask(() => Promise.reject("from a job"));
    });`;
  const told = new Instance(handlerOf(code(`natives.rejected((reason) => natives.print(2, String(reason)));`)));
  told.begin();
  assert.equal(told.log, "Error: never handled\nfrom a job\n");
  const untold = new Instance(handlerOf(code("")));
  assert.throws(() => untold.begin(), WebAssembly.RuntimeError);
  assert.match(untold.log, /^Uncaught Error: never handled\n/);
});

test("promises go on from one event to the next", () => {
  const instance = new Instance(
    handlerOf(`
    const waiting = new Map();
    natives.listen(4 | 8, async (event, session, bytes) => {
      if (event === 3) return waiting.get(session)("the end");
      const end = await new Promise((resolve) => waiting.set(session, resolve));
      natives.send(session, 200, [], natives.decode(bytes) + end);
    });`),
  );
  instance.data(1, Buffer.from("one, "));
  instance.data(2, Buffer.from("two, "));
  instance.deliver(2, 3);
  instance.deliver(1, 3);
  assert.deepEqual(
    instance.calls.map((call) => [call.session, String.fromCharCode(...call.body)]),
    [
      [2, "two, the end"],
      [1, "one, the end"],
    ],
  );
});

test("deep recursion is a RangeError", () => {
  const instance = answering(`
    let depth = 0;
    const plain = () => { depth++; plain() };
    const through = () => { depth++; [1].map(through) };
    const proxied = new Proxy({}, { get: () => { depth++; return proxied.x } });
    const ways = [plain, through, () => proxied.x, () => JSON.parse("[".repeat(1e5)), () => new RegExp("(".repeat(1e5)),
      () => { let deep = []; for (let i = 0; i < 1e5; i++) deep = [deep]; JSON.stringify(deep) }];
    const outcome = (way) => {
      depth = 0;
      try { way() } catch (error) { return error.name + (depth > 30 || depth === 0) }
    };
    const answer = () => ways.map(outcome).join()`);
  const outcomes = instance.request().split(",");
  assert.deepEqual(outcomes.slice(0, 3), Array(3).fill("RangeErrortrue"));
  for (const outcome of outcomes.slice(3)) assert.match(outcome, /^(Range|Syntax)Errortrue$/);
});

test("memory that the host does not give is an error that can be caught", () => {
  const wasm = handlerOf(`natives.listen(2, (event, session) => {
    let outcome, kept = [];
    try {
      for (;;) kept.push({ a: kept, b: [kept.length] });
    } catch (error) {
      kept.length = 0;
      outcome = error.name + ": " + error.message;
    }
    natives.send(session, 200, [], outcome);
  });`);
  const limited = withMaximum(wasm, 128);
  const instance = new Instance(limited);
  for (let i = 0; i < 3; i++) assert.equal(instance.request(), "InternalError: out of memory");
  assert.ok(instance.exports.memory.buffer.byteLength <= 128 * 65536);
});

test("memory does not grow over 20,000 requests", () => {
  const instance = answering(`
    const answer = (head) => {
      const cycle = { head: natives.fields(head) };
      cycle.self = cycle;
      return JSON.stringify(cycle.head) + natives.target(head) + natives.decode(natives.encode("\\u20ac"));
    }`);
  const size = () => instance.exports.memory.buffer.byteLength;
  const requests = (count) => {
    for (let i = 0; i < count; i++) {
      instance.calls = [];
      instance.request("GET", `/${i}`, [
        ["Host", "a.example"],
        ["Accept", "*/*"],
      ]);
    }
  };
  requests(20_000); // until garbage was collected the first time
  const settled = size();
  requests(20_000);
  assert.equal(size(), settled);
});

/** A module whose memory has a maximum, in pages of 64 KiB: what a host that gives no more looks like from within. */
function withMaximum(wasm, pages) {
  let at = 8;
  const leb = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  for (;;) {
    const start = at;
    const id = wasm[at++];
    const size = leb();
    if (id !== 5) {
      at += size;
      continue;
    }
    const minimum = wasm.slice(at + 2, at + size);
    const section = [5, 0, 1, 1, ...minimum, (pages & 0x7f) | 0x80, pages >> 7];
    section[1] = section.length - 2;
    return Buffer.concat([wasm.slice(0, start), Uint8Array.from(section), wasm.slice(at + size)]);
  }
}
