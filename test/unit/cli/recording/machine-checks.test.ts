import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Check,
  checkMachine,
  isTracingPossible,
  libcPath,
  type MachineFacts,
  machineJson,
  machineText,
  mayLoadPrograms,
  missingCapabilities,
  parseCapabilities,
  parseLockdown,
} from '../../../../src/cli/recording/machine-checks.ts';
import { ALLOCATOR } from '../../../../src/model/abi.gen.ts';
import { styleOf } from '../../../../src/util/output.ts';

const bits = (...numbers: number[]) => numbers.reduce((sum, number) => sum | (1n << BigInt(number)), 0n);
const ALL = 0x1ffffffffffn;

const GOOD: MachineFacts = {
  kernelRelease: '6.18.44-test',
  architecture: 'x86_64',
  hasBtf: true,
  capabilities: ALL,
  lockdown: '[none] integrity confidentiality\n',
  isInPidNamespace: false,
  probeModes: ['session', 'multi', 'perf'],
  probeCost: { emulatedNs: 812.4, singleSteppedNs: 9351 },
  untracedCostNs: 1130,
  libc: {
    path: '/usr/lib/libc.so.6',
    sites: [
      { name: 'malloc', allocator: ALLOCATOR.MALLOC, offset: 16, singleStepped: false },
      { name: 'free', allocator: ALLOCATOR.FREE, offset: 35, singleStepped: false },
    ],
  },
  availableBytes: 2 ** 30,
  defaultRingBytes: 2 ** 26,
};

function checkOf(name: string, changes: Partial<MachineFacts>): Check {
  const found = checkMachine({ ...GOOD, ...changes }).find((check) => check.name === name);
  assert.ok(found, name);
  return found;
}

test('capabilities are those in effect', () => {
  const status = 'Name:\tmp\nCapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\nCapEff:\t000000c000080000\n';
  assert.equal(parseCapabilities(status), 0xc000080000n);
  assert.equal(parseCapabilities('Name:\tmp\n'), 0n);
  assert.equal(parseCapabilities(''), 0n);
});

test('capabilities that tracing lacks', () => {
  assert.deepEqual(missingCapabilities(ALL), []);
  assert.deepEqual(missingCapabilities(0n), ['CAP_BPF', 'CAP_PERFMON', 'CAP_CHECKPOINT_RESTORE', 'CAP_SYS_PTRACE']);
  assert.deepEqual(missingCapabilities(bits(39, 38, 40, 19)), []);
  assert.deepEqual(missingCapabilities(bits(39, 40, 19)), ['CAP_PERFMON']);
  assert.deepEqual(missingCapabilities(bits(38, 40, 19)), ['CAP_BPF']);
  assert.deepEqual(missingCapabilities(bits(38, 39, 19)), ['CAP_CHECKPOINT_RESTORE']);
  // CAP_SYS_ADMIN stands for what was split off it, not for CAP_SYS_PTRACE
  assert.deepEqual(missingCapabilities(bits(21)), ['CAP_SYS_PTRACE']);
  assert.deepEqual(missingCapabilities(bits(21, 19)), []);
});

test('programs can be loaded with part of the capabilities', () => {
  assert.equal(mayLoadPrograms(bits(38, 39)), true);
  assert.equal(mayLoadPrograms(bits(21)), true);
  assert.equal(mayLoadPrograms(bits(39)), false);
  assert.equal(mayLoadPrograms(0n), false);
});

test('lockdown', () => {
  assert.equal(parseLockdown('[none] integrity confidentiality\n'), 'none');
  assert.equal(parseLockdown('none [integrity] confidentiality\n'), 'integrity');
  assert.equal(parseLockdown('none integrity [confidentiality]\n'), 'confidentiality');
  assert.equal(parseLockdown(''), 'none');
  assert.equal(checkOf('lockdown', { lockdown: 'none [integrity] confidentiality' }).status, 'ok');
  assert.equal(checkOf('lockdown', { lockdown: 'none integrity [confidentiality]' }).status, 'missing');
  assert.equal(checkOf('lockdown', { lockdown: null }).status, 'ok');
});

test('the C library among the mappings', () => {
  const line = (path: string) => `7f0c1a026000-7f0c1a17b000 r-xp 00026000 fe:01 131119                     ${path}\n`;
  const libc = '/usr/lib/x86_64-linux-gnu/libc.so.6';
  assert.equal(libcPath(line('/usr/bin/node') + line('/usr/lib/libcrypto.so.3') + line(libc) + line('[vdso]')), libc);
  assert.equal(libcPath(line('/lib/libc-2.31.so')), '/lib/libc-2.31.so');
  assert.equal(libcPath(line('/lib/ld-musl-x86_64.so.1')), '/lib/ld-musl-x86_64.so.1');
  assert.equal(libcPath(line('/usr/lib/libcap.so.2') + line('/usr/lib/libc++.so.1')), null);
  assert.equal(libcPath(''), null);
});

test('a machine that has everything', () => {
  const checks = checkMachine(GOOD);
  assert.ok(isTracingPossible(checks));
  assert.deepEqual(new Set(checks.map((check) => check.status)), new Set(['ok']));
  assert.ok(checks.every((check) => check.remedy === null));
});

