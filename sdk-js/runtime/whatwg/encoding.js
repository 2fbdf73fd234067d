// UTF-8 for whatwg-url in place of its own encoding.js, which would bring TextEncoder and TextDecoder along. It imports
// nothing, because what it imports would be bundled as CommonJS like the package.

let natives = null;

/** Tells who does the work. */
export function provide(given) {
  natives = given;
}

export const utf8Encode = (text) => natives.encode(text);
export const utf8DecodeWithoutBOM = (bytes) => natives.decode(bytes);
