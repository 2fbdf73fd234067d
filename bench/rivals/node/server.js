// Node.js as its documentation has it for production: a worker for each processor (node:cluster), which share the port and get
// the connections in turn. NODE_ENV=production is set by whoever starts it (node.go); node:http itself does not look at it.
"use strict";

const cluster = require("node:cluster");
const { createHash } = require("node:crypto");
const http = require("node:http");
const { availableParallelism } = require("node:os");
const { Readable, pipeline } = require("node:stream");
const { json } = require("node:stream/consumers");

if (cluster.isPrimary) startWorkers(availableParallelism());
else listen();

// startWorkers prints the address as soon as all of them listen.
function startWorkers(workers) {
  let listening = 0;
  cluster.on("listening", (_, { port }) => {
    if (++listening === workers) console.log(`127.0.0.1:${port}`);
  });
  cluster.on("exit", (worker, code, signal) => {
    console.error(`a worker ended with ${signal ?? code}`);
    process.exit(1);
  });
  for (let i = 0; i < workers; i++) cluster.fork();
}

function listen() {
  const server = http.createServer((request, response) => {
    const answer = answers[`${request.method} ${request.url}`] ?? notFound;
    answer(request, response);
  });
  // The default closes a connection that is quiet for five seconds, which is shorter than the pauses between measurements.
  server.keepAliveTimeout = 75_000;
  // Port 0 is one and the same free port for all workers.
  server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 });
}

const answers = {
  "GET /hello": (_, response) => send(response, "text/plain; charset=utf-8", "Hello, world!\n"),
  "POST /json": total,
  "GET /64k": (_, response) => send(response, "application/octet-stream", small),
  "GET /100m": download,
  "POST /echo": echo,
  "GET /compute": compute,
};

function notFound(_, response) {
  response.writeHead(404).end();
}

function send(response, type, body) {
  response.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
}

function fail(response, status, error) {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${error.message}\n`);
}

// ----- /json -----

async function total(request, response) {
  let order;
  try {
    order = await json(request);
  } catch (error) {
    return fail(response, 400, error);
  }
  const { id, items } = order;
  let quantity = 0;
  let cents = 0;
  for (const item of items) {
    quantity += item.quantity;
    cents += item.quantity * item.cents;
  }
  send(response, "application/json", JSON.stringify({ id, items: items.length, quantity, cents }));
}

// ----- /64k, /100m, /echo -----

// The content is the same every 26 bytes, so a whole number of alphabets can be sent again and again.
const content = Buffer.alloc(1 << 20, "abcdefghijklmnopqrstuvwxyz");
const small = content.subarray(0, 64 << 10);
const piece = content.subarray(0, 26 * 10_000);

function download(_, response) {
  const size = 100 << 20;
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": size });
  pipeline(pieces(size), response, ignoreAborts);
}

function pieces(left) {
  return new Readable({
    read() {
      if (left === 0) return this.push(null);
      const next = left < piece.length ? piece.subarray(0, left) : piece;
      left -= next.length;
      this.push(next);
    },
  });
}

function echo(request, response) {
  const head = { "content-type": "application/octet-stream" };
  if (request.headers["content-length"] !== undefined) head["content-length"] = request.headers["content-length"];
  response.writeHead(200, head);
  pipeline(request, response, ignoreAborts);
}

// A client that goes away is no error of the server's, and pipeline has closed both sides.
function ignoreAborts() {}

// ----- /compute -----

function compute(_, response) {
  const sha256 = createHash("sha256").update(content).digest("hex");
  const records = Array.from({ length: 100 }, (_, id) => ({ id, name: `record ${id}`, value: id }));
  const parsed = JSON.parse(JSON.stringify({ sha256, records }));
  const sum = parsed.records.reduce((sum, record) => sum + record.value, 0);
  send(response, "application/json", JSON.stringify({ sha256: parsed.sha256, sum }));
}