test('each thing without which there is no tracing has a remedy', () => {
  const lacks: [string, Partial<MachineFacts>][] = [
    ['kernel', { kernelRelease: '5.16.20' }],
    ['kernel', { kernelRelease: '4.19.0-27-amd64' }],
    ['kernel', { architecture: 'aarch64' }],
    ['BTF', { hasBtf: false }],
    ['permissions', { capabilities: 0n }],
    ['lockdown', { lockdown: 'none integrity [confidentiality]' }],
    ['pid namespace', { isInPidNamespace: true }],
    ['probes', { probeModes: [] }],
  ];
  for (const [name, changes] of lacks) {
    const checks = checkMachine({ ...GOOD, ...changes });
    assert.deepEqual(
      checks.filter((check) => check.status === 'missing').map((check) => check.name),
      [name],
    );
    assert.ok(checkOf(name, changes).remedy, name);
    assert.ok(!isTracingPossible(checks));
  }
  for (const kernelRelease of ['5.17.0', '5.17-rc1', '6.1.0-18-amd64', '10.0'])
    assert.equal(checkOf('kernel', { kernelRelease }).status, 'ok');
});

test('what could not be found out without permissions is no failure', () => {
  const changes = { probeModes: null, probeCost: null, untracedCostNs: null };
  for (const name of ['probes', 'probe cost', 'others']) {
    assert.equal(checkOf(name, changes).status, 'note');
    assert.match(checkOf(name, changes).remedy ?? '', /sudo mp doctor/);
  }
  assert.equal(checkOf('probe cost', { probeCost: 'cannot attach probes' }).status, 'note');
  assert.equal(checkOf('others', { untracedCostNs: 'cannot load' }).detail, 'could not be measured: cannot load');
});

test('the best kind of probe is named', () => {
  assert.match(checkOf('probes', {}).detail, /^session/);
  assert.match(checkOf('probes', { probeModes: ['multi', 'perf'] }).detail, /^multi/);
  assert.match(checkOf('probes', { probeModes: ['perf'] }).detail, /^perf/);
});

test('probe cost in readable units', () => {
  assert.equal(checkOf('probe cost', {}).detail, '812 ns a hit, 9.4 µs where single-stepped');
});

test('what others pay', () => {
  const detail = '1.1 µs for an untraced process that begins and ends, nothing for its allocations';
  assert.equal(checkOf('others', {}).detail, detail);
});

test('functions that are single-stepped are named', () => {
  const site = (allocator: number, singleStepped: boolean) => ({ name: 'it', allocator, offset: 0, singleStepped });
  const sites = [site(ALLOCATOR.MALLOC, false), site(ALLOCATOR.OPERATOR_NEW, true), site(ALLOCATOR.OPERATOR_NEW, true)];
  const check = checkOf('probe sites', { libc: { path: '/lib/libc.so.6', sites } });
  assert.equal(check.status, 'note');
  assert.match(check.detail, /^3 functions of \S+: malloc, operator new; single-stepped, .*: operator new$/);
  assert.equal(checkOf('probe sites', { libc: { path: '/lib/libc.so.6', sites: [] } }).status, 'note');
  assert.equal(checkOf('probe sites', { libc: null }).status, 'note');
  const stripped = checkOf('probe sites', { libc: { path: '/bin/app', sites: [site(ALLOCATOR.MMAP, false)] } });
  assert.equal(stripped.status, 'note');
  assert.equal(stripped.detail, 'no allocator found in /bin/app; only what it maps is recorded');
});

test('a ring that takes most of the memory is noted', () => {
  assert.equal(checkOf('memory', { availableBytes: 100 * 2 ** 20 }).status, 'note');
});

test('the text has a line per check, remedies below and the verdict last', () => {
  const text = machineText(checkMachine({ ...GOOD, capabilities: bits(39, 40, 19) }), 120, styleOf(false));
  const lines = text.split('\n');
  assert.equal(lines[0], 'ok       kernel         6.18.44-test on x86_64');
  const at = lines.findIndex((line) => line.startsWith('missing'));
  assert.equal(lines[at], 'missing  permissions    no CAP_PERFMON');
  assert.equal(lines[at + 1], '                        → run mp with sudo');
  assert.equal(lines.at(-2), 'Tracing is not possible: permissions.');
  assert.match(machineText(checkMachine(GOOD), 120, styleOf(false)), /\nTracing is possible\.\n$/);
});

test('the text keeps to the width and is coloured only on demand', () => {
  const checks = checkMachine({ ...GOOD, isInPidNamespace: true });
  for (const line of machineText(checks, 80, styleOf(false)).split('\n')) assert.ok(line.length <= 80, line);
  assert.ok(!machineText(checks, 80, styleOf(false)).includes('\x1b'));
  assert.ok(machineText(checks, 80, styleOf(true)).includes('\x1b[33mmissing'));
});

test('JSON has the checks and the numbers', () => {
  const report = JSON.parse(machineJson(GOOD, checkMachine(GOOD)));
  assert.equal(report.tracing_possible, true);
  assert.deepEqual(report.probe_cost_ns, { emulated: 812, single_stepped: 9351 });
  assert.equal(report.untraced_process_ns, 1130);
  assert.equal(report.probe_sites.functions[1].function, 'free');
  assert.equal(report.checks.length, checkMachine(GOOD).length);
  const unknown = { ...GOOD, probeCost: null, probeModes: null, libc: null };
  const other = JSON.parse(machineJson(unknown, checkMachine(unknown)));
  assert.deepEqual([other.probe_cost_ns, other.probe_modes, other.probe_sites], [null, null, null]);
});
