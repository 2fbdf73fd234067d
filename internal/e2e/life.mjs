// Asks a server for what fetch has no words for, with Node's own client, and writes to standard output what came, as JSON.
//
// usage: node life.mjs http://127.0.0.1:8080/

import http from 'node:http';

const base = process.argv[2];

// ask makes a request and tells all that comes of it.
function ask(path, options = {}, body = []) {
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(path, base), { agent: false, ...options });
    const heard = { hints: [] };
    request.on('information', ({ statusCode, headers }) => heard.hints.push([statusCode, headers.link ?? '']));
    request.on('upgrade', (response, socket, head) => {
      let text = head.toString();
      socket.on('data', (piece) => (text += piece));
      socket.on('end', () => resolve({ ...heard, status: response.statusCode, upgrade: response.headers.upgrade, text }));
      socket.write('raw bytes\n');
      setTimeout(() => socket.end(), 200);
    });
    request.on('connect', (response, socket, head) => {
      let text = head.toString();
      socket.on('data', (piece) => (text += piece));
      socket.on('end', () => resolve({ ...heard, status: response.statusCode, text }));
      socket.write('through the tunnel\n');
      setTimeout(() => socket.end(), 200);
    });
    request.on('response', (response) => {
      let text = '';
      response.on('data', (piece) => (text += piece));
      response.on('aborted', () => resolve({ ...heard, status: response.statusCode, aborted: true, text }));
      response.on('end', () => resolve({ ...heard, status: response.statusCode, text, trailers: response.trailers }));
    });
    request.on('error', (error) => resolve({ ...heard, error: error.code }));
    request.setTimeout(20_000, () => reject(new Error(`${path}: no answer`)));
    const finish = () => {
      body.forEach((piece) => request.write(piece));
      if (options.trailers) request.addTrailers(options.trailers);
      request.end();
    };
    if (options.headers?.Expect) {
      request.on('continue', () => { heard.continued = true; finish(); });
      request.flushHeaders();
    } else {
      finish();
    }
  });
}

const put = { method: 'PUT' };
console.log(JSON.stringify({
  hints: await ask('/hints'),
  trailers: await ask('/trailers', { ...put, headers: { Trailer: 'Sent' }, trailers: { Sent: 'yes' } }, ['body ', 'in ', 'chunks ']),
  upgrade: await ask('/upgrade', { headers: { Connection: 'Upgrade', Upgrade: 'echo' } }),
  tunnel: await ask('/', { method: 'CONNECT', path: 'example.com:443' }),
  hold: await ask('/hold', { ...put, headers: { Expect: '100-continue' } }, ['body']),
  refuse: await ask('/refuse', { ...put, headers: { Expect: '100-continue' } }, ['body']),
  discard: await ask('/discard', put, ['x'.repeat(100_000)]),
  pause: await ask('/pause', put, ['x'.repeat(1000)]),
  stream: await ask('/stream'),
  cut: await ask('/cut'),
  states: await ask('/states'),
}));
