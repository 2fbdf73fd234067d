// Shapes that are kept. QuickJS has one for each set of properties that objects have got in the same order, and forgets it with
// the last of them: every request would make those of its Request, of its Response and of what the handler makes that of, anew.

import { incomingRequest } from "./globals/Request.js";
import { Response } from "./globals/Response.js";

/** One object of each shape that requests go through as a rule. */
const kept = [
  { status: 200 },
  { headers: {} },
  { status: 200, headers: {} },
  { headers: {}, status: 200 },
  { "content-type": "" },
  { "Content-Type": "" },
];

/** Makes an object of each shape, as far as one can be made that nobody has asked for. */
export function keepShapes() {
  const headers = { "content-type": "" };
  for (const init of [undefined, { status: 200 }, { headers }, { status: 200, headers }]) {
    const response = new Response("", init);
    response._used = true;
    kept.push(response);
  }
  const request = incomingRequest(0, 0);
  request._over = true;
  kept.push(request);
}
