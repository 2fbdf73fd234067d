// The build as authors see it: the command, its messages, and what it makes.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { sections } from "../../build/wasm.js";

const cli = fileURLToPath(new URL("../../build/cli.js", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "sluice-js-"));
after(() => rmSync(folder, { recursive: true }));

const hello = `export default { fetch() { return new Response("Hello!\\n") } };\n`;

test("a module becomes a handler", () => {
  const { wasm, stderr } = built({ "handler.js": hello });
  const module = new WebAssembly.Module(wasm);
  assert.deepEqual(
    WebAssembly.Module.exports(module)
      .map(({ name }) => name)
      .sort(),
    ["_initialize", "memory", "on_event", "receive_buffer", "subscriptions"],
  );
  assert.match(stderr, /^handler\.wasm: \d+ KiB in \d\.\d\d s\n$/);
});

test("types are stripped, modules joined, and top-level await is waited for", () => {
  built(
    {
      "handler.ts": `import { greeting, type Word } from "./lib/words.js";
      const word: Word = await Promise.resolve("Ada" as const);
      enum Level { Low = 1 }
      const text = (greeting(word) + Level.Low) satisfies string;
      export default { fetch(request: Request): Response { return new Response(text) } };`,
      "lib/words.ts": `export type Word = string; export const greeting = (word: Word) => \`Hello, \${word}!\`;`,
    },
    "handler.ts",
  );
});

test("the same input gives the same bytes, anywhere", () => {
  const code = `export default { at: Date.now(), set: new Set(["a", "b"]), fetch() { return new Response(String(this.at)) } };`;
  const first = built({ "handler.js": code }),
    second = built({ "handler.js": code });
  assert.ok(first.wasm.equals(second.wasm));
  const dated = built({ "handler.js": code }, "handler.js", { env: { SOURCE_DATE_EPOCH: "1700000000" } });
  assert.ok(!first.wasm.equals(dated.wasm), "the date of the build is in the module");
});

test("handlers differ in memory and data alone, so that a host can compile them once", () => {
  const one = built({ "handler.js": hello }).wasm;
  const other = built({ "handler.js": `const big = "x".repeat(300000);\n${hello}export { big };` }).wasm;
  const engine = readFileSync(new URL("../../engine/engine.wasm", import.meta.url));
  const memory = 5,
    exports = 7,
    data = 11,
    dataCount = 12;
  const content = (wasm, but) =>
    [...sections(wasm)]
      .filter(({ id }) => !but.includes(id))
      .map(({ id, start, end }) => [id, Buffer.from(wasm.subarray(start, end)).toString("base64")]);
  assert.deepEqual(content(one, [memory, data]), content(other, [memory, data]));
  assert.deepEqual(content(one, [memory, exports, data]), content(engine, [memory, exports, data, dataCount, 0]));
  assert.notDeepEqual(content(one, []), content(other, []));
});

test("names are shortened on demand, and positions left out", () => {
  const code = `function aVeryLongNameOfAFunction() { return "x" }\n${hello}export { aVeryLongNameOfAFunction };`;
  const plain = built({ "handler.js": code });
  assert.ok(plain.wasm.includes("handler.js") && plain.wasm.includes("aVeryLongNameOfAFunction"));
  assert.ok(built({ "handler.js": code }, "handler.js", { args: ["--minify"] }).wasm.length < plain.wasm.length);
  assert.ok(!built({ "handler.js": code }, "handler.js", { args: ["--no-sourcemap"] }).wasm.includes("handler.js"));
});

const failures = [
  [
    "a syntax error",
    { "handler.js": "export default {\n  fetch( { }\n};" },
    /Expected "\)"[^]*handler\.js:3:0:\n[^]*3 │ \};/,
  ],
  [
    "a missing import",
    { "handler.js": `import "./nowhere.js";\n${hello}` },
    /Could not resolve "\.\/nowhere\.js"[^]*handler\.js:1:7/,
  ],
  ["a module of Node.js", { "handler.js": `import fs from "node:fs";\n${hello}` }, /"node:fs"[^]*outside of Node\.js/],
  [
    "an error at the top",
    { "handler.js": `const nothing = null;\n\nnothing.length;\n${hello}` },
    /evaluated:\nTypeError: [^\n]*\n[^]*handler\.js:3:\d+/,
  ],
  [
    "an error in a function",
    {
      "handler.js": `import { f } from "./lib.js";\nf();\n${hello}`,
      "lib.js": "export function f() {\n  throw new Error('no');\n}",
    },
    /Error: no\n[^]*at f \(lib\.js:2:\d+\)\n[^]*handler\.js:2:\d+/,
  ],
  [
    "a promise that is never settled",
    { "handler.js": `${hello}\nawait new Promise(() => {});` },
    /waits for a promise[^]*handler\.js:3:\d+/,
  ],
  ["a rejection that nobody handles", { "handler.js": `${hello}\nPromise.reject(new Error("lost"));` }, /Error: lost\n/],
  [
    "a host that is not there",
    { "handler.js": `export const id = Math.random();\n${hello}` },
    /while the handler is built[^]*handler\.js:1:\d+/,
  ],
  ["no handler", { "handler.js": "export const a = 1;" }, /default|handles no requests/],
  ["a wrong handler", { "handler.js": "export default 5;" }, /fetch/],
];

