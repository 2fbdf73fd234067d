// TextEncoderStream and TextDecoderStream of the Encoding standard.

import { TextDecoder, TextEncoder } from "./encoding.js";
import { TransformStream } from "./streams.js";

/** Text to UTF-8, piece by piece (https://encoding.spec.whatwg.org/#interface-textencoderstream). */
export class TextEncoderStream {
  constructor() {
    const encoder = new TextEncoder();
    let lead = ""; // half of a surrogate pair
    const { readable, writable } = new TransformStream({
      transform(text, controller) {
        text = lead + String(text);
        lead = /[\ud800-\udbff]$/.test(text) ? text.at(-1) : "";
        const bytes = encoder.encode(text.slice(0, text.length - lead.length));
        if (bytes.length > 0) controller.enqueue(bytes);
      },
      flush(controller) {
        if (lead !== "") controller.enqueue(encoder.encode(lead));
      },
    });
    this.readable = readable;
    this.writable = writable;
  }

  get encoding() {
    return "utf-8";
  }
}

/** UTF-8 to text, piece by piece (https://encoding.spec.whatwg.org/#interface-textdecoderstream). */
export class TextDecoderStream {
  #decoder;

  constructor(label, options) {
    const decoder = (this.#decoder = new TextDecoder(label, options));
    const { readable, writable } = new TransformStream({
      transform(bytes, controller) {
        const text = decoder.decode(bytes, { stream: true });
        if (text !== "") controller.enqueue(text);
      },
      flush(controller) {
        const text = decoder.decode();
        if (text !== "") controller.enqueue(text);
      },
    });
    this.readable = readable;
    this.writable = writable;
  }

  get encoding() {
    return this.#decoder.encoding;
  }

  get fatal() {
    return this.#decoder.fatal;
  }

  get ignoreBOM() {
    return this.#decoder.ignoreBOM;
  }
}
