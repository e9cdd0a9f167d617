/**
 * What `mp doctor` makes of the facts about a machine. Pure: facts in, checks and text out.
 *
 *     ok       kernel         6.18.44 on x86_64
 *     missing  permissions    CAP_BPF, CAP_PERFMON
 *                             → run mp with sudo
 *     note     probe sites    15 functions of /usr/lib/…/libc.so.6: malloc, calloc, …; single-stepped, …: reallocarray
 *
 * `missing`: no tracing without it. `note`: tracing works, or could not be looked at. A fact that is null could not be
 * found out without permissions.
 */
import { ALLOCATOR_NAME, RANGED_ALLOCATORS } from '../../model/abi.gen.ts';
import type { ProbeCost, ProbeMode, ProbeSite } from '../../native/binding.ts';
import { formatBytes, wrap } from '../../util/format.ts';
import type { Style } from '../../util/output.ts';

export interface MachineFacts {
  /** `uname -r`. */
  kernelRelease: string;
  architecture: string;
  hasBtf: boolean;
  /** CapEff of /proc/self/status. */
  capabilities: bigint;
  /** /sys/kernel/security/lockdown; null: the kernel has no such file. */
  lockdown: string | null;
  isInPidNamespace: boolean;
  /** Kinds that the kernel takes. */
  probeModes: Exclude<ProbeMode, 'auto'>[] | null;
  /** A sentence instead, if measuring failed. */
  probeCost: ProbeCost | string | null;
  /** Nanoseconds for an untraced process, see untracedCost(); a sentence instead, if measuring failed. */
  untracedCostNs: number | string | null;
  libc: { path: string; sites: ProbeSite[] } | null;
  availableBytes: number;
  defaultRingBytes: number;
}

export type CheckStatus = 'ok' | 'missing' | 'note';

export interface Check {
  status: CheckStatus;
  name: string;
  detail: string;
  /** What to do about it. */
  remedy: string | null;
}

/** bpf_loop, which the unwinder is made of. */
const MIN_KERNEL = [5, 17] as const;

const CAP_SYS_ADMIN = 21;
/** Capabilities that tracing takes: number, name, and whether CAP_SYS_ADMIN includes it. */
const NEEDED_CAPABILITIES: [number, string, boolean][] = [
  [39, 'CAP_BPF', true],
  [38, 'CAP_PERFMON', true],
  [40, 'CAP_CHECKPOINT_RESTORE', true], // opens the files behind mappings: /proc/PID/map_files
  [19, 'CAP_SYS_PTRACE', false],
];

/** CapEff of the text of /proc/PID/status; none if it isn't there. */
export function parseCapabilities(status: string): bigint {
  const digits = /^CapEff:\s*([0-9a-fA-F]+)$/m.exec(status)?.[1];
  return digits === undefined ? 0n : BigInt(`0x${digits}`);
}

/** Names of the capabilities that tracing lacks. */
export function missingCapabilities(capabilities: bigint): string[] {
  const has = (number: number) => ((capabilities >> BigInt(number)) & 1n) === 1n;
  return NEEDED_CAPABILITIES.filter(([number, , inAdmin]) => !has(number) && !(inAdmin && has(CAP_SYS_ADMIN))).map(
    ([, name]) => name,
  );
}

/** BPF programs can be loaded, so that the kernel can be asked what else it can do. */
export function mayLoadPrograms(capabilities: bigint): boolean {
  const missing = missingCapabilities(capabilities);
  return !missing.includes('CAP_BPF') && !missing.includes('CAP_PERFMON');
}

/** `none [integrity] confidentiality` → `integrity`. */
export function parseLockdown(text: string): string {
  return /\[(\w+)\]/.exec(text)?.[1] ?? 'none';
}

/** Path of the C library in the text of /proc/PID/maps; null if there is none, as in a static program. */
export function libcPath(maps: string): string | null {
  return /\s(\/\S*\/(?:libc[.-][^/\s]*so[^/\s]*|ld-musl-[^/\s]*))$/m.exec(maps)?.[1] ?? null;
}

