// What natives.d.ts says, held against built modules.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Event, Subscriptions } from "../../abi.js";
import { answering, handlerOf, Instance } from "./instance.js";

test("a head has its parts", () => {
  const instance = answering(`const answer = (head) => JSON.stringify({
    method: natives.method(head), target: natives.target(head), version: natives.version(head),
    host: natives.field(head, "HOST"), twice: natives.field(head, "x-twice"), missing: natives.field(head, "nothing"),
    wide: natives.field(head, "\\u0416"), rope: natives.field(head, ["x", "-"].join("").concat("twice".repeat(1))),
    fields: natives.fields(head),
  })`);
  const fields = [
    ["Host", "a.example"],
    ["X-Twice", "1"],
    ["Empty", ""],
    ["x-tWICE", "\u00e9"],
  ];
  assert.deepEqual(JSON.parse(instance.request("BREW", "/pot?\u00ff", fields)), {
    method: "BREW",
    target: "/pot?\u00ff",
    version: 0x0101,
    host: "a.example",
    twice: "1, \u00e9",
    missing: null,
    wide: null,
    rope: "1, \u00e9",
    fields: ["host", "a.example", "x-twice", "1", "empty", "", "x-twice", "\u00e9"],
  });
});

test("a head outlives its event, and ends when it is let go", () => {
  const instance = new Instance(
    handlerOf(`
    const kept = [];
    natives.listen(2 | 1 << 6, (event, session, head) => {
      if (event === 1) return void kept.push(head);
      natives.send(session, 200, natives.fields(kept[0]), natives.method(kept[1]) + natives.target(kept[0]));
      for (const one of kept) natives.freeHead(one);
      let refused;
      try { natives.method(kept[0]) } catch (error) { refused = error.message }
      natives.send(session, 200, [], refused);
    });`),
  );
  const first = instance.begin("GET", "/first", [["A", "1"]]);
  for (let i = 0; i < 9; i++) instance.begin("POST", "/more");
  instance.deliver(first, Event.DONE);
  const [answer, refusal] = instance.calls;
  assert.deepEqual([answer.fields, String.fromCharCode(...answer.body)], [["a", "1"], "POST/first"]);
  assert.equal(String.fromCharCode(...refusal.body), "there is no such head");
});

test("start lines find their fields when sessions are interleaved", () => {
  const instance = answering(`const answer = (head) => natives.target(head)`);
  const line = (session, target) =>
    instance.deliver(session, Event.LINE_READY, 20, (put, view, at) => {
      const [method, place] = [put("GET"), put(target)];
      [method.ptr, method.len, place.ptr, place.len, 0x0101].forEach((word, i) => view.setUint32(at + 4 * i, word, true));
    });
  for (let session = 1; session < 8; session++) line(session, `/${session}`);
  for (let session = 7; session > 0; session--)
    instance.deliver(session, Event.HEADER_READY, 8, (put, view, at) => view.setBigUint64(at, 0n, true));
  assert.deepEqual(
    instance.calls.map((call) => String.fromCharCode(...call.body)),
    ["/7", "/6", "/5", "/4", "/3", "/2", "/1"],
  );
});

test("every call of the interface is made with what it was given", () => {
  const instance = answering(`const answer = (head, s) => {
    const codes = [
      natives.sendHead(s, 201, ["a", "1"]), natives.setHead(s, 202, ["b", "2"]),
      natives.sendInformational(s, 103, ["link", "\\u00e9"]), natives.autoSend(s, false), natives.sendData(s, "d"),
      natives.sendEnd(s), natives.sendTrailers(s, ["t", "4"]), natives.upgrade(s, ["u", "5"]), natives.holdContinue(s),
      natives.pause(s), natives.resume(s), natives.discard(s), natives.stream(s), natives.drain(s), natives.close(s),
    ];
    return codes.join() + "," + natives.readState(s) + "," + natives.writeState(s) + "," + natives.readState(404);
  }`);
  assert.equal(instance.request(), `${"0,".repeat(15)}2,1,-1`);
  const calls = instance.calls.map(({ name, status, fields, body, enabled }) =>
    [name, status, fields?.join("="), body && String.fromCharCode(...body), enabled]
      .filter((part) => part !== undefined)
      .join(" "),
  );
  assert.deepEqual(calls.slice(0, 18), [
    "send_head 201 a=1",
    "set_head 202 b=2",
    "send_informational 103 link=\u00e9",
    "auto_send 0",
    "send_data d",
    "send_end",
    "send_trailers t=4",
    "upgrade u=5",
    "hold_continue",
    "pause",
    "resume",
    "discard",
    "stream",
    "drain",
    "close",
    "get_read_state",
    "get_write_state",
    "get_read_state",
  ]);
});

