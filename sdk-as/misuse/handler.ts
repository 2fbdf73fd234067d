// Does by its path what a handler must not do, to show how that is told.

import { Request, Response, serve } from "../assembly";
export { on_event, receive_buffer, subscriptions } from "../assembly";

// A second write, once the answer is complete.
function writeAfterEnd(response: Response): void {
  response.text(200, "complete\n");
  response.write(bytes("more"));
}

// Fewer bytes than were announced.
function wrongLength(response: Response): void {
  response.setHeader("content-length", "10");
  response.begin(200);
  response.write(bytes("short"));
  response.end();
}

// A second head.
function doubleHead(response: Response): void {
  response.begin(200);
  response.write(bytes("first\n"));
  response.begin(500);
}

function block(): void {
  for (let i: u32 = 0; ; i++) store<u32>(memory.data(4, 4), i);
}

function bytes(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

serve((request: Request, response: Response): void => {
  const path = request.path;
  if (path == "/write-after-end") writeAfterEnd(response);
  if (path == "/wrong-length") wrongLength(response);
  if (path == "/double-head") doubleHead(response);
  if (path == "/throw") throw new Error("thrown");
  if (path == "/block") block();
  if (path == "/") response.text(200, "fine\n");
});