export function checkMachine(facts: MachineFacts): Check[] {
  return [
    checkKernel(facts),
    checkBtf(facts),
    checkPermissions(facts),
    checkLockdown(facts),
    checkPidNamespace(facts),
    checkProbeModes(facts),
    checkProbeCost(facts),
    checkUntracedCost(facts),
    checkSites(facts),
    checkMemory(facts),
  ];
}

export function isTracingPossible(checks: Check[]): boolean {
  return checks.every((check) => check.status !== 'missing');
}

function check(status: CheckStatus, name: string, detail: string, remedy: string | null = null): Check {
  return { status, name, detail, remedy };
}

const AS_ROOT = 'run sudo mp doctor to find out';

function checkKernel({ kernelRelease, architecture }: MachineFacts): Check {
  const detail = `${kernelRelease} on ${architecture}`;
  if (architecture !== 'x86_64' && architecture !== 'x64')
    return check('missing', 'kernel', detail, 'mp traces programs on x86-64 only');
  const [major = 0, minor = 0] = kernelRelease.split('.').map((part) => Number.parseInt(part, 10));
  const isNewEnough = major > MIN_KERNEL[0] || (major === MIN_KERNEL[0] && minor >= MIN_KERNEL[1]);
  return isNewEnough
    ? check('ok', 'kernel', detail)
    : check('missing', 'kernel', detail, `use Linux ${MIN_KERNEL.join('.')} or later`);
}

function checkBtf({ hasBtf }: MachineFacts): Check {
  return hasBtf
    ? check('ok', 'BTF', '/sys/kernel/btf/vmlinux')
    : check('missing', 'BTF', 'no /sys/kernel/btf/vmlinux', 'use a kernel built with CONFIG_DEBUG_INFO_BTF=y');
}

function checkPermissions({ capabilities }: MachineFacts): Check {
  const missing = missingCapabilities(capabilities);
  return missing.length === 0
    ? check('ok', 'permissions', 'BPF, performance events, files and memory maps of other processes')
    : check('missing', 'permissions', `no ${missing.join(', ')}`, 'run mp with sudo');
}

function checkLockdown({ lockdown }: MachineFacts): Check {
  const level = lockdown === null ? 'none' : parseLockdown(lockdown);
  return level === 'confidentiality'
    ? check('missing', 'lockdown', 'BPF programs may not read kernel memory', 'boot with lockdown=integrity or none')
    : check('ok', 'lockdown', level);
}

function checkPidNamespace({ isInPidNamespace }: MachineFacts): Check {
  return isInPidNamespace
    ? check(
        'missing',
        'pid namespace',
        'this is a container, whose process ids are not those of the kernel',
        'run mp on the host or in a container that shares its processes (docker run --pid=host)',
      )
    : check('ok', 'pid namespace', 'that of the host');
}

const MODE_DETAILS = {
  session: 'session (one probe at entry and return of a call)',
  multi: 'multi (entry and return probed on their own); session probes come with Linux 6.13',
  perf: 'perf events (slow to attach and detach); multi probes come with Linux 6.6, session probes with 6.13',
};

function checkProbeModes({ probeModes }: MachineFacts): Check {
  if (probeModes === null) return check('note', 'probes', 'not known without permissions', AS_ROOT);
  const best = (['session', 'multi', 'perf'] as const).find((mode) => probeModes.includes(mode));
  if (best === undefined)
    return check('missing', 'probes', 'the kernel has no uprobes', 'use a kernel built with CONFIG_UPROBE_EVENTS=y');
  return check('ok', 'probes', MODE_DETAILS[best]);
}

function checkProbeCost({ probeCost }: MachineFacts): Check {
  if (probeCost === null) return check('note', 'probe cost', 'not known without permissions', AS_ROOT);
  if (typeof probeCost === 'string') return check('note', 'probe cost', `could not be measured: ${probeCost}`);
  const { emulatedNs, singleSteppedNs } = probeCost;
  return check('ok', 'probe cost', `${formatNs(emulatedNs)} a hit, ${formatNs(singleSteppedNs)} where single-stepped`);
}

