// Built handlers in the running program: what it makes of their errors, their appetite and their bodies.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "sluice-js-"));

const handler = `
const recurse = () => recurse();
let count = 0;
export default {
  async fetch(request) {
    switch (new URL(request.url).pathname) {
      case "/throw": throw new Error("thrown on purpose");
      case "/reject": await null; return Promise.reject(new Error("rejected on purpose"));
      case "/lost": Promise.reject(new Error("lost on purpose")); return new Response("answered\\n");
      case "/deep": try { recurse() } catch (error) { return new Response(String(error)) }
      case "/full": {
        const kept = [];
        try {
          for (;;) kept.push(new ArrayBuffer(4 << 20));
        } catch (error) {
          kept.length = 0;
          return new Response(String(error));
        }
      }
      case "/loop": for (;;);
      case "/count": return new Response(String(++count));
      case "/random": return new Response(String(Math.random()));
      case "/echo": return new Response(request.body, { headers: { "x-note": "\\u00fc" } });
      case "/text": return new Response((await request.text()).split("").reverse().join(""));
    }
    return new Response("hello");
  },
};`;

let child,
  port,
  log = "";

before(async () => {
  execFileSync("go", ["build", "-o", path.join(folder, "sluice"), "./host"], { cwd: root });
  writeFileSync(path.join(folder, "handler.ts"), handler);
  const cli = path.join(root, "sdk-js/build/cli.js");
  const { status, stderr } = spawnSync(process.execPath, [cli, "build", "handler.ts"], { cwd: folder, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  port = await freePort();
  // To fill a memory takes longer than a request may as a rule, and so does a machine that is busy with other tests.
  const config = `[server]\naddr = "127.0.0.1:${port}"\n[[route]]\nhandler = "handler.wasm"\n[limits]\ncpu = "1s"\n`;
  writeFileSync(path.join(folder, "sluice.toml"), config);
  child = spawn(path.join(folder, "sluice"), ["serve", "--config", "sluice.toml"], { cwd: folder });
  await new Promise((resolve, reject) => {
    const hear = (piece) => (log += piece).includes("Listening on") && resolve();
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("exit", () => reject(new Error(log)));
  });
});

after(() => {
  child?.kill();
  rmSync(folder, { recursive: true });
});

test("requests are answered, each by a clean instance", async () => {
  assert.equal((await fetchText("/")).text, "hello");
  for (let i = 0; i < 5; i++) assert.equal((await fetchText("/count")).text, "1");
});

test("random numbers differ from request to request", async () => {
  const numbers = await Promise.all(Array.from({ length: 8 }, async () => (await fetchText("/random")).text));
  assert.equal(new Set(numbers).size, 8);
});

test("errors are answered 500 and logged with the author's lines", async () => {
  for (const [place, message, line] of [
    ["/throw", "thrown on purpose", 7],
    ["/reject", "rejected on purpose", 8],
  ]) {
    assert.equal((await fetchText(place)).status, 500);
    await logged(message);
    await logged(`handler.ts:${line}:`);
  }
  assert.equal((await fetchText("/lost")).text, "answered\n");
  await logged("lost on purpose");
  await logged("handler.ts:9:");
});

test("deep recursion and too much memory are errors that handlers can catch", async () => {
  assert.match((await fetchText("/deep")).text, /^RangeError: /);
  assert.match((await fetchText("/full")).text, /out of memory|^RangeError/);
});

test("an endless loop is ended", async () => {
  assert.equal((await fetchText("/loop")).status, 503);
  assert.equal((await fetchText("/")).text, "hello");
});

test("bodies pass through, large ones and those that are no ASCII", async () => {
  const large = Buffer.alloc(3 << 20, "0123456789abcdef\u00e9\u20ac");
  assert.ok((await fetchText("/echo", large)).bytes.equals(large));
  assert.equal((await fetchText("/text", "h\u00e9llo \u20ac \u2713")).text, "\u2713 \u20ac oll\u00e9h");
});

function fetchText(place, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { port, host: "127.0.0.1", path: place, method: body === undefined ? "GET" : "POST" },
      (response) => {
        const pieces = [];
        response.on("data", (piece) => pieces.push(piece));
        response.on("end", () =>
          resolve({ status: response.statusCode, bytes: Buffer.concat(pieces), text: Buffer.concat(pieces).toString() }),
        );
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** Waits until the program has logged something. */
async function logged(text) {
  for (let i = 0; i < 100 && !log.includes(text); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(log.includes(text), `${text} in ${log}`);
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