for (const [name, files, message] of failures) {
  test(`${name} is told with its place`, () => {
    const { status, stderr } = build(project(files), "handler.js");
    assert.match(stderr, message);
    assert.equal(status, 1);
    assert.ok(!/node:internal|build\/[a-z]+\.js/.test(stderr), "no stack of the tool's own");
  });
}

test("an endless loop ends", { timeout: 60_000 }, () => {
  const { status, stderr } = build(project({ "handler.js": `${hello}for (;;);` }), "handler.js");
  assert.match(stderr, /interrupted/);
  assert.equal(status, 1);
});

test("the command says how it is used", () => {
  const run = (...args) => spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" });
  assert.match(run("--help").stdout, /usage: sluice-js build/);
  assert.match(run("--version").stdout, /^sluice-js \d+\.\d+\.\d+\n$/);
  for (const [args, what] of [
    [[], /missing/],
    [["bulid", "x.js"], /no command 'bulid'/],
    [["build"], /missing/],
    [["build", "a.js", "b.js"], /'b\.js'/],
    [["build", "a.wasm"], /a\.wasm/],
    [["build", "a.js", "--nope"], /--nope/],
    [["build", "a.js", "-o"], /-o/],
  ]) {
    const { status, stderr } = run(...args);
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, what);
  }
  const absent = run("build", path.join(folder, "absent.js"));
  assert.deepEqual([absent.status, /no file .*absent\.js/.test(absent.stderr)], [1, true]);
  const unwritable = run(
    "build",
    path.join(project({ "h.js": hello }), "h.js"),
    "-o",
    path.join(folder, "no", "such", "folder.wasm"),
  );
  assert.deepEqual([unwritable.status, /cannot be written/.test(unwritable.stderr)], [1, true]);
});

test("a watched file is built again when it, or what it imports, changes", { timeout: 30_000 }, async () => {
  const root = project({
    "handler.js": `import { text } from "./text.js";\nexport default { fetch() { return new Response(text) } };`,
    "text.js": `export const text = "one";`,
  });
  const child = spawn(process.execPath, [cli, "build", "handler.js", "--watch"], { cwd: root });
  try {
    await line(child, /KiB/);
    const before = readFileSync(path.join(root, "handler.wasm"));
    writeFileSync(path.join(root, "text.js"), `export const text = ;`);
    await line(child, /text\.js:1/);
    writeFileSync(path.join(root, "text.js"), `export const text = "two";`);
    await line(child, /KiB/);
    assert.ok(!before.equals(readFileSync(path.join(root, "handler.wasm"))));
  } finally {
    child.kill();
  }
});

/** Waits until a process prints something on standard error. */
function line(child, wanted) {
  return new Promise((resolve) => {
    let text = "";
    const hear = (piece) => {
      text += piece;
      if (!wanted.test(text)) return;
      child.stderr.off("data", hear);
      resolve();
    };
    child.stderr.on("data", hear);
  });
}

/** Writes files into a new folder. */
function project(files) {
  const root = mkdtempSync(path.join(folder, "project-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), content);
  }
  return root;
}

function build(root, entry, { args = [], env = {} } = {}) {
  return spawnSync(process.execPath, [cli, "build", entry, ...args], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", ...env },
  });
}

function built(files, entry = "handler.js", options) {
  const root = project(files);
  const { status, stderr } = build(root, entry, options);
  assert.equal(status, 0, stderr);
  return { wasm: readFileSync(path.join(root, entry.replace(/\.\w+$/, ".wasm"))), stderr };
}
