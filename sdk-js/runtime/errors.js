// Errors: what the calls of the ABI say as exceptions, and how what goes wrong in a handler reaches the log, with the places
// in the author's files.

import { errnoNames } from "../abi.js";
import { natives } from "./natives.js";

/** A call that was refused. `errno` is the name of the reason in the ABI, in lower case: "state", "closed", "too_big". */
export class SluiceError extends Error {
  constructor(call, errno) {
    const name = errnoNames[errno] ?? String(errno);
    super(`${call}: ${advice[call]?.[name] ?? advice.any[name] ?? name} (${name})`);
    this.errno = name;
  }

  get name() {
    return "SluiceError";
  }
}

const ended = "the answer has ended already, or it has not begun: look at session.resp.state";

// What to do about it, by call and reason.
const advice = {
  any: {
    again: "nothing was taken, as the peer reads too slowly: wait for DATA_DONE, or for session.resp.writable()",
    invalid: "a status, a header or a length cannot be sent: see the arguments",
    state: "an answer can do that only once, and in order: head, data, end",
    no_session: "the session is over: forget it when CLOSED is heard",
    closed: "the peer is gone: stop working on the answer",
    too_big: "a limit of the server would be exceeded: send less",
    unsupported: "it is not available to this handler: it has to listen to the event that follows",
  },
  send: {
    state: "an answer has begun already: a request is answered once",
    invalid: "the status is not from 200 to 999, a header cannot be sent, or Content-Length is not the length of the body",
  },
  sendHead: { state: "a head was sent already: an answer has one" },
  setHead: { state: "a head was sent already: an answer has one" },
  sendData: { state: ended, too_big: "the body is longer than Content-Length announced" },
  sendEnd: { state: ended, invalid: "the body is shorter than Content-Length announced: the connection was cut" },
  sendTrailers: { state: ended, invalid: "a field cannot be a trailer, or the body is shorter than Content-Length announced" },
  sendInformational: {
    state: "an answer has begun, or the peer does not wait for 100 (Continue)",
    invalid: "the status is not from 100 to 199 without 101, or a header cannot be sent",
  },
  upgrade: { state: "the request asks for no upgrade, is not complete, or is answered already" },
};

/** Throws a SluiceError for an errno other than success. */
export function check(call, errno) {
  if (errno !== 0) throw new SluiceError(call, errno);
}

/** Prints an error that nobody caught, with its stack and causes. It never throws. */
export function report(heading, error) {
  let text;
  try {
    text = describe(error);
  } catch {
    text = "an error that cannot be printed";
  }
  natives.print(2, `${heading}: ${text}`);
}

/** An error as text: name and message, the stack in the author's files, then what caused it. */
export function describe(error, depth = 0) {
  if (!(error instanceof Error) && !(error instanceof DOMException)) return `${String(error)} (thrown, but not an Error)`;
  let text = `${error.name}: ${error.message}`;
  const stack = own(String(error.stack ?? ""));
  if (stack !== "") text += `\n${stack}`;
  if (error.cause !== undefined && depth < 4) text += `\ncaused by ${describe(error.cause, depth + 1)}`;
  return text;
}

/** A stack without the frames of the runtime and of natives: what is left is the author's. */
function own(stack) {
  return stack
    .split("\n")
    .filter((frame) => /:\d+:\d+\)?$/.test(frame) && !/[ (]sluice:/.test(frame))
    .join("\n");
}
