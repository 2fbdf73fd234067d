// A server for the client's tests: it writes its address to its output, and answers with what it was asked.

import { createServer } from 'node:http';

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (piece) => (body += piece));
  request.on('end', () => {
    if (request.url === '/trailers') {
      response.writeEarlyHints({ link: '</a.css>' });
      response.writeHead(200, { Trailer: 'Sum' });
      response.write('abc');
      response.addTrailers({ Sum: '6' });
      response.end();
      return;
    }
    const text = `${request.method} ${request.url} ${body}`;
    response.writeHead(200, { A: 'b', 'Content-Length': Buffer.byteLength(text) });
    response.end(text);
  });
});
server.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`));
