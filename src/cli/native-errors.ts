/** Errors of the addon as sentences that say what to do. */

import type { NativeError } from '../native/binding.ts';
import { UserError } from '../util/errors.ts';

export function explainNativeError(error: NativeError): Error {
  const message = error.message.split('\n')[0]!;
  switch (error.code) {
    case 'NO_PERMISSION':
      return new UserError(
        'no permission to trace: run mp with sudo (it needs CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and CAP_CHECKPOINT_RESTORE)',
      );
    case 'NO_BTF':
      return new UserError(`${message}; use a kernel built with CONFIG_DEBUG_INFO_BTF, see mp doctor`);
    case 'UNSUPPORTED':
    case 'NO_PROCESS':
    case 'NOT_FOUND':
    case 'NOT_EXECUTABLE':
    case 'NO_USER':
    case 'LIMIT':
      return new UserError(message);
    case 'ATTACH':
    case 'LAUNCH':
    case 'LOAD':
      return new UserError(`${error.message}; mp doctor shows what this machine can do`);
    default:
      return error;
  }
}
