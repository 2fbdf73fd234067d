// Sends a file of any size, or a range of it, in pieces and as fast as the peer reads. Byte number i of it is i modulo 251.
//
//     curl 'localhost:8080/?size=1000' -r 10-19 | xxd

const piece = 64 << 10;

// The pattern over and over, so that every piece of the file lies in it somewhere.
const pattern = Uint8Array.from({ length: piece + 251 }, (_, i) => i % 251);

export default {
  fetch(request) {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
    }
    const wanted = new URL(request.url).searchParams.get("size") ?? "1048576";
    const size = /^\d+$/.test(wanted) ? Number(wanted) : Infinity;
    if (size > 2 ** 30) return new Response("size is a number up to 1073741824\n", { status: 400 });
    const range = request.method === "GET" ? rangeOf(request.headers.get("range"), size) : undefined;
    return answer(size, range);
  },
};

function answer(size, range) {
  const headers = { "content-type": "application/octet-stream", "accept-ranges": "bytes" };
  if (range === undefined) return file(200, headers, 0, size);
  if (range === null) {
    return new Response(null, {
      status: 416,
      headers: { ...headers, "content-range": `bytes */${size}`, "content-length": "0" },
    });
  }
  const [start, end] = range;
  return file(206, { ...headers, "content-range": `bytes ${start}-${end - 1}/${size}` }, start, end);
}

function file(status, headers, start, end) {
  return new Response(bytes(start, end), { status, headers: { ...headers, "content-length": String(end - start) } });
}

async function* bytes(at, end) {
  while (at < end) {
    const size = Math.min(piece, end - at);
    yield pattern.subarray(at % 251, (at % 251) + size);
    at += size;
  }
}

/**
 * Where the one range that is asked for begins and ends; undefined for none, and for what is not understood, null for one that
 * begins behind the end (RFC 9110 section 14.2).
 */
function rangeOf(header, size) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(header ?? "") ?? [];
  if (!first && !last) return undefined;
  if (first === "") return last > 0 && size > 0 ? [Math.max(size - last, 0), size] : null;
  if (last !== "" && Number(last) < Number(first)) return undefined;
  return first < size ? [Number(first), last === "" ? size : Math.min(Number(last) + 1, size)] : null;
}
