/** `mp monitor` as a person uses it: three Pythons that imported nothing, one of which ends meanwhile. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { cannotFind, cannotRecord, MP, type Started, start, until } from './helpers.ts';
import { ENVIRONMENT, findPythons, pythonProgram } from './python.ts';
import { terminal } from './terminal.ts';

const PATIENCE_MS = 60_000;
/** Of the ten values of the cache: 100,000 and more each, and 33 of a bytes object's own. */
const VALUE_BYTES = 10 * (100_000 + 33) + 45;

/** What is said of the reading itself: the pause, and what mp does not know. */
const READ = 'process \\d+ stood still for [\\d.]+ ms\\n(?:what .*\\n)?';

interface Target extends Started {
  /** Deep size of the cache. */
  cache: number;
}

async function startGraph(t: TestContext, path: string): Promise<Target> {
  const target = start(t, path, [pythonProgram('graph.py'), 'argument'], { env: ENVIRONMENT });
  const line = await until('what graph.py states', () => /^.*\n/.exec(target.stdout())?.[0], PATIENCE_MS);
  const { cache } = JSON.parse(line) as { cache: number };
  return { ...target, cache };
}

/** Ten more Sessions. */
async function grow(target: Target): Promise<void> {
  const lines = () => target.stdout().split('\n').length;
  const before = lines();
  process.kill(target.pid, 'SIGUSR1');
  await until('ten more Sessions', () => lines() > before, PATIENCE_MS);
}

/** Runs mp monitor on these lines. */
function tell(t: TestContext, args: string[], lines: string[]) {
  const child = spawn(MP, ['monitor', ...args], { stdio: 'pipe' });
  t.after(() => child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.end(`${lines.join('\n')}\n`);
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((done) => {
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

describe('mp monitor', { skip: cannotRecord() || cannotFind('tmux') }, () => {
  it('asks three processes about their objects, one of which ends', async (t) => {
    const pythons = findPythons();
    const paths = [pythons[0]!, pythons.at(-1)!, pythons.at(-1)!].map(({ path }) => path);
    const [first, second, third] = (await Promise.all(paths.map((path) => startGraph(t, path)))) as [
      Target,
      Target,
      Target,
    ];
    const { press, shows } = terminal(t, 200, 100);
    /** Types a line, and waits for what follows it: its answer, and the next prompt. */
    const answers = async (line: string, answer: RegExp) => {
      press(line, 'Enter');
      const typed = line.replace(/[^\w ]/g, '\\$&');
      return await shows(new RegExp(`[>] ${typed}\\n${answer.source}`, 'm'));
    };
    const pid = (target: Target) => `${target.pid}`.padStart(5);
    press(`${MP} monitor ${first.pid} ${second.pid} ${third.pid}; echo ended with $?`, 'Enter');
    await shows('<Monitor>');
    const argv = `\\['${pythonProgram('graph.py')}', 'argument'\\]`;
    const list = [first, second, third].map((target, i) => `\\s*${i + 1} ${pid(target)} ${argv}\\n`);
    await answers('lc', new RegExp(`CID PID   ARGV\\n${list.join('')}<Monitor>`));

    await answers('sc 1', /Remote connection 1\. To return to Monitor, type <Ctrl-C> or \.<RETURN>\n<Annex>/);
    await answers('stat', new RegExp(`executable[^]*pid +${first.pid}\\n<Annex>`));
    await answers('int', /Remote interactive console\. To return to Annex, type '-'\.\n>>>/);
    const sums = 'Partition of a set of \\d+ objects\\. Total size = \\d+ bytes\\.\\n Index  Count';
    await answers('hp.heap()', new RegExp(`${READ}${sums}[^]*Type e\\.g\\. '_\\.more' to view\\.>\\n>>>`));
    const values = "(hp.iso('__main__.cache').dominos & hp.Type('bytes')).size";
    await answers(values, new RegExp(`${VALUE_BYTES}\\n>>>`));
    await answers("hp.iso('Session[3]').shpaths", / 0: modules\['__main__'\]\.__dict__\['sessions'\]\[3\]\n/);
    await answers('-', /<Annex>/);
    await answers('.', /<Monitor>/);

    await answers('sc 2', /Remote connection 2\..*\n<Annex>/);
    await answers('int', /Remote interactive.*\n>>>/);
    await answers('hp.setref()', new RegExp(`${READ}>>>`));
    await grow(second);
    press('C-c');
    await shows(/^<Monitor>\s*$/m);

    third.child.kill('SIGKILL');
    await third.finished;
    await shows('*** Connection 3 closed ***');
    await answers('sc 3', /there is no connection 3: lc lists them\n<Monitor>/);
    await answers('sc 2', /Remote connection 2\..*\n>>>/);
    const sessions = "hp.heap() & hp.Type('__main__.Session')";
    await answers(`(${sessions}).count`, new RegExp(`${READ}10\\n>>>`));
    await answers('.lc', new RegExp(`CID PID   ARGV\\n${list.slice(0, 2).join('')}>>>`));
    press('C-d');
    await shows('ended with 0');
    assert.equal(first.child.exitCode, null);
    assert.equal(second.child.exitCode, null);
  });

  it('obeys a script, and says what failed', async (t) => {
    const python = findPythons().at(-1)!;
    const target = await startGraph(t, python.path);
    const { stdout: list } = await tell(t, [], ['lc']);
    const [, cid] = new RegExp(`^ *(\\d+) +${target.pid} \\['.*graph\\.py', 'argument'\\]$`, 'm').exec(list) ?? [];
    assert.ok(cid, list);
    const script = ['sc 1', 'int', 'h = hp.heapu()', "(h & hp.Type('__main__.Node')).count", 'nothing', '.q', 'lc'];
    const { code, stdout, stderr } = await tell(t, [`${target.pid}`], script);
    assert.equal(code, 1);
    assert.match(stdout, /^Remote connection 1.*\nRemote interactive console.*\n2\n$/);
    const failure = 'there is no nothing: known names are hp, help, h, _\\nmp: 1 command failed\\n';
    assert.match(stderr, new RegExp(`^${READ}${failure}$`));
  });

  it('is what the library has, too', async (t) => {
    const target = await startGraph(t, findPythons().at(-1)!.path);
    const code = `
      import { Heap } from '${pathToFileURL(join(import.meta.dirname, '../../build/js/src/lib/index.js'))}';
      const heap = Heap.read(${target.pid}, { maxPauseMs: 30_000 });
      const [cache] = heap.sizeof('__main__.cache');
      const garbage = heap.objects.filter((object) => heap.graph.isTracked(object)).unheld();
      const nodes = garbage.ofKinds('type', new Set(['__main__.Node'])).count;
      const values = { cache: cache.deep, nodes, paths: heap.paths('Session[4]'), pause: heap.pauseMs > 0 };
      console.log(JSON.stringify({ ...values, growth: heap.growth(new Map([['Session', 2]])).find((row) => row.name === 'Session') }));`;
    const { stdout, stderr } = await start(t, process.execPath, ['--input-type=module', '-e', code]).finished;
    assert.notEqual(stdout, '', stderr);
    assert.deepEqual(JSON.parse(stdout), {
      cache: target.cache,
      nodes: 2,
      paths: ["modules['__main__'].__dict__['sessions'][4]"],
      pause: true,
      growth: { name: 'Session', count: 5, delta: 3 },
    });
  });
});
