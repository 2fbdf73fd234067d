// How the runtime's globals become globals.

/** Defines globals as the standards have it: they can be replaced, and loops over the global object do not show them. */
export function define(values) {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
    // The bundler calls a class otherwise where its name is a global's.
    if (typeof value === "function") Object.defineProperty(value, "name", { value: name, configurable: true });
  }
}
