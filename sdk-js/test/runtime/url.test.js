// Holds URL against the test data of the URL standard, which is read from where SLUICE_CORPORA says. url-expectations.txt has
// the cases that are read otherwise, each with its reason; one that passes all the same fails the test.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { load } from "./host.js";

const folder = process.env.SLUICE_CORPORA ?? fileURLToPath(new URL("../../../../shared/corpora", import.meta.url));
const corpus = `${folder}/url.json`;
const skip = existsSync(corpus) ? false : `there is no ${corpus}: set SLUICE_CORPORA`;

const parse = `
  globalThis.parts = (input, base) => {
    try {
      const url = new URL(input, base);
      const parts = {};
      for (const name of ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"]) {
        parts[name] = url[name];
      }
      parts.searchParams = url.searchParams.toString();
      return parts;
    } catch (error) {
      if (error instanceof TypeError) return { failure: true };
      throw error;
    }
  };
  export default { fetch() {} };`;

test("the URL standard's test data", { skip }, async (t) => {
  const cases = JSON.parse(readFileSync(corpus, "utf8")).filter((entry) => typeof entry === "object");
  const exceptions = expectations();
  const { parts } = (await load(`import "sluice-js/idna"; ${parse}`)).context;
  let failed = 0;
  for (const { input, base, failure, ...expected } of cases) {
    const found = parts(input, base ?? undefined);
    const wrong = failure
      ? found.failure
        ? []
        : ["failure"]
      : [
          "href",
          "origin",
          "protocol",
          "username",
          "password",
          "host",
          "hostname",
          "port",
          "pathname",
          "search",
          "hash",
          "searchParams",
        ].filter((name) => expected[name] !== undefined && found[name] !== expected[name]);
    const key = JSON.stringify([input, base]);
    const known = exceptions.delete(key);
    if (known && wrong.length === 0) assert.fail(`${key} is as the standard has it: remove it from url-expectations.txt`);
    if (known || wrong.length === 0) continue;
    failed++;
    t.diagnostic(`${key}: ${wrong.map((name) => `${name} is ${found[name]}, not ${expected[name]}`).join("; ")}`);
  }
  t.diagnostic(`${cases.length} cases`);
  assert.equal(failed, 0);
  assert.deepEqual([...exceptions], [], "no such cases");
});

function expectations() {
  const lines = readFileSync(new URL("url-expectations.txt", import.meta.url), "utf8").split("\n");
  return new Set(lines.filter((line) => line.startsWith("[")));
}

test("a plain URL is what the state machine makes of it", async () => {
  const { parts, whole } = (await load(`${parse} globalThis.whole = (input) => parts(input, "http://other/");`)).context; // with a base it takes the long way
  for (const url of [
    "http://a/",
    "http://a.b-c.de:8080/x/y?z=1&u=%20#f",
    "https://127.0.0.1:81/",
    "http://0.0.0.0/?",
    "http://a/?#",
    "http://a/..",
    "http://a/.%2e/b",
    "http://a/%2e",
    "http://a/b/./c",
    "http://a:80/",
    "https://a:443/",
    "http://a:65536/",
    "http://a:0/",
    "http://1/",
    "http://1.2.3/",
    "http://0x1/",
    "http://a.0x1/",
    "http://A/B",
    "HTTP://a/b",
    "http://a",
    "http://a?b",
    "http://a/ b",
    "http://a/b'c?d'e",
    "http://a/\\\\b",
    "http://u@a/",
    "http://a..b/",
    "http://xn--a/",
    "http://a.xn--a/",
    "http://_a/",
    "http://a_b/",
    "http://-/",
    "http://a/?q=[]{}|",
    'http://a/?q="',
    "http://a/#`",
    "http://256.1.1.1/",
    "http://1.2.3.4.5/",
    "http://a.1/",
    "http://a./",
    "http://a/a;b=c,d",
    "http://a/%zz",
    "http://a/~-._!$&'()*+,;=:@",
    "http://a/|",
  ])
    assert.deepEqual(parts(url), whole(url), url);
});

test("an internationalized name asks for its tables", async () => {
  const host = await load(`export default { fetch: () => new Response(new URL("http://münchen.de/").href) };`);
  assert.equal((await host.fetch("GET", "/")).status, 500);
  assert.match(host.log[0], /import "sluice-js\/idna"/);
});

test("the setters and the parameters of a URL", async () => {
  const host = await load(`export default { fetch() {
    const url = new URL("http://a.b/c?d=e#f");
    const params = url.searchParams;
    url.protocol = "https"; url.username = "ü"; url.password = "p"; url.host = "x.y:81"; url.port = "82"; url.pathname = "/a b"; url.hash = "z";
    params.append("g h", "i&j"); params.set("d", "1"); params.append("d", "2"); params.sort();
    const after = [url.href, [...params], params.get("d"), params.getAll("d"), params.has("d", "2"), params.size];
    url.search = "?k=%zz+%C3%BC&&l";
    params.delete("l");
    return Response.json([...after, [...params], String(params), url.href, String(new URLSearchParams([["a", "~!'()*"]])),
      URL.canParse("http://[::1"), URL.parse("x", "http://a/b/c").href]);
  } };`);
  assert.deepEqual(JSON.parse((await host.fetch("GET", "/")).text), [
    "https://%C3%BC:p@x.y:82/a%20b?d=1&d=2&g+h=i%26j#z",
    [
      ["d", "1"],
      ["d", "2"],
      ["g h", "i&j"],
    ],
    "1",
    ["1", "2"],
    true,
    3,
    [["k", "%zz ü"]],
    "k=%25zz+%C3%BC",
    "https://%C3%BC:p@x.y:82/a%20b?k=%25zz+%C3%BC#z",
    "a=%7E%21%27%28%29*",
    false,
    "http://a/b/x",
  ]);
});
