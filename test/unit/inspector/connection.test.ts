/** The inspector is a part of the target: whatever it says, mp goes on, or ends with a sentence. */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { Connection } from '../../../src/inspector/connection.ts';
import { UserError } from '../../../src/util/errors.ts';

const LONG_MS = 60_000;

/** Connects to a server that does `answer` with each message. */
async function connect(t: TestContext, answer: (socket: WebSocket, id: number) => void, idleMs = LONG_MS) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise((done) => server.once('listening', done));
  server.on('connection', (socket) => {
    socket.on('message', (data) => answer(socket, JSON.parse(String(data)).id));
  });
  const connection = await Connection.open(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, idleMs);
  t.after(async () => {
    for (const client of server.clients) client.terminate();
    await connection.close();
    await new Promise((done) => server.close(done));
  });
  return connection;
}

test('answers are those of their questions, and events come in between', async (t) => {
  const connection = await connect(t, (socket, id) => {
    if (id === 1) return;
    socket.send(JSON.stringify({ method: 'piece', params: { text: 'a' } }));
    socket.send(JSON.stringify({ method: 'other' }));
    for (const answered of [id, 1, 77]) socket.send(JSON.stringify({ id: answered, result: { of: answered } }));
  });
  const pieces: unknown[] = [];
  connection.on('piece', ({ text }) => pieces.push(text));
  assert.deepEqual(await Promise.all([connection.send('first'), connection.send('second')]), [{ of: 1 }, { of: 2 }]);
  assert.deepEqual(pieces, ['a']);
});

test('a refusal is one', async (t) => {
  const connection = await connect(t, (socket, id) => socket.send(JSON.stringify({ id, error: { message: 'no' } })));
  await assert.rejects(connection.send('anything'), new UserError('the inspector refuses: no'));
});

test('what makes no sense ends the connection', async (t) => {
  for (const nonsense of ['{', 'null', '"text"', '[]', Buffer.from([0xff, 0xfe])]) {
    const connection = await connect(t, (socket) => {
      socket.send(nonsense);
      socket.terminate();
    });
    await assert.rejects(connection.send('anything'), UserError, String(nonsense));
    await assert.rejects(connection.send('more'), UserError);
  }
});

test('what a listener cannot do is what the question fails with', async (t) => {
  const connection = await connect(t, (socket) => socket.send(JSON.stringify({ method: 'piece' })));
  connection.on('piece', () => {
    throw new UserError('the disk is full');
  });
  await assert.rejects(connection.send('anything'), new UserError('the disk is full'));
});

test('silence has a limit', async (t) => {
  const connection = await connect(t, () => {}, 50);
  await assert.rejects(connection.send('anything'), /has said nothing for 0.05 s/);
});

test('what is abandoned fails at once, and more can be asked', async (t) => {
  const connection = await connect(t, (socket, id) => {
    if (id > 1) socket.send(JSON.stringify({ id, result: {} }));
  });
  const first = connection.send('slow');
  connection.abandon(new UserError('interrupted'));
  await assert.rejects(first, new UserError('interrupted'));
  assert.deepEqual(await connection.send('quick'), {});
});

test('nobody there is a sentence', async () => {
  await assert.rejects(Connection.open('ws://127.0.0.1:1/', LONG_MS), /the inspector failed: .*ECONNREFUSED/);
});
