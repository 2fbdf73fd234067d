// All endpoints of the benchmarks, by nothing but what the standards of the web have: it runs in workerd, too.

const piece = 64 << 10;

// Every piece of the content lies in here: it is the same every 26 bytes. All of it would be in each instance's memory.
const content = new Uint8Array(piece + 26).map((_, i) => 97 + (i % 26));

// The pieces of so many bytes of the content.
function* pieces(size) {
  for (let at = 0; at < size; at += piece) {
    yield content.subarray(at % 26, (at % 26) + Math.min(piece, size - at));
  }
}

export default {
  fetch(request) {
    const { pathname } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      case "GET /hello":
        return new Response("Hello, world!\n", { headers: { "content-type": "text/plain; charset=utf-8" } });
      case "POST /json":
        return total(request);
      case "GET /64k":
        return octets(content.subarray(0, piece), piece);
      case "GET /100m":
        return octets(download(100 << 20), 100 << 20);
      case "POST /echo":
        return octets(request.body, request.headers.get("content-length"));
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

function octets(body, length) {
  const headers = { "content-type": "application/octet-stream" };
  if (length !== null) headers["content-length"] = String(length);
  return new Response(body, { headers });
}

function download(size) {
  const rest = pieces(size);
  return new ReadableStream({
    pull(controller) {
      const { value, done } = rest.next();
      if (done) return controller.close();
      controller.enqueue(value);
    },
  });
}

async function compute() {
  const stream = new crypto.DigestStream("SHA-256");
  const writer = stream.getWriter();
  for (const part of pieces(1 << 20)) await writer.write(part);
  await writer.close();
  const sha256 = Array.from(new Uint8Array(await stream.digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const records = Array.from({ length: 100 }, (_, id) => ({ id, name: `record ${id}`, value: id }));
  const parsed = JSON.parse(JSON.stringify({ sha256, records }));
  return Response.json({ sha256: parsed.sha256, sum: parsed.records.reduce((sum, record) => sum + record.value, 0) });
}
