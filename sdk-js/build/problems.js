// What keeps a handler from being built, told to its author.

/** A problem of the author's: the message says what, where, and what to do. The tool prints it without a stack. */
export class BuildError extends Error {
  constructor(message) {
    super(message);
    this.name = "BuildError";
  }
}

/** What is wanted when a module is none of the kinds of handler. */
export const wanted = `A handler's module has a default export, for instance:

    export default {
      fetch(request) { return new Response("Hello!\\n"); }
    };`;
