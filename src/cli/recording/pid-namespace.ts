/** BPF programs see the process ids of the kernel; mp must see the same ones. */
import { readlinkSync } from 'node:fs';
import { UserError } from '../../util/errors.ts';

/** PROC_PID_INIT_INO of include/linux/proc_ns.h. */
const INITIAL = 'pid:[4026531836]';

export function isInPidNamespace(): boolean {
  try {
    return readlinkSync('/proc/self/ns/pid') !== INITIAL;
  } catch {
    return false; // a kernel without pid namespaces
  }
}

/** @throws UserError instead of a recording that would stay empty. */
export function mustNotBeInPidNamespace(): void {
  if (isInPidNamespace())
    throw new UserError(
      'mp runs in a container, whose process ids are not those of the kernel: run it on the host, or in a container ' +
        'that shares its processes (docker run --pid=host)',
    );
}
