// Makes requests with fetch, one after the other, and writes what came of them to standard output, as JSON.
//
// usage: node fetch.mjs '[{"method": "POST", "url": "http://...", "framing": "none|length|chunked", "size": 10}, ...]'
//
// Of a request without a body (framing "none") comes {"status": 200, "fields": [["name", "value"], ...], "text": "..."}. The
// others send a body of the given size, and unless it comes back the program fails; "echoed" in place of "text" is its size.

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

const piece = new Uint8Array(65521).map((_, i) => i * 7 + (i >> 8)); // a prime, so that no buffer has its size

function* pieces(size) {
  for (let left = size; left > 0; left -= piece.length) yield piece.subarray(0, left);
}

const framings = {
  none: () => ({}),
  length: (size) => ({ body: Buffer.concat([...pieces(size)]) }),
  chunked: (size) => ({ body: Readable.toWeb(Readable.from(pieces(size))), duplex: 'half' }),
};

async function digest(pieces) {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    size += piece.length;
  }
  return { size, hash: hash.digest('hex') };
}

async function echo(answer, size) {
  const sent = await digest(pieces(size));
  const back = await digest(answer.body ?? []);
  if (back.hash !== sent.hash) throw new Error(`${sent.size} bytes were sent, ${back.size} came back, and differ`);
  return back.size;
}

async function request({ method, url, framing, size }) {
  const headers = framing === 'none' ? {} : { 'content-type': 'application/x-test' };
  const answer = await fetch(url, { method, headers, ...framings[framing](size) });
  const { status, headers: fields } = answer;
  const content = framing === 'none' ? { text: await answer.text() } : { echoed: await echo(answer, size) };
  return { status, fields: [...fields], ...content };
}

const answers = [];
for (const wanted of JSON.parse(process.argv[2])) answers.push(await request(wanted));
console.log(JSON.stringify(answers));
