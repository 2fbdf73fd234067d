// Says hello, by name when it is given one.
//
//     npx sluice-js build handler.js -o hello.wasm && sluice serve hello.wasm
//     curl 'localhost:8080/?name=Ada'

const text = { "content-type": "text/plain; charset=utf-8" };

export default {
  fetch(request) {
    const name = new URL(request.url).searchParams.get("name") || "world";
    return new Response(`Hello, ${name}!\n`, { headers: text });
  },
};
