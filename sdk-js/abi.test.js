// Holds abi.js against the byte vectors and the golden of signatures.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as abi from "./abi.js";

const read = (name) => readFileSync(new URL(`../abi/${name}`, import.meta.url), "utf8");

const records = JSON.parse(read("vectors.json")).records.filter((record) => record.for !== "core");

test("there are vectors", () => assert.ok(records.length > 0));

for (const record of records) {
  const name = pascal(record.name);
  for (const vector of record.vectors) {
    const want = Buffer.from(vector.bytes, "hex");
    const value = toValue(vector.value);

    test(`read ${name}: ${vector.name}`, () => {
      const room = new Uint8Array(want.length + 16).fill(0xaa);
      room.set(want, 8);
      assert.deepEqual(abi[`read${name}`](new DataView(room.buffer), 8), value);
    });

    test(`write ${name}: ${vector.name}`, () => {
      const room = new Uint8Array(want.length + 16).fill(0xaa); // so that padding has to be written
      abi[`write${name}`](new DataView(room.buffer), 8, value);
      const around = Buffer.alloc(8, 0xaa);
      assert.deepEqual(Buffer.from(room), Buffer.concat([around, want, around]));
    });

    test(`layout of ${name}: ${vector.name}`, () => {
      assert.equal(abi[name].size, want.length);
      assert.deepEqual(Object.keys(abi[name].offsets), Object.keys(value));
    });
  }
}

test("signatures", () => {
  const golden = read("signatures.golden").split("\n").filter((line) => /^(http_events_v1|handler) /.test(line));
  const lines = [];
  for (const [module, functions] of [
    [abi.handlerImportModule, abi.handlerImports],
    ["handler", abi.handlerExports],
  ]) {
    for (const [name, { params, results }] of Object.entries(functions)) {
      lines.push(`${module} ${name} (${params.join(" ")}) -> (${results.join(" ")})`);
    }
  }
  assert.deepEqual(lines, golden);
});

test("numbers and names", () => {
  const golden = new Map(
    read("layout.golden").split("\n").map((line) => /^(\w+)\.(\w+) = (\d+)$/.exec(line)).filter(Boolean)
      .map(([, type, name, number]) => [`${pascal(type)}.${name.toUpperCase()}`, Number(number)]),
  );
  let count = 0;
  for (const [type, constants] of Object.entries(abi)) {
    if (!Object.keys(constants).every((name) => /^[A-Z]/.test(name))) continue; // a layout, a table, a function
    for (const [name, number] of Object.entries(constants)) {
      assert.equal(number, golden.get(`${type}.${name}`), `${type}.${name}`);
      count++;
    }
  }
  assert.ok(count > 0);
  assert.equal(abi.errnoNames[abi.Errno.NO_SESSION], "no_session");
  assert.equal(abi.eventNames[abi.Event.READY], "ready");
});

test("nothing can be changed", () => {
  for (const [name, item] of Object.entries(abi)) {
    assert.ok(typeof item !== "object" || Object.isFrozen(item), name);
  }
});

// toValue turns a vector's value into what abi.js reads: names in camel case, numbers of 64 bits as BigInts.
function toValue(value) {
  if (typeof value === "string") return BigInt(value);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [camel(name), toValue(inner)]));
}

function pascal(name) {
  return name.split("_").map((word) => word[0].toUpperCase() + word.slice(1)).join("");
}

function camel(name) {
  return name[0] + pascal(name).slice(1);
}
