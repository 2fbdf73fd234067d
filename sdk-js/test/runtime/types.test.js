// Checks types/handler.test-d.ts here, and the example in TypeScript: handlers need no library but ECMAScript's and the
// package's types.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

test("types accept what they have to, and refuse what they have to", () => {
  const tsc = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", fileURLToPath(new URL("types", import.meta.url))], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stdout);
});
