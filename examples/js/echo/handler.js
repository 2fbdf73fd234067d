// Sends the body of a request back while it still comes in, and its trailers behind it. Nothing is kept: a peer that reads
// slowly is read slowly.
//
//     curl -T big.iso localhost:8080/ | cmp - big.iso

export default {
  fetch(request) {
    const type = request.headers.get("content-type") ?? "application/octet-stream";
    return new Response(request.body ?? nothing(), { headers: { "content-type": type }, trailers: request.trailers });
  },
};

/** A body of no bytes whose length is not announced either. */
async function* nothing() {}
