/** The Python processes that mp monitor knows, each under a number of its own, as long as they run. */
import { HeapConsole } from './console.ts';
import type { ReadHeap } from './hp.ts';
import type { PythonProcess, PythonProcesses } from './python-processes.ts';

export class Connection {
  readonly id: number;
  readonly process: PythonProcess;
  /** The console, once it was opened; dropped with all that its variables keep. */
  console: HeapConsole | null = null;
  /** Whether lines go to the console, or to the Annex. */
  isInteractive = false;
  /** The process has ended. */
  isClosed = false;

  constructor(id: number, process: PythonProcess) {
    this.id = id;
    this.process = process;
  }

  interact(read: ReadHeap): void {
    this.console ??= new HeapConsole(read);
    this.isInteractive = true;
  }

  reset(): void {
    this.console = null;
    this.isInteractive = false;
  }
}

export class Connections {
  private readonly processes: PythonProcesses;
  private readonly open = new Map<number, Connection>();
  private lastId = 0;

  constructor(processes: PythonProcesses) {
    this.processes = processes;
  }

  /** What has come and gone since the last look. */
  refresh(isThorough: boolean): { opened: Connection[]; closed: Connection[] } {
    const closed = this.dropEnded();
    const known = new Set([...this.open.values()].map(({ process }) => process.pid));
    const fresh = this.processes.find(isThorough).filter(({ pid }) => !known.has(pid));
    return { opened: fresh.map((process) => this.add(process)), closed };
  }

  /** Those whose process has ended. */
  dropEnded(): Connection[] {
    const ended = this.all().filter(({ process }) => !this.processes.isRunning(process));
    for (const connection of ended) this.close(connection);
    return ended;
  }

  /** The process is given a new number when it is found again. */
  close(connection: Connection): void {
    connection.isClosed = true;
    this.open.delete(connection.id);
  }

  all(): Connection[] {
    return [...this.open.values()];
  }

  get(id: number): Connection | undefined {
    return this.open.get(id);
  }

  private add(process: PythonProcess): Connection {
    const connection = new Connection(++this.lastId, process);
    this.open.set(connection.id, connection);
    return connection;
  }
}
