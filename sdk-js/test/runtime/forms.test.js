import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./host.js";

const multipart = [
  "preamble",
  "--b",
  'Content-Disposition: form-data; name="title"',
  "",
  "Ulysses",
  "--b",
  'content-disposition: form-data; name="c%22ver"; filename="a.png"',
  "Content-Type: image/png",
  "",
  "\0\r\n--x\u00ff",
  "--b",
  'Content-Disposition: form-data; name="empty"; filename="e"',
  "",
  "",
  "--b--",
  "epilogue",
].join("\r\n");
const body = Buffer.from(multipart, "latin1");
const type = ["content-type", "multipart/form-data; boundary=b"];

const whole = `export default { async fetch(request) {
  const list = [];
  for (const [name, value] of await request.formData()) {
    list.push(typeof value === "string" ? [name, value] : [name, value.name, value.type, [...await value.bytes()]]);
  }
  return Response.json(list);
} };`;

const streamed = `
  import { boundaryOf, parts } from "sluice-js";
  export default { async fetch(request) {
    const list = [];
    for await (const { name, filename, type, content } of parts(request.body, boundaryOf(request.headers.get("content-type")))) {
      const bytes = [];
      if (request.url.endsWith("skip") && filename === "a.png") { for await (const _ of content) break; }
      else for await (const piece of content) bytes.push(...piece);
      list.push(filename === null ? [name, String.fromCharCode(...bytes)] : [name, filename, type, bytes]);
    }
    return Response.json(list);
  } };`;

const expected = [
  ["title", "Ulysses"],
  [`c"ver`, "a.png", "image/png", [0, 13, 10, 45, 45, 120, 255]],
  ["empty", "e", "application/octet-stream", []],
];

test("a whole form", async () => {
  const host = await load(whole);
  assert.deepEqual(JSON.parse((await host.fetch("POST", "/", [type], body)).text), expected);
  const urlencoded = ["content-type", "application/x-www-form-urlencoded; charset=utf-8"];
  assert.deepEqual(JSON.parse((await host.fetch("POST", "/", [urlencoded], "a=b+c&d=%C3%BC&a=")).text), [
    ["a", "b c"],
    ["d", "ü"],
    ["a", ""],
  ]);
  assert.deepEqual(host.log, []);
});

test("a form in pieces, however it comes", async () => {
  const host = await load(streamed);
  for (let size = 1; size < 80; size++) {
    const pieces = [];
    for (let at = 0; at < body.length; at += size) pieces.push(body.subarray(at, at + size));
    const session = host.open("POST", "/", [type, ["transfer-encoding", "chunked"]]);
    await session.send(pieces);
    assert.deepEqual(JSON.parse((await session.answer()).text), expected, `in pieces of ${size}`);
  }
  const skipped = await host.fetch("POST", "/skip", [type], body);
  assert.deepEqual(JSON.parse(skipped.text)[2], expected[2]);
});

test("what is broken", async () => {
  const hosts = [await load(whole), await load(streamed)];
  for (const broken of [
    "",
    "--b",
    "--b\r\n",
    "--b\r\n\r\nx\r\n--b--",
    multipart.slice(0, -14),
    "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
  ]) {
    for (const host of hosts) {
      assert.equal(
        (await host.fetch("POST", "/", [type, ["transfer-encoding", "chunked"]], Buffer.from(broken, "latin1"))).status,
        500,
        JSON.stringify(broken),
      );
      assert.match(host.log.pop(), /the form is broken/);
    }
  }
  await hosts[0].fetch("POST", "/", [["content-type", "text/plain"]], "a=b");
  assert.match(hosts[0].log.pop(), /formData\(\) reads forms, not text\/plain/);
});

test("a form goes out as it comes in", async () => {
  const host = await load(`export default { async fetch() {
    const form = new FormData();
    form.append("a\\"b", "c\\nd"); form.append("f", new File(["x", new Uint8Array([0])], "n.bin")); form.append("g", new Blob(["y"], { type: "t/u" }), "h");
    form.append("i", "1"); form.append("i", "2"); form.set("i", "3");
    const response = new Response(form);
    const again = await response.formData();
    const list = [];
    for (const [name, value] of again) list.push(typeof value === "string" ? [name, value] : [name, value.name, value.type, await value.text()]);
    return Response.json(list);
  } };`);
  assert.deepEqual(JSON.parse((await host.fetch("GET", "/")).text), [
    [`a"b`, "c\r\nd"],
    ["f", "n.bin", "application/octet-stream", "x\0"],
    ["g", "h", "t/u", "y"],
    ["i", "3"],
  ]);
});
