// hello in TypeScript. The build takes the types away; `npx tsc --noEmit` checks them.

const text = { "content-type": "text/plain; charset=utf-8" };

export default {
  fetch(request) {
    const name = new URL(request.url).searchParams.get("name") || "world";
    return new Response(`Hello, ${name}!\n`, { headers: text });
  },
} satisfies Handler;
