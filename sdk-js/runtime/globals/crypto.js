// The part of the Web Cryptography API that is randomness, which is the host's, and digests. DigestStream is an extension that
// workerd has too: a WritableStream that makes a digest of what is written to it.

import { digestOf } from "../digest.js";
import { natives } from "../natives.js";
import { WritableStream } from "./streams.js";

/* global SLUICE_DIGESTS, SLUICE_DIGEST_STREAMS */

const most = 65536; // bytes at once, as the standard has it

/** https://w3c.github.io/webcrypto/#crypto-interface. */
export const crypto = {
  getRandomValues(array) {
    if (
      !ArrayBuffer.isView(array) ||
      array instanceof DataView ||
      array instanceof Float32Array ||
      array instanceof Float64Array
    ) {
      throw new DOMException("getRandomValues fills arrays of integers", "TypeMismatchError");
    }
    if (array.byteLength > most) throw new DOMException(`getRandomValues fills at most ${most} bytes`, "QuotaExceededError");
    natives.random(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return array;
  },

  /** A version 4 UUID (RFC 9562 section 5.4). */
  randomUUID() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = bytes.toHex();
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  },

  subtle: {
    /** Gives a promise of the digest, an ArrayBuffer. There is SHA-256. */
    async digest(algorithm, data) {
      if (!SLUICE_DIGESTS) throw new Error("crypto.subtle was left out of the module: mention subtle in the handler");
      const digest = digestOf(algorithm);
      digest.update(bytesOf(data));
      return digest.digest().buffer;
    },
  },

  get [Symbol.toStringTag]() {
    return "Crypto";
  },
};

if (SLUICE_DIGEST_STREAMS) {
  /** Makes a digest of what is written to it: `digest` is a promise of an ArrayBuffer, which the end of the stream keeps. */
  crypto.DigestStream = class DigestStream extends WritableStream {
    constructor(algorithm) {
      const digest = digestOf(algorithm);
      const { promise, resolve, reject } = Promise.withResolvers();
      promise.catch(() => {}); // who waits hears of it; nobody has to
      super({
        write: (piece) => digest.update(bytesOf(piece)),
        close: () => resolve(digest.digest().buffer),
        abort: reject,
      });
      this.digest = promise;
    }
  };
}

function bytesOf(data) {
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new TypeError("a digest is made of bytes: encode text with TextEncoder");
}
