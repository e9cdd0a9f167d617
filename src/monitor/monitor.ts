/**
 * The conversation of mp monitor: three prompts, each with its commands.
 *
 *     <Monitor>   lists processes, connects to one
 *     <Annex>     of one connection
 *     >>>         its console
 */
import type { HeapGraph } from '../heap/graph.ts';
import type { HeapColumns } from '../model/heap.ts';
import { UserError } from '../util/errors.ts';
import { formatBytes, printable } from '../util/format.ts';
import { type Connection, Connections } from './connections.ts';
import type { ReadHeap } from './hp.ts';
import { ANNEX_COMMANDS, type Commands, helpText, MONITOR_COMMANDS } from './monitor-help.ts';
import { type PythonProcesses, pythonList } from './python-processes.ts';

export interface MonitorOptions {
  processes: PythonProcesses;
  /** @throws UserError if the process can't be read. */
  readHeap(pid: number): ReturnType<ReadHeap>;
  /** Text without a newline at its end. */
  say(text: string): void;
  columns(): number;
  /** Bytes that the heaps of variables may keep before another one is read. */
  maxKeptBytes: number;
}

export class Monitor {
  private readonly options: MonitorOptions;
  private readonly connections: Connections;
  private current: Connection | null = null;
  private last: Connection | null = null;
  /** The user has said q. */
  isOver = false;

  constructor(options: MonitorOptions) {
    this.options = options;
    this.connections = new Connections(options.processes);
    this.connections.refresh(true);
  }

  get prompt(): string {
    if (this.current === null) return '<Monitor> ';
    return this.current.isInteractive ? '>>> ' : '<Annex> ';
  }

  /** Does what one line says. @throws UserError */
  handle(line: string): void {
    this.tell(this.ended());
    for (let rest: string | null = line; rest !== null && !this.isOver; ) {
      const isForConsole: boolean = this.current?.isInteractive === true && !rest.trimStart().startsWith('.');
      const end: number = isForConsole ? -1 : rest.indexOf(';;');
      const command = (end < 0 ? rest : rest.slice(0, end)).trim();
      rest = end < 0 ? null : rest.slice(end + 2);
      if (isForConsole) this.interact(this.current!, command);
      else this.command(command);
    }
  }

  /** Ctrl-C: back to the Monitor. */
  interrupt(): void {
    this.leave();
  }

  /** While the user thinks: what there is to say of processes that came and went. */
  look(): string[] {
    return this.current === null ? this.news(false) : this.ended();
  }

  complete(line: string): [string[], string] {
    if (this.current?.isInteractive) return this.current.console!.complete(line);
    const names = [...(this.current === null ? MONITOR_COMMANDS : ANNEX_COMMANDS).keys()];
    return [names.filter((name) => name.startsWith(line)), line];
  }

  private interact(connection: Connection, line: string): void {
    if (line === '-') {
      connection.isInteractive = false;
      if (connection.isClosed) this.leave();
      return;
    }
    const text = connection.console!.run(line, this.options.columns());
    if (text !== '') this.options.say(text);
  }

  private command(text: string): void {
    const [name = '', argument = ''] = text.replace(/^\./, '').split(/\s+/);
    if (text === '.') this.leave();
    else if (name !== '') this.run(text.startsWith('.') ? null : this.current, name, argument);
  }

  /** A command of the Annex of a connection, or, without one, of the Monitor. */
  private run(annex: Connection | null, name: string, argument: string): void {
    const command = (annex === null ? this.monitorCommands : this.annexCommands).get(name);
    if (command !== undefined) {
      command(argument);
    } else if (HELP_NAMES.includes(name)) {
      this.explain(annex === null ? MONITOR_COMMANDS : ANNEX_COMMANDS, argument);
    } else {
      const elsewhere = annex !== null && this.monitorCommands.has(name) ? `, but .${name} of the Monitor` : '';
      throw new UserError(`there is no command ${name} here${elsewhere}: h lists them`);
    }
  }

  private readonly quit = () => {
    this.isOver = true;
  };

  private readonly monitorCommands: ReadonlyMap<string, (argument: string) => void> = new Map([
    ['lc', () => this.list()],
    ['sc', (cid: string) => this.connect(cid === '' ? this.lastOpen() : this.connectionOf(cid))],
    ['ki', (cid: string) => this.kill(this.connectionOf(cid))],
    ['int', () => fail('a console is of one process: connect to it with sc CID, and say int there')],
    ['q', this.quit],
    ['exit', this.quit],
  ]);

  private readonly annexCommands: ReadonlyMap<string, (argument: string) => void> = new Map([
    ['int', () => this.openConsole(this.current!)],
    ['stat', () => this.describe(this.current!)],
    ['close', () => this.kill(this.current!)],
    ['reset', () => this.current!.reset()],
    ['isolatest', () => this.options.say('Isolated: nothing of mp is in the process, it is only read.')],
    ['q', this.quit],
  ]);

