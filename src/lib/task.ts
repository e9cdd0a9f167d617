/** Functions that are called when the traced memory changes, or at intervals: tasks, and the timer that drives them. */
import { NO_TRIGGER, Trigger } from '../top/trigger.ts';
import { currentSession, isEnabled, type Session } from './session.ts';

/** The recorder commits every 100 to 250 ms. */
const INTERVAL_MS = 50;

// biome-ignore lint/suspicious/noExplicitAny: tasks of all functions are driven alike
type AnyTask = Task<any[], unknown>;

const scheduled = new Set<AnyTask>();
let timer: NodeJS.Timeout | null = null;

/** The scheduled tasks. */
export function getTasks(): AnyTask[] {
  return [...scheduled];
}

/** Cancels all scheduled tasks. */
export function cancelTasks(): void {
  for (const task of getTasks()) task.cancel();
}

function look(): void {
  if (!isEnabled()) {
    cancelTasks();
    return;
  }
  let session: Session;
  let bytes: number;
  try {
    session = currentSession('run tasks');
    bytes = session.tracedMemory.size;
  } catch (error) {
    process.stderr.write(`mp: tasks are cancelled, the capture can't be read: ${messageOf(error)}\n`);
    cancelTasks();
    return;
  }
  for (const task of getTasks()) task.look(bytes);
  if (!session.isRecording) cancelTasks();
}

function schedule(task: AnyTask): void {
  scheduled.add(task);
  timer ??= setInterval(look, INTERVAL_MS);
}

function unschedule(task: AnyTask): void {
  scheduled.delete(task);
  if (scheduled.size > 0 || timer === null) return;
  clearInterval(timer);
  timer = null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function nowNs(): number {
  return performance.now() * 1e6;
}

/**
 * Calls a function when the traced memory has risen or fallen by more than a threshold since the last call, or after a
 * delay, whichever comes first. The delay is real time; the memory is looked at 20 times a second and is as old as the
 * last commit of the recorder, a quarter of a second at most.
 */
export class Task<Args extends unknown[] = [], Result = unknown> {
  readonly func: (...args: Args) => Result;
  readonly funcArgs: Args;
  #delay: number | null = null;
  #threshold: number | null = null;
  #repeat: number | null = null;
  #trigger: Trigger | null = null;
  #isCalling = false;

  constructor(func: (...args: Args) => Result, ...args: Args) {
    this.func = func;
    this.funcArgs = args;
  }

  /** Calls the function and gives what it returns. @throws what the function throws. */
  call(): Result {
    return this.func(...this.funcArgs);
  }

  /**
   * Schedules the task `repeat` times; null: until it is cancelled, or the recording ends. A second call replaces the first.
   * The task is cancelled, and the error logged on stderr, if its function throws or its promise is rejected.
   * @throws RangeError if `repeat` is no whole number above 0; Error if the task has neither a delay nor a threshold, or
   * `enable` was not called.
   */
  schedule(repeat: number | null = null): void {
    if (repeat !== null && !(Number.isInteger(repeat) && repeat > 0))
      throw new RangeError(`repeat must be a whole number above 0: ${repeat}`);
    if (this.#delay === null && this.#threshold === null)
      throw new Error('the task needs a memory threshold or a delay: see setMemoryThreshold and setDelay');
    const { size } = currentSession('schedule a task').tracedMemory;
    const [delayNs, thresholdBytes] = [this.#delay === null ? null : this.#delay * 1e9, this.#threshold];
    this.#repeat = repeat;
    this.#trigger = new Trigger({ ...NO_TRIGGER, delayNs, thresholdBytes, repeat }, nowNs(), size);
    schedule(this);
  }

  /** Nothing happens if it is not scheduled. */
  cancel(): void {
    this.#trigger = null;
    unschedule(this);
  }

  isScheduled(): boolean {
    return this.#trigger !== null;
  }

  /** Seconds; null: there is no timer. */
  getDelay(): number | null {
    return this.#delay;
  }

  /** Seconds; null disables the timer. A scheduled task is scheduled again. @throws RangeError unless it is above 0. */
  setDelay(seconds: number | null): void {
    this.#delay = positive(seconds, 'the delay');
    this.#reschedule();
  }

  /** Bytes; null: the memory does not matter. */
  getMemoryThreshold(): number | null {
    return this.#threshold;
  }

  /** Bytes; null disables it. A scheduled task is scheduled again. @throws RangeError unless it is above 0. */
  setMemoryThreshold(bytes: number | null): void {
    this.#threshold = positive(bytes, 'the memory threshold');
    this.#reschedule();
  }

  #reschedule(): void {
    if (!this.isScheduled()) return;
    if (this.#delay === null && this.#threshold === null) this.cancel();
    else this.schedule(this.#repeat);
  }

  /** Calls the function if it is time to. For the timer. */
  look(tracedBytes: number): void {
    const trigger = this.#trigger;
    if (trigger === null || this.#isCalling) return;
    if (trigger.fire(nowNs(), tracedBytes) === null) return;
    if (trigger.isOver) this.cancel();
    void this.#run();
  }

  async #run(): Promise<void> {
    this.#isCalling = true;
    try {
      await this.call();
    } catch (error) {
      this.cancel();
      process.stderr.write(`mp: a task failed and is cancelled: ${messageOf(error)}\n`);
    } finally {
      this.#isCalling = false;
    }
  }
}

function positive(value: number | null, what: string): number | null {
  if (value !== null && !(value > 0)) throw new RangeError(`${what} must be above 0: ${value}`);
  return value;
}
