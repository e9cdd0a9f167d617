/** Options of `mp run` and `mp trace` for watching a recording. */
import { type Command, InvalidArgumentError, Option } from 'commander';

export interface LiveRecordOptions {
  live?: boolean;
  liveRemote?: boolean;
  livePort?: number;
  wait: boolean;
  /** File into which the path of the capture is written once it exists. */
  announce?: string;
}

const MAX_PORT = 65535;

export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > MAX_PORT) throw new InvalidArgumentError('Give a number up to 65535.');
  return port;
}

export function addLiveOptions(command: Command): Command {
  return command
    .optionsGroup('Watching:')
    .addOption(new Option('--live', 'show what is in use on this terminal meanwhile').conflicts('liveRemote'))
    .option('--live-remote', 'let viewers on this machine connect (mp live PORT); the program waits for the first')
    .option('--live-port <N>', 'port for them on 127.0.0.1 (default: any that is free)', parsePort)
    .option('--no-wait', 'with --live-remote: the program does not wait')
    .addOption(new Option('--announce <FILE>').hideHelp());
}
