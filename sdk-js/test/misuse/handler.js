// What handlers do wrong, a path each. internal/e2e/misuse_javascript_test.go says what is due, by lines of this file.

const once = new Response("A response can be sent once.\n");

export default {
  fetch(request) {
    switch (new URL(request.url).pathname) {
      case "/throw":
        return missing.property; // line 9
      case "/reject":
        return later();
      case "/block":
        for (;;);
      case "/double-head":
        return once;
      case "/write-after-end":
        return new Response(new ReadableStream({ start: endTwice }));
      case "/wrong-length":
        return new Response(ten(), { headers: { "content-length": "5" } });
      case "/settimeout":
        return new Promise((resolve) => setTimeout(resolve, 10)); // line 21
      case "/nothing":
        return undefined;
      case "/header":
        return new Response("", { headers: { "x-name": "a\nb" } }); // line 25
    }
    return new Response("hello\n");
  },
};

async function later() {
  await null;
  throw new RangeError("later"); // line 33
}

function endTwice(controller) {
  controller.close();
  controller.enqueue(new Uint8Array(1)); // line 38
}

async function* ten() {
  yield "0123456789";
}
