// structuredClone of the HTML standard, from @ungap/structured-clone.

import { deserialize, serialize } from "@ungap/structured-clone";

/** A deep copy. An ArrayBuffer that is transferred leaves its owner; nothing else can be transferred here. */
export function structuredClone(value, { transfer = [] } = {}) {
  for (const item of transfer) {
    if (!(item instanceof ArrayBuffer)) throw new DOMException("only an ArrayBuffer can be transferred here", "DataCloneError");
  }
  const copy = deserialize(written(value));
  for (const buffer of transfer) buffer.transfer();
  return copy;
}

function written(value) {
  try {
    return serialize(value);
  } catch (error) {
    throw new DOMException(`the value cannot be cloned: ${error.message}`, "DataCloneError");
  }
}
