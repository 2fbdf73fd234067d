// Answers: how a Response becomes calls of the ABI. A string or bytes go out in one call; a stream is read only as fast as the
// peer takes it.

import { check, SluiceError } from "./errors.js";
import { isStream } from "./body.js";
import { listOf } from "./globals/Response.js";
import { AGAIN, GONE, natives, NO_SESSION, SUCCESS } from "./natives.js";

/* global SLUICE_BODIES, SLUICE_STREAMING */

/** Sends an answer. It gives a promise for one that takes longer than the call, and throws when it cannot be begun. */
export function send(request, response) {
  const body = response._body;
  if (response._used || (typeof body === "object" && body !== null && body.locked)) {
    throw new TypeError("the body of the response was read already: a Response can be sent once, so make one for each request");
  }
  response._used = true;
  if (SLUICE_STREAMING && (response._trailers !== null || isStream(body))) {
    return stream(request, response, isStream(body) ? body : whole(body));
  }
  const errno = natives.send(request._session, response._status, response._fields, body === null ? undefined : body);
  if (errno !== SUCCESS && !isGone(errno)) throw new SluiceError("send", errno);
  return undefined;
}

function isGone(errno) {
  return errno === GONE || errno === NO_SESSION;
}

/** A body that lies ready as something that is read like a stream. */
function whole(body) {
  let rest = typeof body === "string" ? natives.encode(body) : body;
  return {
    getReader: () => ({
      async read() {
        const value = rest;
        rest = null;
        return { done: value === null || value.length === 0, value };
      },
      async cancel() {},
    }),
  };
}

const finished = 3; // a write state

/** Begins an answer whose body is a stream: it may take as long as it likes. */
function stream(request, response, body) {
  const session = request._session;
  // Once an answer has begun, a peer that waits to be told to send its body is not told any more; to others this says nothing.
  if (SLUICE_BODIES && request._incoming?._ended === false) natives.sendInformational(session, 100, []);
  const errno = natives.sendHead(session, response._status, response._fields);
  if (isGone(errno)) return undefined;
  check("sendHead", errno);
  request._begun = true;
  if (natives.writeState(session) === finished) return drop(body); // an answer to HEAD has no body
  natives.stream(session);
  if (body._incoming !== undefined && !body._disturbed) return pass(request, response, body);
  return pump(request, response, body.getReader());
}

async function drop(body) {
  await body.getReader().cancel(new DOMException("the answer has no body", "AbortError"));
}

// ----- A stream that JavaScript writes -----

/** Reads a stream and sends what it gives. It rejects when the stream fails or gives what cannot be sent. */
async function pump(request, response, reader) {
  request._cancel = (reason) => reader.cancel(reason).catch(() => {});
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!(value instanceof Uint8Array)) {
        throw new TypeError(
          `the stream of a response has to give Uint8Array, not ${typeof value}: pipe it through TextEncoderStream`,
        );
      }
      if (!(await write(request, value))) return request._cancel(request._gone);
    }
  } catch (error) {
    request._cancel(error); // not awaited: a stream that has failed has nobody to answer
    throw error;
  }
  if (request._gone === null) await end(request, response);
}

// What is sent in one call, in bytes: the output takes a piece whole, so that a large one would lie in the host's memory.
const mostAtOnce = 64 << 10;

/** Sends bytes, waiting for room. It gives false when the peer is gone. */
async function write(request, bytes) {
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.length <= mostAtOnce ? bytes : bytes.subarray(at, at + mostAtOnce);
    const errno = natives.sendData(request._session, piece);
    if (errno === AGAIN) await room(request);
    else if (isGone(errno)) return false;
    else {
      check("sendData", errno);
      at += piece.length;
    }
    if (request._gone !== null) return false;
  }
  return true;
}

/** Waits until the output takes bytes again, or the peer is gone. */
function room(request) {
  return new Promise((resolve) => {
    request._writable = resolve;
  });
}

/** Ends an answer, with the trailers that it has. */
async function end(request, response) {
  let trailers = response._trailers;
  if (typeof trailers === "function") trailers = trailers();
  if (trailers !== null) trailers = listOf(await trailers);
  const errno =
    trailers === null || trailers.length === 0
      ? natives.sendEnd(request._session)
      : natives.sendTrailers(request._session, trailers);
  if (!isGone(errno)) check(trailers === null ? "sendEnd" : "sendTrailers", errno);
}

// ----- The body of a request that is sent back as it comes -----

/** Passes the body of a request on. Nothing of it is looked at here, so it takes no stream and no promise. */
function pass(request, response, body) {
  const incoming = body._incoming;
  body._disturbed = true;
  return new Promise((resolve, reject) => {
    const sink = {
      data(bytes) {
        const errno = natives.sendData(request._session, bytes);
        if (errno === SUCCESS) return;
        if (errno === AGAIN) return wait(bytes);
        incoming.discard();
        if (isGone(errno)) resolve();
        else reject(new SluiceError("sendData", errno));
      },
      end: () => resolve(end(request, response)),
      fail: reject,
    };
    const wait = async (bytes) => {
      incoming.pause();
      await room(request);
      if (request._gone !== null) return resolve();
      sink.data(bytes);
      incoming.resume();
    };
    incoming.pour(sink);
  });
}
