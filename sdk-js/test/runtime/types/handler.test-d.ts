// What the types have to accept, and what they have to refuse: `tsc` checks it, with no other library than ES2023.

import { boundaryOf, part, parts, sluice, SluiceError } from "sluice-js";

export const fetchHandler = {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    ctx.waitUntil(Promise.resolve(env.NAME?.length));
    ctx.sendInformational(103, { link: "</style.css>" });
    request.signal.addEventListener("abort", () => console.log(request.signal.reason), { once: true });
    const form = await request.formData();
    const file = form.get("file");
    if (file instanceof File)
      return new Response(file.stream().pipeThrough(new TextDecoderStream()).pipeThrough(new TextEncoderStream()));
    for await (const { name, content } of parts(request.body!, boundaryOf("")!))
      for await (const piece of content) console.log(name, piece.length);
    const digest = new crypto.DigestStream("SHA-256");
    await new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(1));
      },
    }).pipeTo(digest);
    return new Response(part(new Uint8Array(), 0, "b").part?.content ?? null, {
      status: 201,
      headers: [["a", "b"]],
      trailers: async () => ({ sum: new Uint8Array(await digest.digest).toHex() + url.host }),
    });
  },
} satisfies Handler;

export const eventHandler = {
  on: {
    HEADER_READY({ session, head }) {
      session.req.on("DATA_READY", ({ content }) => session.resp.sendData(content));
      session.resp.sendHead(200, { "content-type": head.header("content-type") ?? "text/plain" });
    },
    READY: async ({ session }) => {
      await session.resp.writable();
      try {
        session.resp.sendEnd();
      } catch (error) {
        if (error instanceof SluiceError && error.errno === "closed") return;
      }
    },
    CLOSED: ({ side, reason }) => console.log(side === "both" ? reason : ""),
  },
} satisfies Handler;

sluice.on("DATA_READY", ({ content }) => content.length);
sluice.subscribe("READY", "DONE");

// @ts-expect-error a handler gives a Response
export const wrong = { fetch: () => "text" } satisfies Handler;
// @ts-expect-error there is no such event
sluice.on("HEADERS", () => {});
// @ts-expect-error a number is no body
new Response(Symbol());
// @ts-expect-error there are no timers yet
setTimeout(() => {}, 1);
// @ts-expect-error there are no requests to other servers yet
fetch("http://example.com");
