/**
 * The Python processes of the machine, as /proc tells (proc(5)): those that have mapped code of a file named python3.11,
 * libpython3.11.so.1.0, … What is asked for by pid is taken as it is: an interpreter can be linked into any program.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export interface PythonProcess {
  pid: number;
  /** In clock ticks since the machine was started: tells it from another that is given its pid. */
  startTime: string;
  /** sys.argv, as far as the command line says it. */
  argv: string[];
}

/** Code of an interpreter: `address perms offset device inode path`. */
const INTERPRETER =
  /^\S+ ..x. \S+ \S+ \d+ +\/(?:.*\/)?(?:lib)?python\d?(?:\.\d+)?[a-z]{0,2}(?:\.so[.\d]*)?(?: \(deleted\))?$/m;

export class PythonProcesses {
  private readonly proc: string;
  private readonly only: number[] | null;
  /** Of each process and executable, whether it is a Python. */
  private known = new Map<string, boolean>();

  /** `only`: pids; null: whatever is found. */
  constructor(only: number[] | null = null, proc = '/proc') {
    this.only = only;
    this.proc = proc;
  }

  /** By pid. A thorough look asks again of those that were none: an interpreter can be loaded at any time. */
  find(isThorough: boolean): PythonProcess[] {
    const before = this.known;
    this.known = new Map(); // of those that still run
    return (this.only ?? this.pids()).flatMap((pid) => {
      const startTime = this.startTime(pid);
      if (startTime === null || (this.only === null && !this.isPython(pid, startTime, before, isThorough))) return [];
      return [{ pid, startTime, argv: pythonArgv(this.commandLine(pid)) }];
    });
  }

  isRunning({ pid, startTime }: PythonProcess): boolean {
    return this.startTime(pid) === startTime;
  }

  /** For people: executable, argv, cwd, pid. */
  facts({ pid, argv }: PythonProcess): [string, string][] {
    return [
      ['executable', this.link(pid, 'exe')],
      ['argv', pythonList(argv)],
      ['cwd', this.link(pid, 'cwd')],
      ['pid', `${pid}`],
    ];
  }

  private pids(): number[] {
    return readdirSync(this.proc)
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  private isPython(pid: number, startTime: string, before: Map<string, boolean>, isThorough: boolean): boolean {
    const key = `${pid} ${startTime} ${this.link(pid, 'exe')}`;
    const known = before.get(key);
    const isKnown = known === true || (known === false && !isThorough);
    const isPython = isKnown ? known : INTERPRETER.test(this.textOf(pid, 'maps'));
    this.known.set(key, isPython);
    return isPython;
  }

  /** null: there is no such process, or it has ended and nobody has asked how. */
  private startTime(pid: number): string | null {
    // pid (comm) state …: the name may contain anything, so fields are counted from behind it
    const fields = this.textOf(pid, 'stat')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields.length < 20 || fields[0] === 'Z' || fields[0] === 'X' ? null : fields[19]!;
  }

  private commandLine(pid: number): string[] {
    const text = this.textOf(pid, 'cmdline');
    return text === '' ? [] : text.replace(/\0$/, '').split('\0');
  }

  private textOf(pid: number, file: string): string {
    try {
      return readFileSync(join(this.proc, `${pid}`, file), 'utf8');
    } catch {
      return '';
    }
  }

  private link(pid: number, name: string): string {
    try {
      return readlinkSync(join(this.proc, `${pid}`, name));
    } catch {
      return '?';
    }
  }
}

/** Options of the interpreter with a value of their own behind them. */
const WITH_VALUE = new Set(['-X', '-W', '--check-hash-based-pycs']);

/** sys.argv of `python3 -X dev app.py 1`: app.py, 1. That of a program that is not called python is its whole command line. */
export function pythonArgv(commandLine: string[]): string[] {
  const [program, ...args] = commandLine;
  if (program === undefined || !/^python[\d.]*$/.test(program.slice(program.lastIndexOf('/') + 1))) return commandLine;
  let at = 0;
  for (; at < args.length && /^-./.test(args[at]!); at += WITH_VALUE.has(args[at]!) ? 2 : 1) {
    // -c may follow other letters; what comes behind its text is the program's
    const command = /^-[A-Za-z]*?([cm])(.*)$/s.exec(args[at]!);
    if (command !== null && !/^-[XW]/.test(args[at]!)) {
      const rest = args.slice(command[2] === '' ? at + 2 : at + 1);
      return command[1] === 'c' ? ['-c', ...rest] : ['-m', command[2] || (args[at + 1] ?? ''), ...rest];
    }
  }
  return at < args.length ? args.slice(at) : [''];
}

/** As Python prints a list of str. */
export function pythonList(texts: string[]): string {
  const quoted = (text: string) => {
    const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
    return `${mark}${text.replace(/\\/g, '\\\\').replaceAll(mark, `\\${mark}`)}${mark}`;
  };
  return `[${texts.map(quoted).join(', ')}]`;
}