test("bodies are strings, arrays and buffers", () => {
  const instance = new Instance(
    handlerOf(`
    const bodies = [
      "", "plain", "\\u00e9\\u20ac\\u{1f600}", "\\ud800!", "ro" + "pe".repeat(9), undefined,
      new Uint8Array([1, 2, 3]).subarray(1), new ArrayBuffer(2),
    ];
    natives.listen(2, (event, session, head) => { for (const body of bodies) natives.send(session, 200, [], body) });`),
  );
  instance.begin();
  const utf8 = (text) => [...new TextEncoder().encode(text)];
  assert.deepEqual(
    instance.calls.map((call) => [...call.body]),
    [[], utf8("plain"), utf8("\u00e9\u20ac\u{1f600}"), utf8("\ufffd!"), utf8(`ro${"pe".repeat(9)}`), [], [2, 3], [0, 0]],
  );
});

test("fields are bytes, however their strings are held", () => {
  const instance = new Instance(
    handlerOf(`natives.listen(2, (event, session, head) => {
    const wide = "\\u0416\\u00e9".slice(1), rope = "a".repeat(200) + "b".repeat(200);
    const many = Array.from({ length: 300 }, (_, i) => ["n" + i, String(i)]).flat();
    natives.send(session, 200, [wide, rope], "");
    natives.send(session, 200, many, "");
  });`),
  );
  instance.begin();
  assert.deepEqual(instance.calls[0].fields, ["\u00e9", "a".repeat(200) + "b".repeat(200)]);
  assert.deepEqual(instance.calls[1].fields, Array.from({ length: 300 }, (_, i) => [`n${i}`, String(i)]).flat());
});

test("wrong arguments are TypeErrors", () => {
  const instance = answering(`
    const wrong = [
      () => natives.send("1", 200, [], ""), () => natives.send(-1, 200, [], ""), () => natives.send(1.5, 200, [], ""),
      () => natives.send(1, 200, {}, ""), () => natives.send(1, 200, ["a"], ""), () => natives.send(1, 200, ["a", 1], ""),
      () => natives.send(1, 200, ["a", "\\u0416"], ""), () => natives.send(1, 200, [], {}), () => natives.send(1, 200, [], 5),
      () => natives.send(), () => natives.method(0), () => natives.method(99), () => natives.method("1"),
      () => natives.print(3, ""),
      () => natives.random("x"), () => natives.decode(1), () => natives.listen(2, () => {}), () => natives.started(1),
      () => { const b = new Uint8Array(4); b.buffer.transfer(); natives.sendData(1, b.buffer) },
    ];
    const answer = () => wrong.map((call) => { try { return call() + "!" } catch (error) { return error.name } }).join()`);
  assert.equal(instance.request(), Array(19).fill("TypeError").join());
});

test("text is decoded and encoded as the Encoding Standard says", () => {
  const instance = new Instance(
    handlerOf(`
    natives.listen(4, (event, session, bytes) => {
      const text = natives.decode(bytes);
      natives.send(session, 200, [], JSON.stringify(Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))));
      natives.send(session, 200, [], natives.encode(text));
    });`),
  );
  const cases = [
    "",
    "ascii only",
    "\u00e9",
    "\u20ac",
    "\u{10ffff}x",
    "a\0b",
    [0xff],
    [0xc0, 0x80],
    [0xe2, 0x82],
    [0xe2, 0x82, 0x41],
    [0xed, 0xa0, 0x80],
    [0xf0, 0x90, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xf8, 0x88, 0x80, 0x80, 0x80],
    [0x41, 0x80, 0xc3, 0xa9],
    [0xef, 0xbb, 0xbf, 0x41],
    [0xc3],
  ].map((value) => (typeof value === "string" ? new TextEncoder().encode(value) : Uint8Array.from(value)));
  let seed = 1;
  for (let i = 0; i < 300; i++) {
    cases.push(Uint8Array.from({ length: i % 23 }, () => ((seed = (seed * 48271) % 2147483647) >> 7) & 0xff));
  }
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (const bytes of cases) {
    instance.calls = [];
    instance.data(1, bytes);
    const wanted = decoder.decode(bytes);
    const units = JSON.parse(String.fromCharCode(...instance.calls[0].body));
    assert.deepEqual(String.fromCharCode(...units), wanted, `decoding ${bytes}`);
    assert.deepEqual([...instance.calls[1].body], [...new TextEncoder().encode(wanted)], `encoding ${bytes}`);
  }
});

