// Where a module begins: what the handler's file exports is bound to events. The build's entry calls it once.

import { report } from "./errors.js";
import { listenEvents, listeners } from "./events.js";
import { listenFetch } from "./fetch.js";
import { natives } from "./natives.js";

const wanted = `A handler exports an object with a function fetch, or listens to events:

    export default {
      fetch(request, env, ctx) { return new Response("Hello, world!\\n"); },
    };`;

/* global SLUICE_EVENTS */

/** Binds the exports of a handler's file. It throws a TypeError when they are no handler. */
export function serve(exports) {
  natives.rejected((reason) => report("Uncaught (in promise)", reason));
  const handler = exports.default;
  const listens = SLUICE_EVENTS && (handler?.on !== undefined || listeners.size > 0);
  const fetches = typeof handler?.fetch === "function";
  if (fetches && listens) throw new TypeError("a handler either has fetch or listens to events: one of them can answer");
  if (fetches) return listenFetch(handler);
  if (SLUICE_EVENTS && listens) return listenEvents(handler?.on ?? {});
  throw new TypeError(
    handler === undefined ? `there is no default export. ${wanted}` : `the default export is no handler. ${wanted}`,
  );
}
