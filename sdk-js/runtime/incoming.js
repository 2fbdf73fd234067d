// The body of a request while it comes in: pieces go to one sink, or wait until there is one, and then the peer waits too.

import { join } from "./body.js";
import { headersAround } from "./globals/Headers.js";
import { natives } from "./natives.js";

/** A body on its way. A sink has data(bytes), end() and fail(error). */
export class Incoming {
  constructor(session) {
    this._session = session;
    this._sink = null;
    this._pieces = []; // what came before there was a sink
    this._ended = false;
    this._error = null;
    this._paused = false;
    this._fields = []; // of the trailer section
    this._trailers = null; // who waits for them: { promise, resolve, reject }
  }

  // What the session hears.

  data(bytes) {
    if (this._sink !== null) return this._sink.data(bytes);
    this._pieces.push(bytes);
    this.pause();
  }

  trailer(fields) {
    this._fields = fields;
  }

  end() {
    this._ended = true;
    this._sink?.end();
    this._trailers?.resolve(this._headers());
  }

  fail(error) {
    if (this._ended || this._error !== null) return;
    this._error = error;
    this._sink?.fail(error);
    this._trailers?.reject(error);
  }

  // What readers do.

  /** Gives a sink what has come, and everything that comes. */
  pour(sink) {
    this._sink = sink;
    for (const piece of this._pieces) sink.data(piece);
    this._pieces = [];
    if (this._ended) sink.end();
    else if (this._error !== null) sink.fail(this._error);
    else this.resume();
  }

  /** The whole body. */
  collect() {
    return new Promise((resolve, reject) => {
      const pieces = [];
      this.pour({ data: (bytes) => pieces.push(bytes), end: () => resolve(join(pieces)), fail: reject });
    });
  }

  /** The trailer section, once the body has ended. */
  get trailers() {
    if (this._trailers === null) {
      this._trailers = Promise.withResolvers();
      this._trailers.promise.catch(() => {}); // who waits hears of it; nobody has to
      if (this._ended) this._trailers.resolve(this._headers());
      if (this._error !== null) this._trailers.reject(this._error);
    }
    return this._trailers.promise;
  }

  _headers() {
    return headersAround(
      this._fields.map((part, i) => (i % 2 === 0 ? part.toLowerCase() : part)),
      null,
    );
  }

  pause() {
    if (this._paused) return;
    this._paused = true;
    natives.pause(this._session);
  }

  resume() {
    if (!this._paused) return;
    this._paused = false;
    natives.resume(this._session);
  }

  /** Has the rest thrown away. */
  discard() {
    this._pieces = [];
    this._sink = { data() {}, end() {}, fail() {} };
    natives.discard(this._session);
    this.resume();
  }
}
