// What the engine module offers (../engine/natives.d.ts). The global is there while the runtime is evaluated, and for nobody
// else: a handler that reached it could act upon any session.

export const natives = globalThis.__sluice;
delete globalThis.__sluice;

/**
 * The numbers of ../abi.js that the runtime looks at for each request. As constants of a module they cost nothing to look up.
 */
export const HEADER_READY = 1;
export const DATA_READY = 2;
export const READY = 3;
export const DATA_DONE = 5;
export const TRAILER_READY = 7;
export const CLOSED = 9;

export const SUCCESS = 0;
export const AGAIN = 1;
export const NO_SESSION = 5;
export const GONE = 6;

/** The side of a CLOSED after which nothing can be sent or received. */
export const BOTH = 1;
