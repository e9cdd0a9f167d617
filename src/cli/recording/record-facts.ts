/** Facts about a recording that its capture keeps. */
import { hostname, release } from 'node:os';
import { VERSION } from '../../model/version.ts';

/** Rows of `meta`. */
export function captureMeta(mode: 'run' | 'trace', commandLine: string, options: object): Record<string, string> {
  return {
    mp_version: VERSION,
    mode,
    tracer_pid: String(process.pid),
    started_at: new Date().toISOString(),
    command_line: commandLine,
    options: JSON.stringify(options),
    kernel: release(),
    hostname: hostname(),
  };
}
