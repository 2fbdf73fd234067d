// A back for chains of servers: it writes its address to its output, then a line for every request that it receives. It
// answers each 200 without content, with its tag and its method. It ends with its input.

import { createServer } from 'node:http';

const write = (line) => process.stdout.write(JSON.stringify(line) + '\n');

const server = createServer((request, response) => {
  const pieces = [];
  let complete = false;
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    complete = true;
    response.writeHead(200, { Tag: request.headers.tag ?? '', Method: request.method, 'Content-Length': 0 });
    response.end();
  });
  request.on('close', () => {
    write({
      tag: request.headers.tag ?? '',
      line: `${request.method} ${request.url}`,
      body: Buffer.concat(pieces).toString('base64'),
      complete,
    });
  });
  request.on('error', () => {});
});

const refused = new WeakSet(); // Node goes on parsing behind an error
server.on('clientError', (error, socket) => {
  if (refused.has(socket)) {
    return;
  }
  refused.add(socket);
  if (error.code !== 'ECONNRESET' && error.code !== 'HPE_INVALID_EOF_STATE') {
    write({ refused: `${error.code} ${error.rawPacket}` });
  }
  socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
});

server.listen(0, '127.0.0.1', () => process.stdout.write(`127.0.0.1:${server.address().port}\n`));
process.stdin.on('end', () => {
  server.close();
  server.closeAllConnections();
});
process.stdin.resume();
