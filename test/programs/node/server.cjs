/**
 * A web server on the loopback interface that keeps a Buffer for every request, as server.py does, and for the same
 * client. Prints its port, and how many requests it has served when SIGTERM has ended it.
 *
 * Expected: one calloc of COUNTED_BYTES in `remember` for a GET of /counted/N, of UNCOUNTED_BYTES for /uncounted/N;
 * neither is ever freed. The answer to both is N.
 */
'use strict';
const http = require('node:http');

const COUNTED_BYTES = 100_401;
const UNCOUNTED_BYTES = 100_403;
const kept = [];

function remember(kind) {
  if (kind === 'counted') kept.push(Buffer.alloc(COUNTED_BYTES));
  else kept.push(Buffer.alloc(UNCOUNTED_BYTES));
}

function handleRequest(request, response) {
  const [, kind, number] = request.url.split('/');
  remember(kind);
  response.setHeader('Content-Length', number.length);
  response.end(number);
}

const server = http.createServer(handleRequest);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.on('SIGTERM', () => {
  console.log(`served ${kept.length}`);
  process.exit(0);
});
