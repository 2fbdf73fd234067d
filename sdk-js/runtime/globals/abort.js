// AbortController and AbortSignal of the DOM standard.

import { report } from "../errors.js";
import { Event, EventTarget } from "./events.js";

const internal = Symbol("internal");

/** Says that somebody has lost interest (https://dom.spec.whatwg.org/#interface-AbortSignal). */
export class AbortSignal extends EventTarget {
  constructor(key) {
    if (key !== internal) throw new TypeError("an AbortSignal is made by an AbortController");
    super();
    this._aborted = false;
    this._reason = undefined;
    this._algorithms = []; // what runs ahead of the listeners
    this.onabort = null;
  }

  static abort(reason) {
    const signal = new AbortSignal(internal);
    trigger(signal, reason);
    return signal;
  }

  static timeout() {
    throw new Error("AbortSignal.timeout() is not supported yet: there are no timers");
  }

  static any(signals) {
    const all = [...signals];
    const signal = new AbortSignal(internal);
    const first = all.find((one) => one.aborted);
    if (first !== undefined) trigger(signal, first.reason);
    else for (const one of all) one._algorithms.push(() => trigger(signal, one.reason));
    return signal;
  }

  get aborted() {
    return this._aborted;
  }

  get reason() {
    return this._reason;
  }

  throwIfAborted() {
    if (this._aborted) throw this._reason;
  }
}

/** Aborts a signal (https://dom.spec.whatwg.org/#interface-abortcontroller). */
export class AbortController {
  constructor() {
    this._signal = new AbortSignal(internal);
  }

  get signal() {
    return this._signal;
  }

  abort(reason) {
    trigger(this._signal, reason);
  }
}

/** Aborts for the runtime: a listener that throws is logged and harms nobody else. */
export function abort(controller, reason) {
  try {
    controller.signal._aborted || trigger(controller.signal, reason);
  } catch (error) {
    report("Uncaught", error);
  }
}

function trigger(signal, reason = new DOMException("This operation was aborted", "AbortError")) {
  if (signal._aborted) return;
  signal._aborted = true;
  signal._reason = reason;
  for (const algorithm of signal._algorithms.splice(0)) algorithm();
  signal.dispatchEvent(new Event("abort"));
}
