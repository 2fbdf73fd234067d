import assert from "node:assert/strict";
import { test } from "node:test";

import { load, settled } from "./host.js";

test("a whole request is heard and answered", async () => {
  const host = await load(`
    export default { on: { READY({ session, head, body, type }) {
      session.resp.json([type, head.method, head.path, head.query, head.queryVar("a b"), head.queryVar("none"), head.header("X-One"),
        [...head.headers], [...head.cookies], String.fromCharCode(...body)], 201, { "X-Two": "2" });
    } } };`);
  assert.equal(host.mask, (1 << 3) | (1 << 5) | (1 << 9));
  const session = host.open("", "");
  host.sessions.delete(session.id);
  // Without DATA_READY the head comes with READY.
  const whole = {
    method: "POST",
    target: "/p/q?x=1&a+b=%C3%BC",
    fields: [
      ["x-one", "1"],
      ["cookie", `a=b; c="d"; a=e`],
    ],
  };
  host.sessions.set(7, Object.assign(session, { id: 7, head: whole }));
  host.heads.set(7, whole);
  host.listener(3, 7, 7, host.bytes([104, 105]));
  const { status, fields, text } = await session.answer();
  assert.equal(status, 201);
  assert.deepEqual(fields, [
    ["x-two", "2"],
    ["content-type", "application/json"],
  ]);
  assert.deepEqual(JSON.parse(text), [
    "READY",
    "POST",
    "/p/q",
    "x=1&a+b=%C3%BC",
    "ü",
    null,
    "1",
    [
      ["x-one", "1"],
      ["cookie", `a=b; c="d"; a=e`],
    ],
    [
      ["a", "b"],
      ["c", "d"],
    ],
    "hi",
  ]);
  assert.equal(host.heads.has(7), false);
});

test("events come in their order, frozen, to all who listen", async () => {
  const host = await load(`
    import { sluice } from "sluice-js";
    const heard = (name) => (event) => {
      const text = event.content ? String.fromCharCode(...event.content) : event.trailer ? event.trailer.get("X-T") : "";
      console.log(name, event.type, text, Object.isFrozen(event));
    };
    sluice.subscribe("DATA_READY", "READY", "TRAILER_READY");
    sluice.on("LINE_READY", heard("all"));
    sluice.on("HEADER_READY", (event) => {
      heard("all")(event);
      for (const type of ["DATA_READY", "TRAILER_READY", "READY"]) event.session.req.on(type, heard("one"));
      event.session.req.on("READY", () => event.session.resp.sendTrailers({ "X-End": "1" }));
      event.session.resp.sendHead(200, { a: "b" });
      console.log(event.session.resp.sendData("x"));
      try { event.session.req.on("DONE", () => {}); } catch (error) { console.log(error.message); }
      try { event.session.resp.sendHead(); } catch (error) { console.log(error.name, error.errno, error.message); }
    });`);
  const { text, trailers } = await host.fetch("POST", "/", [["transfer-encoding", "chunked"]], "body", [["X-T", "t"]]);
  assert.deepEqual([text, trailers], ["x", [["x-end", "1"]]]);
  assert.deepEqual(host.log, [
    "all LINE_READY  true",
    "all HEADER_READY  true",
    "true",
    `DONE is not delivered: listen to it, or sluice.subscribe("DONE"), when the module is evaluated`,
    "SluiceError state sendHead: a head was sent already: an answer has one (state)",
    "one DATA_READY body true",
    "one TRAILER_READY t true",
    "one READY  true",
  ]);
});

test("writable waits for room", async () => {
  const host = await load(`export default { on: { async HEADER_READY({ session }) {
    let waited = 0;
    for (let i = 0; i < 8; i++) {
      while (!session.resp.sendData(new Uint8Array(64 << 10))) { waited++; await session.resp.writable(); }
    }
    session.resp.sendEnd();
    console.log(waited > 0);
  } } };`);
  const session = host.open("GET", "/");
  session.slow = true;
  await settled();
  assert.deepEqual(host.log, []);
  session.slow = false;
  await session.read();
  assert.equal((await session.answer()).body.length, 8 * (64 << 10));
  assert.deepEqual(host.log, ["true"]);
});

test("what a listener throws is answered 500, or cuts", async () => {
  const host = await load(`export default { on: { async HEADER_READY({ session, head }) {
    if (head.target === "/begun") session.resp.sendHead();
    if (head.target === "/later") await null;
    throw new Error(head.target);
  } } };`);
  assert.equal((await host.fetch("GET", "/")).status, 500);
  assert.equal((await host.fetch("GET", "/later")).status, 500);
  assert.equal((await host.fetch("GET", "/begun")).cut, true);
  assert.equal(host.log.length, 3);
});

test("an unknown event is refused while the module is evaluated", async () => {
  await assert.rejects(load(`export default { on: { HEADERS() {} } };`), /there is no event HEADERS: there are LINE_READY,/);
  await assert.rejects(load(`export default { on: { READY: 1 } };`), /the listener of READY is not a function/);
});

test("CLOSED ends a session, and what waits for it", async () => {
  const host = await load(`export default { on: {
    async HEADER_READY({ session }) { session.resp.sendHead(); await session.resp.writable(); console.log("woken"); },
    CLOSED({ side, reason }) { console.log(side, reason); },
  } };`);
  const session = host.open("GET", "/");
  await session.abort(2);
  assert.deepEqual(host.log, ["both reset", "woken"]);
  assert.equal(host.heads.size, 0);
});
