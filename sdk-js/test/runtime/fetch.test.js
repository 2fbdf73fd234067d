import assert from "node:assert/strict";
import { test } from "node:test";

import { load, settled } from "./host.js";

const handler = (body) => load(`export default { async fetch(request, env, ctx) { ${body} } };`);

test("a string is answered in one call", async () => {
  const host = await load(`export default { fetch: () => new Response("Hello, world!\\n") };`);
  const { status, fields, text } = await host.fetch("GET", "/");
  assert.deepEqual([status, fields, text], [200, [["content-type", "text/plain;charset=UTF-8"]], "Hello, world!\n"]);
  assert.deepEqual(host.heads.size, 0, "the head is not given back");
});

test("the request", async () => {
  const host = await handler(`
    return Response.json([request.method, request.url, request.headers.get("X-One"), [...request.headers], await request.text()]);`);
  const { text } = await host.fetch(
    "PUT",
    "/a?b=c",
    [
      ["Host", "example.com:81"],
      ["X-One", "1"],
      ["x-one", "2"],
    ],
    "bödy",
  );
  assert.deepEqual(JSON.parse(text), [
    "PUT",
    "http://example.com:81/a?b=c",
    "1, 2",
    [
      ["content-length", "5"],
      ["host", "example.com:81"],
      ["x-one", "1, 2"],
    ],
    "bödy",
  ]);
});

test("a request without a body has none", async () => {
  const host = await handler(`return Response.json([request.body, request.bodyUsed, await request.text()])`);
  assert.equal((await host.fetch("GET", "/")).text, `[null,false,""]`);
});

test("a body is read once", async () => {
  const host = await handler(`
    await request.text();
    return new Response(await request.text().catch((error) => error.message + request.bodyUsed));`);
  assert.match((await host.fetch("POST", "/", [], "x")).text, /^the body was read already.*true$/);
});

test("the headers of a request cannot be changed", async () => {
  const host = await handler(`request.headers.set("a", "b")`);
  assert.equal((await host.fetch("GET", "/")).status, 500);
  assert.match(host.log[0], /^Uncaught \(\w+ \S+\): TypeError: the headers of a request that came in cannot be changed/);
});

test("headers", async () => {
  const host = await handler(`
    const headers = new Headers([["B", "2"], ["a", " 1 "], ["Set-Cookie", "x"], ["set-cookie", "y"]]);
    headers.append("b", "3");
    const bad = [];
    for (const [name, value] of [["a b", ""], ["", ""], ["a", "b\\nc"], ["a", "\\u0100"], ["a", "\\0"]]) {
      try { headers.set(name, value); bad.push("taken"); } catch (error) { bad.push(error.constructor === TypeError); }
    }
    headers.set("C", "4"); headers.delete("c");
    return Response.json([[...headers], headers.getSetCookie(), headers.get("none"), headers.has("A"), bad]);`);
  assert.deepEqual(JSON.parse((await host.fetch("GET", "/")).text), [
    [
      ["a", "1"],
      ["b", "2, 3"],
      ["set-cookie", "x"],
      ["set-cookie", "y"],
    ],
    ["x", "y"],
    null,
    true,
    [true, true, true, true, true],
  ]);
});

