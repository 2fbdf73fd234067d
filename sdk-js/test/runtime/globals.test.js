import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { load } from "./host.js";

/** What a handler's function gives, as JSON. */
async function result(body) {
  const host = await load(
    `export default { async fetch(request, env, ctx) { return Response.json(await (async () => { ${body} })()); } };`,
  );
  const { status, text } = await host.fetch("GET", "/");
  assert.equal(status, 200, host.log.join("\n"));
  return JSON.parse(text);
}

test("text", async () => {
  assert.deepEqual(
    await result(`
    const decoder = new TextDecoder();
    const pieces = [[0xef, 0xbb, 0xbf, 0x61, 0xe2], [0x82], [0xac, 0xf0, 0x9f]].map((piece) => decoder.decode(new Uint8Array(piece), { stream: true }));
    let fatal;
    try { new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xff])); } catch (error) { fatal = error.name; }
    let label;
    try { new TextDecoder("latin1"); } catch (error) { label = error.name; }
    return [...pieces, decoder.decode(), fatal, label, [...new TextEncoder().encode("€")], new TextEncoder().encodeInto("a€€", new Uint8Array(5)),
      new TextDecoder("UTF8", { fatal: true }).decode(new TextEncoder().encode("\\ufffd"))];`),
    ["a", "", "€", "\ufffd", "TypeError", "RangeError", [226, 130, 172], { read: 2, written: 4 }, "\ufffd"],
  );
});

test("streams of text", async () => {
  assert.deepEqual(
    await result(`
    const stream = new ReadableStream({ start(c) { c.enqueue("a\\ud83d"); c.enqueue("\\ude00€"); c.close(); } })
      .pipeThrough(new TextEncoderStream()).pipeThrough(new TransformStream({ transform(piece, c) { for (const byte of piece) c.enqueue(Uint8Array.of(byte)); } }))
      .pipeThrough(new TextDecoderStream());
    let text = "";
    for await (const piece of stream) text += piece;
    return text;`),
    "a😀€",
  );
});

test("aborting", async () => {
  assert.deepEqual(
    await result(`
    const heard = [];
    const controller = new AbortController();
    const any = AbortSignal.any([new AbortController().signal, controller.signal]);
    controller.signal.onabort = (event) => heard.push(event.type);
    controller.signal.addEventListener("abort", { handleEvent: () => heard.push("object") }, { once: true });
    any.addEventListener("abort", () => heard.push(any.reason));
    controller.abort("why"); controller.abort("again");
    let thrown;
    try { AbortSignal.abort().throwIfAborted(); } catch (error) { thrown = error.name; }
    return [heard, any.aborted, thrown];`),
    [["why", "abort", "object"], true, "AbortError"],
  );
});

test("events", async () => {
  assert.deepEqual(
    await result(`
    const heard = [];
    const target = new EventTarget();
    const listener = (event) => { heard.push(event.type, event.target === target); event.preventDefault(); };
    target.addEventListener("a", listener); target.addEventListener("a", listener);
    target.addEventListener("a", (event) => event.stopImmediatePropagation());
    target.addEventListener("a", () => heard.push("never"));
    const gone = target.dispatchEvent(new Event("a", { cancelable: true }));
    target.removeEventListener("a", listener);
    return [heard, gone, target.dispatchEvent(new Event("b"))];`),
    [["a", true], false, true],
  );
});

test("copies", async () => {
  assert.deepEqual(
    await result(`
    const value = { a: [1, new Date(0)], m: new Map([["k", new Set([2])]]), b: new Uint8Array([3]) };
    value.self = value;
    const copy = structuredClone(value);
    let error;
    try { structuredClone(() => {}); } catch (thrown) { error = thrown.name; }
    return [copy !== value, copy.self === copy, copy.a[1].getTime(), [...copy.m.get("k")], [...copy.b], error];`),
    [true, true, 0, [2], [3], "DataCloneError"],
  );
});

test("blobs", async () => {
  assert.deepEqual(
    await result(`
    const blob = new Blob(["hällo"], { type: "Text/Plain" });
    const file = new File([blob.slice(0, 3)], "n", { lastModified: 5 });
    let streamed = "";
    for await (const piece of blob.stream()) streamed += new TextDecoder().decode(piece);
    return [blob.size, blob.type, await blob.slice(-2).text(), await file.text(), file.name, file.lastModified, file instanceof Blob, streamed];`),
    [6, "text/plain", "lo", "hä", "n", 5, true, "hällo"],
  );
});