function checkUntracedCost({ untracedCostNs }: MachineFacts): Check {
  if (untracedCostNs === null) return check('note', 'others', 'not known without permissions', AS_ROOT);
  if (typeof untracedCostNs === 'string') return check('note', 'others', `could not be measured: ${untracedCostNs}`);
  const detail = `${formatNs(untracedCostNs)} for an untraced process that begins and ends, nothing for its allocations`;
  return check('ok', 'others', detail);
}

function checkSites({ libc }: MachineFacts): Check {
  if (libc === null)
    return check('note', 'probe sites', 'this Node has no C library of its own to look at: name a file');
  const { path, sites } = libc;
  // A stripped static program has none but those.
  if (sites.every((site) => RANGED_ALLOCATORS.has(site.allocator))) {
    const mapped = sites.length === 0 ? '' : '; only what it maps is recorded';
    return check('note', 'probe sites', `no allocator found in ${path}${mapped}`);
  }
  const found = `${sites.length} functions of ${path}: ${namesOf(sites)}`;
  const stepped = namesOf(sites.filter((site) => site.singleStepped));
  return stepped
    ? check('note', 'probe sites', `${found}; single-stepped, which makes calls slower: ${stepped}`)
    : check('ok', 'probe sites', `${found}; none single-stepped`);
}

/** Public names, each once: several functions can be one allocator's, as the forms of operator new are. */
function namesOf(sites: ProbeSite[]): string {
  return [...new Set(sites.map((site) => (ALLOCATOR_NAME as Record<number, string>)[site.allocator]))].join(', ');
}

function checkMemory({ availableBytes, defaultRingBytes }: MachineFacts): Check {
  const detail = `${formatBytes(availableBytes)} available, ${formatBytes(defaultRingBytes)} for the ring buffer`;
  // Tables and the reader need room beside the ring.
  return availableBytes >= defaultRingBytes * 2
    ? check('ok', 'memory', detail)
    : check('note', 'memory', detail, 'record with a smaller --ring-size');
}

function formatNs(ns: number): string {
  return ns < 1000 ? `${Math.round(ns)} ns` : `${(ns / 1000).toFixed(1)} µs`;
}

/** Lines of the report, the verdict last. */
export function machineText(checks: Check[], columns: number, style: Style): string {
  const statusWidth = 'missing'.length + 2;
  const nameWidth = Math.max(...checks.map((one) => one.name.length)) + 2;
  const indent = ' '.repeat(statusWidth + nameWidth);
  const paint = { ok: style.dim, note: (text: string) => text, missing: style.warn };
  const lines = checks.flatMap((one) => {
    const width = Math.max(30, columns - indent.length);
    const [first, ...rest] = wrap(one.detail, width);
    const status = paint[one.status](one.status) + ' '.repeat(statusWidth - one.status.length);
    const remedy = one.remedy === null ? [] : wrap(`→ ${one.remedy}`, width, '  ');
    return [`${status}${one.name.padEnd(nameWidth)}${first}`, ...[...rest, ...remedy].map((line) => indent + line)];
  });
  const missing = checks.filter((one) => one.status === 'missing').map((one) => one.name);
  const verdict = missing.length === 0 ? 'Tracing is possible.' : `Tracing is not possible: ${missing.join(', ')}.`;
  return `${[...lines, '', style.bold(verdict)].join('\n')}\n`;
}

/** The checks and the numbers behind them. */
export function machineJson(facts: MachineFacts, checks: Check[]): string {
  const cost = facts.probeCost !== null && typeof facts.probeCost !== 'string' ? facts.probeCost : null;
  const report = {
    tracing_possible: isTracingPossible(checks),
    checks,
    probe_modes: facts.probeModes,
    probe_cost_ns: cost && { emulated: Math.round(cost.emulatedNs), single_stepped: Math.round(cost.singleSteppedNs) },
    untraced_process_ns: typeof facts.untracedCostNs === 'number' ? Math.round(facts.untracedCostNs) : null,
    probe_sites: facts.libc && {
      path: facts.libc.path,
      functions: facts.libc.sites.map((site) => ({
        function: site.name,
        allocator: (ALLOCATOR_NAME as Record<number, string>)[site.allocator],
        file_offset: site.offset,
        single_stepped: site.singleStepped,
      })),
    },
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
