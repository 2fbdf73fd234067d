// performance of the High Resolution Time standard: a clock that never goes back.

import { natives } from "../natives.js";

export const performance = {
  /** Milliseconds, with fractions, since some moment of the host. Only differences mean something. */
  now: () => natives.monotonic(),

  get timeOrigin() {
    return Date.now() - natives.monotonic();
  },
};
