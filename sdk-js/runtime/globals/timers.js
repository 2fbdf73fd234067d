// Timers are not supported yet. Whoever calls one is told so; whoever only looks whether they are there finds them.

export function setTimeout() {
  throw notYet("setTimeout");
}

export function setInterval() {
  throw notYet("setInterval");
}

/** There is nothing to clear. */
export function clearTimeout() {}

/** There is nothing to clear. */
export function clearInterval() {}

export function setImmediate() {
  throw notYet("setImmediate");
}

function notYet(name) {
  return new Error(`${name} is not supported yet: a handler acts when an event comes; queueMicrotask and promises are there`);
}
