// All endpoints as a Worker, by the ways that the documentation of Cloudflare Workers shows.

const alphabet = "abcdefghijklmnopqrstuvwxyz";
// The content is the same every 26 bytes, so a whole number of alphabets can be sent again and again.
const content = new TextEncoder().encode(alphabet.repeat(Math.ceil((1 << 20) / 26)).slice(0, 1 << 20));
const small = content.subarray(0, 64 << 10);
const piece = content.subarray(0, 26 * 10_000);

export default {
  fetch(request, _, context) {
    const { pathname } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      case "GET /hello":
        return new Response("Hello, world!\n", { headers: { "content-type": "text/plain; charset=utf-8" } });
      case "POST /json":
        return total(request);
      case "GET /64k":
        return octets(small);
      case "GET /100m":
        return download(context, 100 << 20);
      case "POST /echo":
        return octets(request.body); // which workerd pumps without asking the isolate, with the length that it has, if any
      case "GET /compute":
        return compute();
    }
    return new Response("not found\n", { status: 404 });
  },
};

async function total(request) {
  const { id, items } = await request.json();
  let quantity = 0;
  let cents = 0;
  for (const item of items) {
    quantity += item.quantity;
    cents += item.quantity * item.cents;
  }
  return Response.json({ id, items: items.length, quantity, cents });
}

function octets(body) {
  return new Response(body, { headers: { "content-type": "application/octet-stream" } });
}

// A stream whose length is known: FixedLengthStream is how a Worker gets a Content-Length.
function download(context, size) {
  const { readable, writable } = new FixedLengthStream(size);
  context.waitUntil(write(writable.getWriter(), size));
  return octets(readable);
}

async function write(writer, left) {
  for (; left > piece.length; left -= piece.length) await writer.write(piece);
  await writer.write(piece.subarray(0, left));
  await writer.close();
}

async function compute() {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const records = Array.from({ length: 100 }, (_, id) => ({ id, name: `record ${id}`, value: id }));
  const parsed = JSON.parse(JSON.stringify({ sha256, records }));
  return Response.json({ sha256: parsed.sha256, sum: parsed.records.reduce((sum, record) => sum + record.value, 0) });
}
