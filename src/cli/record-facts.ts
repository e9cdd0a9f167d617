/** Facts about a recording that its capture keeps, and who is to own the file. */
import { hostname, release } from 'node:os';
import { VERSION } from '../model/version.ts';

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

/** The caller of sudo, if that is how mp was started. */
export function ownerUnderSudo(): { uid: number; gid: number } | null {
  const uid = Number(process.env.SUDO_UID);
  const gid = Number(process.env.SUDO_GID);
  return process.getuid?.() === 0 && uid > 0 && gid >= 0 ? { uid, gid } : null;
}
