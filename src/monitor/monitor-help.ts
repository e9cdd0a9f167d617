/** Commands of the Monitor and of the Annex, as `h` explains them. */
export interface Help {
  usage: string;
  short: string;
  long: string;
}

export type Commands = ReadonlyMap<string, Help>;

export const MONITOR_COMMANDS: Commands = new Map([
  ['exit', { usage: 'exit', short: 'leave mp monitor', long: 'The same as q.' }],
  ['h', { usage: 'h [COMMAND]', short: 'explain a command, or list them', long: 'help is the same.' }],
  [
    'int',
    {
      usage: 'int',
      short: 'a console: of a connection only',
      long: 'The console asks about the objects of one process. Connect to one first, with sc, and say int there.',
    },
  ],
  [
    'ki',
    {
      usage: 'ki CID',
      short: 'close a connection',
      long: 'Drops what its console keeps. The process goes on as before; it has a new CID when it is listed again.',
    },
  ],
  [
    'lc',
    {
      usage: 'lc',
      short: 'list connections: the Python processes of the machine',
      long:
        'One line each: the number of the connection (CID), the process (PID), and its sys.argv as far as its command\n' +
        'line says it. Nothing was imported there, and nothing is. Processes that begin later are found by themselves.',
    },
  ],
  ['q', { usage: 'q', short: 'leave mp monitor', long: 'All that the consoles keep is dropped. No process notices.' }],
  [
    'sc',
    {
      usage: 'sc [CID]',
      short: 'connect to a process',
      long: 'Without a CID, to the last one again. A console that was left with . goes on as it was.',
    },
  ],
]);

export const ANNEX_COMMANDS: Commands = new Map([
  ['close', { usage: 'close', short: 'close this connection', long: 'As ki of the Monitor.' }],
  ['h', MONITOR_COMMANDS.get('h')!],
  [
    'int',
    {
      usage: 'int',
      short: 'an interactive console with hp: the objects of the process',
      long: 'hp.heap() reads them, and shows them by kind. help says there what else there is.',
    },
  ],
  [
    'isolatest',
    {
      usage: 'isolatest',
      short: 'whether the console is isolated from the process',
      long: 'It always is: mp is another process, that only reads.',
    },
  ],
  ['q', MONITOR_COMMANDS.get('q')!],
  [
    'reset',
    { usage: 'reset', short: 'drop the console with all its variables', long: 'The next int begins with a new one.' },
  ],
  ['stat', { usage: 'stat', short: 'executable, argv, cwd and pid of the process', long: 'As /proc tells them now.' }],
]);

const NOTES = `.COMMAND is a command of the Monitor, from everywhere; . alone returns to it. ;; stands between two commands.`;

/** What `h` prints. @returns null if there is no such command. */
export function helpText(commands: Commands, command: string): string | null {
  if (command !== '') {
    const help = commands.get(command);
    return help === undefined ? null : `${help.usage}\n${'-'.repeat(help.usage.length)}\n${help.short}\n${help.long}`;
  }
  const lines = [...commands.values()].map(({ usage, short }) => `  ${usage.padEnd(12)} ${short}`);
  return ['Commands:', ...lines, NOTES].join('\n');
}
