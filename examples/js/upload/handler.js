// Counts and hashes a body of any size while it comes in.
//
//     curl -T big.iso localhost:8080/

export default {
  async fetch(request, env, ctx) {
    if (request.method !== "POST" && request.method !== "PUT") {
      return new Response(null, { status: 405, headers: { allow: "POST, PUT" } });
    }
    ctx.stream(); // it takes as long as it takes
    const hash = new crypto.DigestStream("SHA-256");
    const writer = hash.getWriter();
    let bytes = 0;
    for await (const piece of request.body ?? []) {
      await writer.write(piece);
      bytes += piece.length;
    }
    await writer.close();
    return Response.json({ bytes, sha256: new Uint8Array(await hash.digest).toHex() });
  },
};
