/** `--by`, and `--split-threads`, which is an older name of `--by thread`. */
import { type Command, Option } from 'commander';
import { GROUPINGS, type Grouping } from '../../report/grouping.ts';

export interface ByOptions {
  by?: Grouping;
  splitThreads?: boolean;
}

/** `what` is done with the groups: `one row per …`. */
export function addByOption(command: Command, what: string): Command {
  return command.addOption(new Option('--by <GROUP>', what).choices(GROUPINGS));
}

export function addSplitThreadsOption(command: Command): Command {
  return command.addOption(new Option('--split-threads', 'the same as --by thread').conflicts('by'));
}

export function byOf({ by, splitThreads }: ByOptions): Grouping | null {
  return by ?? (splitThreads ? 'thread' : null);
}
