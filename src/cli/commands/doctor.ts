/** `mp doctor`: what this machine can do, what is missing for tracing, and what to do about it. */
import { existsSync, readFileSync } from 'node:fs';
import { machine, release } from 'node:os';
import type { Command } from 'commander';
import { kernelSupports, probeCost, probeSites, untracedCost } from '../../native/binding.ts';
import { UserError } from '../../util/errors.ts';
import { type Output, styleOf } from '../../util/output.ts';
import {
  checkMachine,
  isTracingPossible,
  libcPath,
  type MachineFacts,
  machineJson,
  machineText,
  mayLoadPrograms,
  parseCapabilities,
} from '../recording/machine-checks.ts';
import { isInPidNamespace } from '../recording/pid-namespace.ts';
import { addPrefix } from '../recording/record-options.ts';
import { addExample, defaultOutput } from '../reports/report-options.ts';

const DEFAULT_RING_BYTES = 64 * 2 ** 20;

export function register(program: Command, output?: Output): void {
  const command = program
    .command('doctor')
    .argument('[FILE]', 'a program or library: lists its allocator functions in place of those of the C library')
    .description('what this machine can do, what is missing for tracing, and what to do about it')
    .option('--json', 'print JSON')
    .option('--allocator-prefix <PREFIX>', 'look for renamed allocators in FILE, too, e.g. je_', addPrefix);
  addExample(command, 'sudo mp doctor');
  command.action((file: string | undefined, options: DoctorOptions) => {
    const to = output ?? defaultOutput();
    const sites = file === undefined ? sitesOfLibc() : sitesOf(file, options.allocatorPrefix ?? []);
    const facts = machineFacts(sites);
    const checks = checkMachine(facts);
    to.out(options.json ? machineJson(facts, checks) : machineText(checks, to.columns, styleOf(to.color)));
    if (!isTracingPossible(checks)) process.exitCode = 1;
  });
}

interface DoctorOptions {
  json?: boolean;
  allocatorPrefix?: string[];
}

function machineFacts(libc: MachineFacts['libc']): MachineFacts {
  const capabilities = parseCapabilities(textOf('/proc/self/status') ?? '');
  const mayLoad = mayLoadPrograms(capabilities);
  return {
    kernelRelease: release(),
    architecture: machine(),
    hasBtf: existsSync('/sys/kernel/btf/vmlinux'),
    capabilities,
    lockdown: textOf('/sys/kernel/security/lockdown'),
    isInPidNamespace: isInPidNamespace(),
    probeModes: mayLoad ? probeModes() : null,
    probeCost: mayLoad ? measured(probeCost) : null,
    untracedCostNs: mayLoad ? measured(untracedCost) : null,
    libc,
    availableBytes: availableBytes(),
    defaultRingBytes: DEFAULT_RING_BYTES,
  };
}

function probeModes(): ('session' | 'multi' | 'perf')[] {
  const hasPerf = existsSync('/sys/bus/event_source/devices/uprobe/type');
  return (['session', 'multi', 'perf'] as const).filter((mode) => (mode === 'perf' ? hasPerf : kernelSupports(mode)));
}

/** What it gives, or why it can't. */
function measured<T>(measure: () => T): T | string {
  try {
    return measure();
  } catch (error) {
    return (error as Error).message;
  }
}

function sitesOfLibc(): MachineFacts['libc'] {
  const path = libcPath(textOf('/proc/self/maps') ?? '');
  return path === null ? null : { path, sites: probeSites(path) };
}

function sitesOf(path: string, prefixes: string[]): MachineFacts['libc'] {
  try {
    return { path, sites: probeSites(path, prefixes) };
  } catch (error) {
    throw new UserError((error as Error).message);
  }
}

function availableBytes(): number {
  const kibibytes = /^MemAvailable:\s*(\d+) kB$/m.exec(textOf('/proc/meminfo') ?? '')?.[1];
  return Number(kibibytes ?? 0) * 1024;
}

/** null if the file is not there or may not be read. */
function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
