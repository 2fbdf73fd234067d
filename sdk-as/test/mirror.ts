// Says what it sees of a request: see sdk-c/test/mirror.md.

import { Field, Request, Response, log, serve } from "../assembly";
export { on_event, receive_buffer, subscriptions } from "../assembly";

function orDash(text: string | null): string {
  return text != null && text.length > 0 ? text : "-";
}

function trailers(response: Response): void {
  response.setHeader("x-out", "1");
  response.begin(200);
  response.write(Uint8Array.wrap(String.UTF8.encode("one")));
  response.write(Uint8Array.wrap(String.UTF8.encode("two")));
  response.end([new Field("sum", "6")]);
}

serve((request: Request, response: Response): void => {
  log("asked for " + request.path);
  if (request.path == "/trailers") {
    trailers(response);
    return;
  }
  const name = orDash(request.queryVar("name")), field = orDash(request.header("X-IN"));
  const seen = [request.method, request.path, orDash(request.query), name, field];
  response.setHeader("x-out", "1");
  response.setHeader("X-Out", "2");
  response.addHeader("x-out", "\u00c3\u00a9"); // a character for each byte
  response.text(200, seen.join(" ") + " " + request.text() + "\n");
});