test("responses", async () => {
  const host = await handler(`
    const { pathname } = new URL(request.url);
    switch (pathname) {
      case "/status": return new Response("", { status: 404, statusText: "Nope", headers: { "X-A": "b" } });
      case "/null": return new Response(null, { status: 204 });
      case "/redirect": return Response.redirect("http://example.com/a b", 307);
      case "/json": return Response.json({ a: 1 }, { status: 201 });
      case "/params": return new Response(new URLSearchParams({ a: "b c", "ü": "&" }));
      case "/blob": return new Response(new Blob(["a", new Uint8Array([98]), new Blob(["c"])], { type: "text/X" }));
      case "/bytes": return new Response(new Uint8Array([104, 105]));
      case "/iterable": return new Response((async function* () { yield "a"; yield new Uint8Array([98]); })());
      case "/later": { const r = new Response("x"); r.headers.set("a", "b"); return r; }
      case "/clone": { const r = new Response("x", { headers: { a: "b" } }); const c = r.clone(); return new Response((await r.text()) + (await c.text()), c); }
    }`);
  const ask = async (path) => {
    const { status, fields, text } = await host.fetch("GET", path);
    return [status, Object.fromEntries(fields), text];
  };
  const plain = { "content-type": "text/plain;charset=UTF-8" };
  assert.deepEqual(await ask("/status"), [404, { "x-a": "b", ...plain }, ""]);
  assert.deepEqual(await ask("/null"), [204, {}, ""]);
  assert.deepEqual(await ask("/redirect"), [307, { location: "http://example.com/a%20b" }, ""]);
  assert.deepEqual(await ask("/json"), [201, { "content-type": "application/json" }, `{"a":1}`]);
  assert.deepEqual(await ask("/params"), [
    200,
    { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" },
    "a=b+c&%C3%BC=%26",
  ]);
  assert.deepEqual(await ask("/blob"), [200, { "content-type": "text/x" }, "abc"]);
  assert.deepEqual(await ask("/bytes"), [200, {}, "hi"]);
  assert.deepEqual(await ask("/iterable"), [200, {}, "ab"]);
  assert.deepEqual(await ask("/later"), [200, { ...plain, a: "b" }, "x"]);
  assert.deepEqual(await ask("/clone"), [200, { a: "b", ...plain }, "xx"]);
  assert.deepEqual(host.log, []);
});

test("what a Response may not be", async () => {
  const host = await handler(`
    const errors = [];
    for (const make of [
      () => new Response("x", { status: 204 }), () => new Response(null, { status: 199 }), () => new Response(null, { status: 600 }),
      () => Response.json(undefined), () => Response.redirect("http://a/", 200), () => Response.redirect("/relative"),
      () => new Response(null, { statusText: "a\\n" }), () => new Response(null, { headers: { "a b": "c" } }),
    ]) try { make(); errors.push("made"); } catch (error) { errors.push(error.name); }
    return Response.json(errors);`);
  assert.deepEqual(JSON.parse((await host.fetch("GET", "/")).text), [
    "TypeError",
    "RangeError",
    "RangeError",
    "TypeError",
    "RangeError",
    "TypeError",
    "TypeError",
    "TypeError",
  ]);
});

test("a stream goes out as fast as the peer reads", async () => {
  const host = await load(`
    let pulled = 0;
    export default { fetch: () => new Response(new ReadableStream({
      pull(controller) {
        if (++pulled > 100) return controller.close();
        controller.enqueue(new Uint8Array(32 << 10).fill(pulled));
        globalThis.pulled = pulled;
      },
    })) };`);
  const session = host.open("GET", "/");
  session.slow = true;
  await session.send([]);
  assert.ok(host.context.pulled <= 7, `${host.context.pulled} pieces were pulled with room for 4`);
  session.slow = false;
  await session.read();
  const { body, streaming } = await session.answer();
  assert.equal(body.length, 100 * (32 << 10));
  assert.equal(streaming, true);
});

test("a body comes in as fast as it is read", async () => {
  const host = await load(`
    let next;
    globalThis.go = () => next();
    export default { async fetch(request) {
      let size = 0;
      for await (const piece of request.body) {
        size += piece.length;
        await new Promise((resolve) => (next = resolve));
      }
      return new Response(String(size));
    } };`);
  const session = host.open("POST", "/", [["transfer-encoding", "chunked"]]);
  const sent = session.send([new Uint8Array(10), new Uint8Array(20), new Uint8Array(30)]);
  for (let i = 0; i < 3; i++) {
    await settled();
    await settled();
    await settled();
    assert.ok(session.paused || i === 2, "the peer is not paused while nobody reads");
    host.context.go();
    await settled();
  }
  await sent;
  assert.equal((await session.answer()).text, "60");
});

test("a body is sent back as it comes, with its trailers", async () => {
  const host = await load(`export default { fetch: (request) =>
    new Response(request.body, { headers: { "content-type": "a/b" }, trailers: request.trailers }) };`);
  const session = host.open("POST", "/", [["transfer-encoding", "chunked"]]);
  await session.data("one ");
  assert.equal(Buffer.concat(session.pieces).toString(), "one ");
  await session.data("two");
  await session.send([], [["X-Sum", "7"]]);
  const { text, trailers } = await session.answer();
  assert.deepEqual([text, trailers], ["one two", [["x-sum", "7"]]]);
});

test("a body that is sent back waits for a slow peer", async () => {
  const host = await load(`export default { fetch: (request) => new Response(request.body) };`);
  const session = host.open("POST", "/", [["transfer-encoding", "chunked"]]);
  session.slow = true;
  const pieces = Array.from({ length: 6 }, (_, i) => new Uint8Array(64 << 10).fill(i));
  const sent = session.send(pieces);
  for (let i = 0; i < 20; i++) await settled();
  assert.ok(session.paused, "the request is read while the answer is not");
  session.slow = false;
  await session.read();
  await sent;
  const { body } = await session.answer();
  assert.deepEqual(body, Buffer.concat(pieces));
});

test("an answer to HEAD has no body, and its stream is cancelled", async () => {
  const host = await load(`export default { fetch: () => new Response(new ReadableStream({
    cancel() { globalThis.cancelled = true; } }), { headers: { "content-length": "5" } }) };`);
  const { status, headers, text } = await host.fetch("HEAD", "/");
  assert.deepEqual([status, headers.get("content-length"), text], [200, "5", ""]);
  assert.equal(host.context.cancelled, true);
});

test("trailers, informational answers and the environment", async () => {
  const host = await load(
    `export default { fetch(request, env, ctx) {
    ctx.sendInformational(103, { link: "</a>" });
    return new Response("x" + env.NAME, { trailers: () => ({ "X-T": "1" }) });
  } };`,
    { environ: ["NAME", "välue"] },
  );
  const { text, trailers, informational } = await host.fetch("GET", "/");
  assert.deepEqual([text, trailers, informational], ["xvälue", [["x-t", "1"]], [[103, [["link", "</a>"]]]]]);
});

test("what goes wrong is answered 500 and logged", async () => {
  const host = await handler(`
    switch (request.url.slice(16)) {
      case "/throw": throw new RangeError("out", { cause: new Error("within") });
      case "/reject": return Promise.reject(new Error("later"));
      case "/nothing": return;
      case "/object": return { status: 200 };
      case "/string": throw "text";
      case "/used": { const r = new Response("x"); await r.text(); return r; }
      case "/long": return new Response("four", { headers: { "content-length": "5" } });
      case "/timer": setTimeout(() => {}, 1);
      case "/fetch": await fetch("http://example.com");
    }`);
  const ask = async (path, expected) => {
    const { status, text } = await host.fetch("GET", path);
    assert.deepEqual([status, text], [500, "Internal Server Error\n"], path);
    assert.match(host.log.pop(), expected);
  };
  await ask("/throw", /^Uncaught \(\w+ \S+\): RangeError: out\n(.|\n)*caused by Error: within/);
  await ask("/reject", /^Uncaught \(\w+ \S+\): Error: later/);
  await ask("/nothing", /has to return a Response or a promise of one, not undefined/);
  await ask("/object", /not Object/);
  await ask("/string", /^Uncaught \(\w+ \S+\): text \(thrown, but not an Error\)/);
  await ask("/used", /was read already/);
  await ask("/long", /Content-Length is not the length of the body \(invalid\)/);
  await ask("/timer", /setTimeout is not supported yet/);
  await ask("/fetch", /fetch\(\) to other servers is not supported yet/);
});

test("what goes wrong in the middle cuts the answer", async () => {
  const host = await handler(`
    const path = request.url.slice(16);
    return new Response(new ReadableStream({
      pull(controller) {
        if (path === "/error") { controller.enqueue(new Uint8Array(1)); controller.error(new Error("broken")); }
        if (path === "/long") controller.enqueue(new Uint8Array(6));
        if (path === "/short") { controller.enqueue(new Uint8Array(4)); controller.close(); }
        if (path === "/text") controller.enqueue("text");
      },
      cancel(reason) { console.log("cancelled", reason.message); },
    }), { headers: path === "/error" || path === "/text" ? {} : { "content-length": "5" } });`);
  for (const [path, expected] of [
    ["/error", /^Uncaught \(\w+ \S+\): Error: broken/],
    ["/long", /^Uncaught \(\w+ \S+\): SluiceError: sendData: the body is longer than Content-Length/],
    ["/short", /^Uncaught \(\w+ \S+\): SluiceError: sendEnd: the body is shorter than Content-Length/],
    ["/text", /has to give Uint8Array, not string/],
  ]) {
    const { cut } = await host.fetch("GET", path);
    await settled();
    assert.equal(cut, true, path);
    assert.match(host.log.join("\n"), new RegExp(expected.source, "m"), path);
    host.log.length = 0;
  }
});

test("a peer that goes aborts the signal, the body and the stream", async () => {
  const host = await load(`export default { async fetch(request) {
    request.signal.addEventListener("abort", () => console.log("signal", request.signal.reason.name));
    try { await request.text(); } catch (error) { console.log("body", error.name); }
    return new Response("late");
  } };`);
  const session = host.open("POST", "/", [["content-length", "5"]]);
  await session.data("ab");
  await session.abort(1);
  assert.deepEqual(host.log.sort(), ["body AbortError", "signal AbortError"]);
  assert.equal(host.heads.size, 0);

  const streams = await load(`export default { fetch: () => new Response(new ReadableStream({
    cancel(reason) { console.log("cancelled", reason.name); } })) };`);
  const other = streams.open("GET", "/");
  await settled();
  await other.abort();
  assert.deepEqual(streams.log, ["cancelled AbortError"]);
});

test("sessions do not mix, and a body that nobody reads is thrown away", async () => {
  const host = await handler(`
    const id = new URL(request.url).searchParams.get("id");
    return new Response(id + await request.text());`);
  const sessions = ["a", "b", "c"].map((id) => host.open("POST", `/?id=${id}`, [["content-length", "2"]]));
  for (const session of sessions) await session.data("x");
  for (const session of sessions.reverse()) await session.send([String(session.id)]);
  assert.deepEqual(await Promise.all(sessions.map(async (session) => (await session.answer()).text)), ["cx3", "bx2", "ax1"]);
  assert.equal(host.heads.size, 0);

  const deaf = await load(
    `export default { fetch: (request) => request.url.endsWith("?") ? request.text() : new Response("no") };`,
  );
  const session = deaf.open("POST", "/", [["content-length", "9"]]);
  await session.data("123");
  assert.equal(session.discarding, true);
});

test("a handler that reads no body hears of none", async () => {
  const bits = async (source) => (await load(source)).mask.toString(2);
  assert.equal(await bits(`export default { fetch: () => new Response("text/plain") };`), "1000000010");
  assert.equal(await bits(`export default { fetch: () => Response.json({ a: 1 }) };`), "1000000010");
  assert.equal(await bits(`export default { fetch: async (request) => Response.json(await request.json()) };`), "1010001110");
  assert.equal(await bits(`export default { fetch: ({ body }) => new Response(body) };`), "1010101110");
});

test("waitUntil keeps what goes wrong from being lost", async () => {
  const host = await handler(
    `ctx.waitUntil((async () => { await null; console.log(request.url); throw new Error("after"); })()); return new Response("x");`,
  );
  await host.fetch("GET", "/");
  assert.equal(host.log[0], "http://localhost/");
  assert.match(host.log[1], /^Uncaught in waitUntil: Error: after/);
  assert.equal(host.heads.size, 0);
});

test("what is no handler is refused", async () => {
  await assert.rejects(load(`export const a = 1;`), /there is no default export/);
  await assert.rejects(load(`export default {};`), /the default export is no handler/);
  await assert.rejects(
    load(`export default { fetch() {}, on: { READY() {} } };`),
    /a handler either has fetch or listens to events/,
  );
});
