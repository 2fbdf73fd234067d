// Digests of bytes that come in pieces. SHA-256 is the one that there is; natives have its inner loop.

import { natives } from "./natives.js";

const block = 64;
const initial = "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19"; // FIPS 180-4 section 5.3.3

/** SHA-256 (FIPS 180-4 section 6.2). */
export class Sha256 {
  constructor() {
    this._state = Uint8Array.fromHex(initial);
    this._rest = new Uint8Array(block); // the beginning of a block
    this._held = 0;
    this._size = 0;
  }

  update(bytes) {
    this._size += bytes.length;
    let at = 0;
    if (this._held > 0) {
      at = Math.min(block - this._held, bytes.length);
      this._rest.set(bytes.subarray(0, at), this._held);
      this._held += at;
      if (this._held < block) return;
      natives.sha256(this._state, this._rest);
    }
    const end = bytes.length - ((bytes.length - at) % block);
    natives.sha256(this._state, bytes.subarray(at, end));
    this._rest.set(bytes.subarray(end));
    this._held = bytes.length - end;
  }

  /** The digest, 32 bytes. Nothing can be added any more. */
  digest() {
    // One bit, zeros, and the number of bits in 64 bits, up to the end of a block (section 5.1.1).
    const padding = new Uint8Array((this._held < 56 ? block : 2 * block) - this._held);
    padding[0] = 0x80;
    new DataView(padding.buffer).setBigUint64(padding.length - 8, BigInt(this._size) * 8n);
    this.update(padding);
    return this._state;
  }
}

/** Begins the digest that an algorithm of the Web Cryptography API names. */
export function digestOf(algorithm) {
  const name = String(algorithm?.name ?? algorithm);
  if (name.toUpperCase() === "SHA-256") return new Sha256();
  throw new DOMException(
    `${name} is not supported: SHA-256 is, and packages such as @noble/hashes have others`,
    "NotSupportedError",
  );
}
