/** A Node web server that leaks a Buffer per request, attached to under load and left again: the leak has its name. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { assertNone, cannotRecord, MP, mp, openCapture, scratchFolder, start, until, untilTraced } from './helpers.ts';
import { compareHealth, findNodes, JAVASCRIPT, nodeProgram, startNode } from './node.ts';
import { describeFrame, Stacks } from './stated-stacks.ts';
import { WebClient } from './web-client.ts';

const COUNTED_REQUESTS = 300;
/** See server.cjs. */
const COUNTED_BYTES = 100_401;
const ROUND_MS = 300;

const FILE = nodeProgram('server.cjs');

/** The first line of the server that has `text`. */
function lineOf(text: string): number {
  return (
    readFileSync(FILE, 'utf8')
      .split('\n')
      .findIndex((line) => line.includes(text)) + 1
  );
}

/** Attaches, has counted requests answered, and detaches, under load all the time. Returns the capture. */
async function traceUnderLoad(t: TestContext, pid: number, client: WebClient): Promise<string> {
  const path = join(scratchFolder(t), 'capture.db');
  client.start();
  await until('requests before tracing', () => client.answered.uncounted > 0);
  const tracer = start(t, MP, ['trace', '-q', '--pid', `${pid}`, '-o', path]);
  await untilTraced(path, pid, tracer);
  const attached = client.answered.uncounted;
  client.kind = 'counted';
  await until('counted requests', () => client.answered.counted >= COUNTED_REQUESTS || client.failures.length > 0);
  client.kind = 'uncounted';
  await until(
    'their last answers',
    () => client.answered.counted === client.sent.counted || client.failures.length > 0,
  );
  const detach = await mp(t, ['detach', `${pid}`]);
  assert.deepEqual([detach.code, detach.stderr], [0, '']);
  assert.deepEqual(await tracer.finished, { code: 0, signal: null, stdout: '', stderr: '' });
  assert.ok(client.answered.uncounted > attached, 'answers while probes are detached');
  await client.stop();
  return path;
}

/** Share of the allocations. */
const MOST_UNREAD = 0.1;

describe('a Node web server that leaks', { skip: cannotRecord() }, () => {
  for (const node of findNodes()) {
    test(node.version, async (t) => {
      const server = startNode(t, node, 'server.cjs');
      const port = Number(await until('the port', () => /^\d+\n/.exec(server.stdout())?.[0]));
      const client = new WebClient(port);
      t.after(() => client.stop());
      const path = await traceUnderLoad(t, server.pid, client);
      assert.ok((await client.measure(ROUND_MS)) > 0, 'answers after tracing');
      t.diagnostic(`${node.version}: ${client.total()} answers, the slowest took ${Math.round(client.slowestMs)} ms`);
      assertNone(client.failures);
      server.child.kill('SIGTERM');
      const stdout = `${port}\nserved ${client.total()}\n`;
      assert.deepEqual(await server.finished, { code: 0, signal: null, stdout, stderr: '' });

      const { stdout: report } = await mp(t, ['leaks', '-n', '1', path]);
      assert.match(report, /^#1 .* × calloc {2}in remember at \S*server\.cjs:\d+$/m);
      const capture = openCapture(t, path);
      const stacks = new Stacks(capture);
      const rows = capture.rows('leaks').filter((row) => row.bytes === row.allocations * COUNTED_BYTES);
      const leaked = rows.reduce((total, row) => total + row.allocations, 0);
      assert.equal(leaked, client.answered.counted);
      const stack = [`remember ${FILE}:${lineOf('Buffer.alloc(COUNTED_BYTES)')}`];
      stack.push(`handleRequest ${FILE}:${lineOf('  remember(kind)')}`);
      let unread = 0;
      for (const row of rows) {
        const frames = JAVASCRIPT.select(stacks.frames(row.stack_id));
        const own = frames.filter((frame) => frame.file === FILE);
        // V8 moved its objects before they were read: then nothing of the stack is believed
        if (frames.length === 0) unread += row.allocations;
        else assert.deepEqual(own.map(describeFrame), stack);
      }
      assert.ok(unread <= MOST_UNREAD * leaked, `${unread} of ${leaked} without JavaScript frames`);
      assertNone(compareHealth(capture));
    });
  }
});