  private explain(commands: Commands, name: string): void {
    const text = helpText(commands, name);
    if (text === null) throw new UserError(`there is no command ${name}: h lists them`);
    this.options.say(text);
  }

  private openConsole(connection: Connection): void {
    connection.interact(() => this.read(connection));
    this.options.say("Remote interactive console. To return to Annex, type '-'.");
  }

  private describe({ process }: Connection): void {
    const facts = this.options.processes.facts(process);
    this.options.say(facts.map(([fact, value]) => `${fact.padEnd(11)} ${printable(value)}`).join('\n'));
  }

  private list(): void {
    this.tell(this.news(true));
    const rows = this.connections
      .all()
      .map(({ id, process: { pid, argv } }) => `${`${id}`.padStart(2)} ${`${pid}`.padStart(5)} ${pythonList(argv)}`);
    this.options.say(['CID PID   ARGV', ...rows.map(printable)].join('\n'));
  }

  private connectionOf(argument: string): Connection {
    if (!/^\d{1,9}$/.test(argument)) throw new UserError('give the CID of a connection: lc lists them');
    const connection = this.connections.get(Number(argument));
    if (connection === undefined) throw new UserError(`there is no connection ${argument}: lc lists them`);
    return connection;
  }

  private lastOpen(): Connection {
    if (this.last === null || this.last.isClosed) throw new UserError('give the CID of a connection: lc lists them');
    return this.last;
  }

  private connect(connection: Connection): void {
    this.leave();
    this.current = this.last = connection;
    this.options.say(`Remote connection ${connection.id}. To return to Monitor, type <Ctrl-C> or .<RETURN>`);
  }

  private kill(connection: Connection): void {
    this.connections.close(connection);
    connection.reset();
    this.options.say(`*** Connection ${connection.id} closed ***`);
    if (this.current === connection) this.leave();
  }

  /** What a process that has ended left behind goes when its console is left. */
  private leave(): void {
    if (this.current?.isClosed) this.current.reset();
    this.current = null;
  }

  private news(isThorough: boolean): string[] {
    const { opened, closed } = this.connections.refresh(isThorough);
    return [
      ...closed.flatMap((connection) => this.end(connection)),
      ...opened.map(({ id }) => `*** Connection ${id} opened ***`),
    ];
  }

  /** Of connections that nobody uses only the Monitor tells. */
  private ended(): string[] {
    const wasMonitor = this.current === null;
    return this.connections.dropEnded().flatMap((connection) => {
      const isTold = wasMonitor || connection === this.current;
      const lines = this.end(connection);
      return isTold ? lines : [];
    });
  }

  /** Drops what it kept, unless the user is asking about that. */
  private end(connection: Connection): string[] {
    const { id, process } = connection;
    const closed = `*** Connection ${id} closed ***`;
    if (this.current === connection && connection.isInteractive)
      return [closed, `Process ${process.pid} has ended. What was read of it stays until you return to Monitor.`];
    connection.reset();
    if (this.current === connection) this.leave();
    return [closed];
  }

  private tell(lines: string[]): void {
    for (const line of lines) this.options.say(line);
  }

  private read(connection: Connection): ReturnType<ReadHeap> {
    const { pid } = connection.process;
    if (connection.isClosed || !this.options.processes.isRunning(connection.process))
      throw new UserError(`process ${pid} has ended`);
    this.checkKept();
    return this.options.readHeap(pid);
  }

  /** @throws UserError if variables keep so many heaps that there is no room for one more. */
  private checkKept(): void {
    const graphs = new Map<HeapGraph, string>();
    let bytes = 0;
    for (const { id, console } of this.connections.all()) {
      if (console === null) continue;
      bytes += console.referenceBytes;
      for (const [graph, names] of console.kept()) graphs.set(graph, `${names.join(', ')} of connection ${id}`);
    }
    for (const { heap } of graphs.keys()) bytes += bytesOf(heap);
    if (bytes <= this.options.maxKeptBytes) return;
    throw new UserError(
      `variables keep ${formatBytes(bytes)} of heaps, more than --max-memory: ${[...graphs.values()].join('; ')}; ` +
        'del NAME drops one, NAME = NAME.stat keeps its sums only',
    );
  }
}

const HELP_NAMES = ['h', 'help', '?'];

function fail(message: string): never {
  throw new UserError(message);
}

/** With the references backward, which are made when they are asked for. */
function bytesOf(heap: HeapColumns): number {
  const columns = Object.values(heap).filter((column): column is Float64Array => ArrayBuffer.isView(column));
  return columns.reduce(
    (sum, { byteLength }) => sum + byteLength,
    heap.firstTarget.byteLength + heap.targets.byteLength,
  );
}
