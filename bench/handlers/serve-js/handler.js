// All endpoints of the benchmarks, by nothing but what the standards of the web have: it runs in workerd, too.

const piece = 64 << 10;

// What is hashed, and in it every piece of what is sent: the content is the same every 26 bytes.
const content = Uint8Array.from({ length: 1 << 20 }, (_, i) => 97 + (i % 26));

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
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at === size) return controller.close();
      const next = Math.min(piece, size - at);
      controller.enqueue(content.subarray(at % 26, (at % 26) + next));
      at += next;
    },
  });
}

async function compute() {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const records = Array.from({ length: 100 }, (_, id) => ({ id, name: `record ${id}`, value: id }));
  const parsed = JSON.parse(JSON.stringify({ sha256, records }));
  return Response.json({ sha256: parsed.sha256, sum: parsed.records.reduce((sum, record) => sum + record.value, 0) });
}
