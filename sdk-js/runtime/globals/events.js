// Event and EventTarget of the DOM standard, without a tree: there is nothing to bubble through.

/** An event (https://dom.spec.whatwg.org/#event). */
export class Event {
  #canceled = false;
  #stopped = false;
  _target = null;

  constructor(type, { bubbles = false, cancelable = false } = {}) {
    this.type = String(type);
    this.bubbles = Boolean(bubbles);
    this.cancelable = Boolean(cancelable);
    this.timeStamp = 0;
    this.isTrusted = false;
  }

  get target() {
    return this._target;
  }

  get currentTarget() {
    return this._target;
  }

  get defaultPrevented() {
    return this.#canceled;
  }

  preventDefault() {
    if (this.cancelable) this.#canceled = true;
  }

  stopPropagation() {}

  stopImmediatePropagation() {
    this.#stopped = true;
  }

  static stopped = (event) => event.#stopped;
}

const stopped = Event.stopped;
delete Event.stopped;

/** What events are dispatched to (https://dom.spec.whatwg.org/#eventtarget). */
export class EventTarget {
  #listeners = [];

  addEventListener(type, listener, options) {
    if (listener === null || listener === undefined) return;
    const { once = false, capture = false, signal } = typeof options === "boolean" ? { capture: options } : (options ?? {});
    if (signal?.aborted || this.#find(type, listener, capture) >= 0) return;
    this.#listeners.push({ type, listener, once, capture });
    signal?.addEventListener("abort", () => this.removeEventListener(type, listener, { capture }));
  }

  removeEventListener(type, listener, options) {
    const at = this.#find(type, listener, typeof options === "boolean" ? options : (options?.capture ?? false));
    if (at >= 0) this.#listeners.splice(at, 1);
  }

  dispatchEvent(event) {
    event._target = this;
    this[`on${event.type}`]?.call?.(this, event);
    for (const entry of this.#listeners.slice()) {
      if (stopped(event)) break;
      if (entry.type !== event.type || !this.#listeners.includes(entry)) continue;
      if (entry.once) this.removeEventListener(entry.type, entry.listener, { capture: entry.capture });
      if (typeof entry.listener === "function") entry.listener.call(this, event);
      else entry.listener.handleEvent(event);
    }
    return !event.defaultPrevented;
  }

  #find(type, listener, capture) {
    return this.#listeners.findIndex(
      (entry) => entry.type === type && entry.listener === listener && entry.capture === capture,
    );
  }
}
