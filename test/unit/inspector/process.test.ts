/** What can be said of a Node from outside: this one, which is one. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { symbolAddress } from '../../../src/inspector/elf-symbol.ts';
import { inspectorPort } from '../../../src/inspector/find.ts';
import { isNode, signalHandler } from '../../../src/inspector/node-process.ts';
import { SnapshotFile } from '../../../src/inspector/snapshot-file.ts';
import { listeningSockets, socketsOf } from '../../../src/inspector/sockets.ts';
import { UserError } from '../../../src/util/errors.ts';
import { fileWith, rewritable } from '../heap/node/made-snapshot.ts';

test('this process is a Node, its parents are not all', () => {
  assert.ok(isNode(process.pid));
  assert.ok(!isNode(1) || readFileSync('/proc/1/comm', 'utf8') === 'node\n');
  assert.ok(!isNode(4_194_305));
});

test('the sockets on which this process listens', async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const [socket] = socketsOf(process.pid).filter((socket) => socket.port === port);
  assert.equal(socket?.host, '127.0.0.1');
  await new Promise((done) => server.close(done));
  assert.ok(!socketsOf(process.pid).some((socket) => socket.port === port));
});

test('sockets as the kernel writes them', () => {
  const lines = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:240D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1 0 100 0 0 10 0',
    '   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 102 1 0 100 0 0 10 0',
    '   2: 0100007F:240D 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 103 1 0 100 0 0 10 0',
    '   3: 0000000000000000FFFF00000200000A:0050 0:0 0A 0:0 00:0 0 0 0 104 1',
    '   4: 00000000000000000000000001000000:0051 0:0 0A 0:0 00:0 0 0 0 105 1',
    '   5: 00000000000000000000000000000000:0052 0:0 0A 0:0 00:0 0 0 0 106 1',
    '   6: what else',
  ];
  assert.deepEqual(listeningSockets(lines.join('\n')), [
    { host: '127.0.0.1', port: 9229, inode: '101' },
    { host: '127.0.0.1', port: 8080, inode: '102' },
    { host: '10.0.0.2', port: 80, inode: '104' },
    { host: '0000:0000:0000:0000:0000:0000:0000:0001', port: 81, inode: '105' },
    { host: '::1', port: 82, inode: '106' },
  ]);
});

test('the port of an inspector is the one that was asked for', () => {
  assert.equal(inspectorPort([]), 9229);
  assert.equal(inspectorPort(['app.js', '9000']), 9229);
  assert.equal(inspectorPort(['--inspect']), 9229);
  assert.equal(inspectorPort(['--inspect=9300']), 9300);
  assert.equal(inspectorPort(['--inspect=127.0.0.1']), 9229);
  assert.equal(inspectorPort(['--inspect-brk=0.0.0.0:9400']), 9400);
  assert.equal(inspectorPort(['--inspect=[::1]:9500', 'app.js']), 9500);
  assert.equal(inspectorPort(['--inspect-port', '9600', 'app.js']), 9600);
  assert.equal(inspectorPort(['--inspect-port=0']), 0);
  assert.equal(inspectorPort(['--inspect', '--inspect-publish-uid=http']), 9229);
});

test('a signal that the program handles itself is left alone', async () => {
  const before = signalHandler(process.pid);
  assert.equal(before, 'node');
  const listener = () => {};
  process.on('SIGUSR1', listener);
  process.on('SIGUSR2', listener);
  assert.equal(signalHandler(process.pid), 'program');
  process.removeListener('SIGUSR1', listener);
  // libuv has put the default in place of Node's own
  assert.equal(signalHandler(process.pid), 'none');
  process.removeListener('SIGUSR2', listener);
});

test('a damaged program has no symbols, and does no harm', (t) => {
  const head = readFileSync('/bin/true');
  const file = openSync('/bin/true', 'r');
  assert.equal(symbolAddress(file, 'there is no such symbol', 'dynamic'), null);
  closeSync(file);
  assert.equal(symbolAddress(fileWith(t, 'no ELF file'), 'main', 'static'), null);
  const fileOf = rewritable(t);
  for (let at = 0; at < 64; at++) {
    for (const byte of [0, 1, 0x7f, 0xff]) {
      const damaged = Buffer.from(head);
      damaged[at] = byte;
      symbolAddress(fileOf(damaged), 'abort', 'dynamic');
    }
  }
  for (let length = 0; length < 64; length++) symbolAddress(fileOf(head.subarray(0, length)), 'abort', 'dynamic');
  const table = Number(head.readBigUInt64LE(40));
  for (let at = table; at < head.length; at += 3) {
    const damaged = Buffer.from(head);
    damaged.fill(0xff, at, Math.min(at + 8, head.length));
    symbolAddress(fileOf(damaged), 'abort', 'dynamic');
  }
});

test('a heap snapshot that has no room is refused', () => {
  assert.throws(() => new SnapshotFile('/tmp', 2 ** 60), /needs 1.000 EiB more in \/tmp, .* set TMPDIR/);
  assert.throws(() => new SnapshotFile('/nowhere', 1), UserError);
  const file = new SnapshotFile('/tmp', 1);
  file.append('séance');
  assert.equal(file.bytes, 7);
  file.close();
});