test("events bring what they are about", () => {
  const instance = new Instance(
    handlerOf(`natives.listen(0x3fe, (...args) => {
    const plain = args.slice(2).map((value) => value instanceof Uint8Array ? [...value] : value);
    natives.print(1, JSON.stringify([...args.slice(0, 2), ...plain]));
  });`),
  );
  assert.equal(instance.subscriptions, 0x3ff, "a start line goes with its fields");
  const session = instance.begin();
  instance.data(session, Uint8Array.of(7, 8), 3);
  instance.trailer(session, [["Sum", "1"]]);
  for (const event of [Event.READY, Event.HEADER_DONE, Event.DATA_DONE, Event.DONE, Event.UPGRADED])
    instance.deliver(session, event);
  instance.closed(session, 1, 6);
  assert.deepEqual(
    instance.log
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
    [
      [1, 1, 1, null],
      [2, 1, [7, 8], 3],
      [7, 1, ["sum", "1"], null],
      [3, 1, null, null],
      [4, 1, null, null],
      [5, 1, null, null],
      [6, 1, null, null],
      [8, 1, null, null],
      [9, 1, 1, 6],
    ],
  );
});

test("a whole message is a head and a body", () => {
  const instance = new Instance(
    handlerOf(`natives.listen(8, (event, session, head, body) => {
    natives.send(session, 200, natives.fields(head), natives.method(head) + natives.target(head) + body.length);
    natives.freeHead(head);
  });`),
  );
  assert.equal(instance.subscriptions, Subscriptions.READY);
  instance.message(5, "PUT", "/x", [["A", "b"]], new Uint8Array(200_000)); // larger than the first receive buffer
  assert.deepEqual([instance.calls[0].fields, String.fromCharCode(...instance.calls[0].body)], [["a", "b"], "PUT/x200000"]);
});

test("the environment is read when the instance starts", () => {
  const instance = new Instance(
    handlerOf(`let text; natives.started(() => { text = JSON.stringify(natives.environ()) });
      natives.listen(2, (event, session) => natives.send(session, 200, [], text));`),
    { environ: ["A=1", "EMPTY=", "Z=a=b \u20ac", "BARE"] },
  );
  assert.deepEqual(JSON.parse(instance.request()), ["A", "1", "EMPTY", "", "Z", "a=b \u20ac", "BARE", ""]);
});

test("randomness is each instance's own", () => {
  const wasm = handlerOf(`natives.listen(2, (event, session) => {
    const bytes = natives.random(new Uint8Array(3));
    natives.send(session, 200, [], [Math.random(), Math.random()].join());
  });`);
  const first = new Instance(wasm),
    second = new Instance(wasm);
  second.random = 77;
  const [a, b] = [first.request(), second.request()];
  assert.notEqual(a, b);
  for (const number of `${a},${b}`.split(",")) assert.ok(number >= 0 && number < 1);
});

test("clocks are live", () => {
  const instance = answering(`const answer = () => Date.now() + "," + natives.monotonic()`);
  const before = Date.now();
  const [date, time] = instance.request().split(",").map(Number);
  assert.ok(date >= before && date <= Date.now() && time > 0);
});

test("plain headers become fields, and others are left to the runtime", () => {
  const instance = answering(`
    const answer = () => JSON.stringify([
      { "Content-Type": "text/plain", "x-1": "caf\\u00e9", empty: "" }, {},
      { a: 1 }, { a: " blank" }, { a: "new\\nline" }, { a: "\\u0416" }, { "no token": "x" }, { "\\u00e9": "x" }, { "": "x" }, { a: "x" + "y".repeat(300) },
    ].map((init) => natives.plainFields(init) ?? "no"))`);
  const plain = [["content-type", "text/plain", "x-1", "caf\u00e9", "empty", ""], []];
  assert.deepEqual(JSON.parse(instance.request()).slice(0, 9), [...plain, ...Array(7).fill("no")]);
});

test("settled promises are looked into", () => {
  const instance = answering(`
    const answer = () => [Promise.resolve(7), new Promise(() => {}), 5].map((value) => natives.fulfilled(value)).join()`);
  assert.equal(instance.request(), "7,,");
});

test("SHA-256 takes whole blocks", () => {
  const instance = answering(`
    const state = Uint8Array.fromHex("6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19");
    const block = new Uint8Array(64);
    block.set([0x61, 0x62, 0x63, 0x80]);
    block[63] = 24;
    const answer = () => { natives.sha256(state, block); return state.toHex() }`);
  const wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // FIPS 180-4, of "abc"
  assert.equal(instance.request(), wanted);
});
