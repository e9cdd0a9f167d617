/**
 * C++ of node itself that allocates: zlib and crypto. Most of its memory is its own business; randomBytes has a Buffer.
 * Ends by an exception that nobody catches.
 */
'use strict';
const crypto = require('node:crypto');
const zlib = require('node:zlib');
const { STATES, allocate, stated, waitForGate } = require('./sites.cjs');

function deflate() {
  return stated('node::') || zlib.deflateSync('text'.repeat(100));
}

function makeStream() {
  return stated('node::') || zlib.createGzip();
}

class Keys {
  derive() {
    return stated('node::crypto::') || crypto.pbkdf2Sync('secret', 'salt', 1, 32, 'sha256'); // shown as Keys.derive
  }
}

function random() {
  return stated('node::crypto::') || crypto.randomBytes(100_301);
}

function digest() {
  return stated('node::crypto::') || crypto.createHash('sha256').update('text').digest('hex');
}

waitForGate();
deflate();
const stream = makeStream();
if (!STATES) stream.resume().end('text'.repeat(100));
new Keys().derive();
random();
digest();

setTimeout(function last() {
  allocate(100_303);
  if (!STATES) throw new Error('expected');
});
