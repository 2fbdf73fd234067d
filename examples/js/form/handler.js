// Shows a form, and says what was in one that is sent: the parts of a large one while they come in.

import { boundaryOf, parts } from "sluice-js";

export default {
  fetch(request) {
    switch (request.method) {
      case "GET":
      case "HEAD":
        return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
      case "POST":
        return received(request);
    }
    return Response.json({ error: "not allowed" }, { status: 405, headers: { allow: "GET, HEAD, POST" } });
  },
};

async function received(request) {
  const type = request.headers.get("content-type") ?? "";
  const read = /^multipart\/form-data\s*(;|$)/i.test(type)
    ? multipart
    : /^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)
      ? urlencoded
      : null;
  if (read === null) return Response.json({ error: "a form is wanted" }, { status: 415 });
  try {
    return Response.json({ parts: await read(request, type) });
  } catch {
    return Response.json({ error: "the form is broken" }, { status: 400 });
  }
}

async function multipart(request, type) {
  const found = [];
  for await (const { name, filename, type: kind, content } of parts(request.body, boundaryOf(type))) {
    found.push(
      filename === null ? { name, value: await text(content) } : { name, filename, type: kind, bytes: await count(content) },
    );
  }
  return found;
}

async function urlencoded(request) {
  return Array.from(new URLSearchParams(await request.text()), ([name, value]) => ({ name, value }));
}

async function text(content) {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of content) text += decoder.decode(piece, { stream: true });
  return text + decoder.decode();
}

async function count(content) {
  let bytes = 0;
  for await (const piece of content) bytes += piece.length;
  return bytes;
}

const page = `<!doctype html>
<meta charset="utf-8">
<title>A form</title>
<form method="post" enctype="multipart/form-data">
  <p><label>Title <input name="title"></label>
  <p><label>Cover <input name="cover" type="file"></label>
  <p><button>Send</button>
</form>
`;