test("randomness", async () => {
  const [uuid, filled, same, errors] = await result(`
    const array = crypto.getRandomValues(new Uint32Array(8));
    const errors = [];
    for (const wrong of [new Float64Array(1), new Uint8Array(65537)]) try { crypto.getRandomValues(wrong); } catch (error) { errors.push(error.name); }
    return [crypto.randomUUID(), array.some((n) => n > 0), crypto.randomUUID() === crypto.randomUUID(), errors];`);
  assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual([filled, same, errors], [true, false, ["TypeMismatchError", "QuotaExceededError"]]);
});

test("digests", async () => {
  const sizes = [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 1000];
  const found = await result(`
    const found = [];
    for (const size of ${JSON.stringify(sizes)}) {
      const bytes = Uint8Array.from({ length: size }, (_, i) => i);
      const whole = new Uint8Array(await crypto.subtle.digest("sha-256", bytes));
      const stream = new crypto.DigestStream({ name: "SHA-256" });
      const writer = stream.getWriter();
      for (let at = 0; at < size; at += 37) await writer.write(bytes.subarray(at, at + 37));
      await writer.close();
      found.push([whole.toHex(), new Uint8Array(await stream.digest).toHex()]);
    }
    let error;
    try { await crypto.subtle.digest("SHA-1", new Uint8Array()); } catch (thrown) { error = thrown.name; }
    return [found, error];`);
  const expected = sizes.map((size) =>
    createHash("sha256")
      .update(Uint8Array.from({ length: size }, (_, i) => i))
      .digest("hex"),
  );
  assert.deepEqual(found, [expected.map((hex) => [hex, hex]), "NotSupportedError"]);
});

test("what is not there yet says so", async () => {
  assert.deepEqual(
    await result(`
    const errors = [];
    for (const call of [() => setTimeout(() => {}), () => setInterval(() => {}), () => AbortSignal.timeout(1), () => fetch("http://a/")]) {
      try { await call(); errors.push("worked"); } catch (error) { errors.push(/not supported yet/.test(error.message)); }
    }
    clearTimeout(1);
    return errors;`),
    [true, true, true, true],
  );
});

test("console writes as Node.js does", async () => {
  const host = await load(`export default { fetch(request) {
    console.log("%s is %d and %j%%", "a", "42", { b: 1 }, "more", 5);
    console.log({ a: 1, "b-c": "d'e", f: [1, , "x"], g: { h: { i: { j: 1 } } }, k() {}, L: class M {}, s: Symbol("t"), n: null, u: undefined });
    console.log([new Map([["a", { b: 1 }]]), new Set([1]), new Date(0), /r/g, new Uint8Array(3), -0, 10n, new (class Foo { x = 1; })()]);
    const loop = { name: "loop" }; loop.loop = loop;
    console.log(loop, Object.create(null));
    console.log(Array.from({ length: 120 }, (_, i) => i).slice(0, 101).length, "x".repeat(3));
    console.log(new Headers({ a: "b" }), new URLSearchParams("c=d"));
    console.group("g"); console.error("in"); console.groupEnd();
    console.count(); console.count("x"); console.count(); console.assert(false, "no"); console.assert(true);
    console.log({ get a() { throw new Error("never called"); }, set a(v) {} }, new Proxy({}, { ownKeys() { throw new Error("proxy"); } }));
    console.log(request);
    return new Response();
  } };`);
  await host.fetch("GET", "/a");
  assert.deepEqual(host.log, [
    `a is 42 and {"b":1}% more 5`,
    `{
  a: 1,
  'b-c': "d'e",
  f: [ 1, undefined, 'x' ],
  g: { h: { i: [Object] } },
  k: [Function: k],
  L: [class M],
  s: Symbol(t),
  n: null,
  u: undefined
}`,
    `[
  Map(1) { 'a' => { b: 1 } },
  Set(1) { 1 },
  1970-01-01T00:00:00.000Z,
  /r/g,
  Uint8Array(3) [ 0, 0, 0 ],
  -0,
  10n,
  Foo { x: 1 }
]`,
    `{ name: 'loop', loop: [Circular] } [Object: null prototype] {}`,
    `101 xxx`,
    `Headers { 'a' => 'b' } URLSearchParams { 'c' => 'd' }`,
    "g",
    "  in",
    "default: 1",
    "x: 1",
    "default: 2",
    "Assertion failed: no",
    `{ a: [Getter/Setter] } [object that cannot be shown: Error: proxy]`,
    `Request { method: 'GET', url: 'http://localhost/a', headers: Headers {} }`,
  ]);
});
