// Requests to other servers are not supported yet.

export async function fetch() {
  throw new Error("fetch() to other servers is not supported yet: a handler answers requests, and has no sockets");
}
