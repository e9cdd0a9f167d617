/** `mp live` on a terminal: keys and news to the model, the model to the screen. */
import type { LiveDelta } from '../model/live.ts';
import { cutEnd } from '../util/format.ts';
import type { SourceLine } from '../util/source-lines.ts';
import type { Target } from './live-buttons.ts';
import { callersTree } from './live-callers.ts';
import { helpScreen, isLastHelp } from './live-help.ts';
import type { LiveModel } from './live-model.ts';
import { ReplayPlayer, type ReplaySource } from './live-player.ts';
import { type LiveContext, type LiveMode, liveHeight, liveScreen } from './live-view.ts';
import type { MouseScreen } from './screen.ts';
import { TreeModel } from './tree-model.ts';
import { treeHeight, treeScreen } from './tree-view.ts';

export interface LiveApplication extends LiveContext {
  /** What has changed since it was last asked, when it is time to look; null: nothing will any more. */
  next(): Promise<LiveDelta | null>;
  sourceLines(file: string, line: number, count: number): SourceLine[];
  /** Writes a flame graph of now. @returns its path. */
  writeFlameGraph(): Promise<string>;
  /** Keeps what is in use now in a capture of its own. @returns its path. */
  writeSnapshot(): Promise<string>;
  /** To show a recording that has ended from its beginning. @throws UserError if it is not known what happened when. */
  openReplay?(): ReplaySource;
  /** Whether it begins with that. */
  startsWithReplay?: boolean;
  /** Calls `listener` when `output` has grown. */
  onOutput?(listener: () => void): void;
  /** When it resolves the view is closed, as if the user had quit. */
  closed?: Promise<void>;
}

/** How it was ended: `interrupt` by Ctrl-C, which is meant for the program. */
export type LiveEnd = 'quit' | 'interrupt';

const CALLERS_KEYS = '↑↓ move  ←→ close, open  e chain  q back';
const OUTPUT_PAUSE_MS = 100;

/** Ends when the user quits. @throws what `next` throws, with the terminal given back. */
export async function runLive(screen: MouseScreen, model: LiveModel, application: LiveApplication): Promise<LiveEnd> {
  const app = new LiveApp(screen, model, application);
  try {
    return await app.run();
  } finally {
    screen.close();
  }
}

class LiveApp {
  readonly #screen: MouseScreen;
  readonly #model: LiveModel;
  readonly #application: LiveApplication;
  readonly #mode: LiveMode = { typing: null, processCursor: null, message: '', commandPiece: 0 };
  #targets: Target[] = [];
  #callers: TreeModel | null = null;
  /** First line of the help that is shown; null: it is not. */
  #helpTop: number | null = null;
  #hasEnded = false;
  #outputTimer: NodeJS.Timeout | undefined;
  #player: ReplayPlayer | null = null;
  #resolve: (end: LiveEnd) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(screen: MouseScreen, model: LiveModel, application: LiveApplication) {
    this.#screen = screen;
    this.#model = model;
    this.#application = application;
  }

  run(): Promise<LiveEnd> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#screen.onKey((key, character) => this.#press(key, character));
      this.#screen.onClick((column, row) => this.#click(column, row));
      this.#screen.onWheel((by) => this.#press(by < 0 ? 'up' : 'down'));
      this.#screen.onResize(() => this.#draw());
      void this.#application.closed?.then(() => this.#end('quit'));
      this.#application.onOutput?.(() => this.#drawSoon());
      this.#draw();
      void this.#follow();
    });
  }

  async #follow(): Promise<void> {
    try {
      while (!this.#hasEnded) {
        const delta = await this.#application.next();
        if (this.#hasEnded) return;
        if (delta === null) this.#model.isDisconnected = true;
        else this.#model.apply(delta);
        this.#draw();
        if (delta === null || !this.#model.data.isRecording) break;
      }
      this.#model.canReplay = this.#application.openReplay !== undefined;
      if (this.#application.startsWithReplay) this.#startReplay();
      this.#draw();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#stop();
    this.#reject(error);
  }

  #end(end: LiveEnd): void {
    this.#stop();
    this.#resolve(end);
  }

  #stop(): void {
    this.#hasEnded = true;
    clearTimeout(this.#outputTimer);
    this.#player?.stop();
  }

  #startReplay(): void {
    if (!this.#model.canReplay || this.#hasEnded) return;
    const source = this.#application.openReplay!();
    this.#model.startReplay(source.replay);
    const show = (delta: LiveDelta) => {
      this.#model.apply(delta);
      this.#draw();
    };
    this.#player = new ReplayPlayer(source, show, (error) => this.#fail(error));
    this.#player.start();
  }

  #drawSoon(): void {
    this.#outputTimer ??= setTimeout(() => {
      this.#outputTimer = undefined;
      this.#draw();
    }, OUTPUT_PAUSE_MS);
  }

  #draw(): void {
    if (this.#hasEnded) return;
    const { columns, rows } = this.#screen;
    this.#targets = [];
    if (this.#helpTop !== null)
      this.#screen.draw(helpScreen(columns, rows, this.#helpTop).map((line) => cutEnd(line, columns)));
    else if (this.#callers !== null) this.#screen.draw(this.#callersScreen(this.#callers));
    else {
      const { lines, targets } = liveScreen(this.#model, columns, rows, this.#application, this.#mode);
      this.#targets = targets;
      this.#screen.draw(lines);
    }
  }

  #callersScreen(tree: TreeModel): string[] {
    const { columns, rows } = this.#screen;
    const { paint, shortenName, sourceLines, lossLine } = this.#application;
    const context = { title: 'Callers and callees', status: lossLine(this.#model.data.losses) };
    const lines = treeScreen(tree, columns, rows, { ...context, paint, shortenName, sourceLines });
    return [...lines.slice(0, -1), paint.dim(cutEnd(CALLERS_KEYS, columns))];
  }

  #click(column: number, row: number): void {
    const target = this.#targets.find(({ line, from, to }) => line === row && column >= from && column < to);
    if (target === undefined) return;
    const [kind, index] = target.key.split(':');
    if (kind === 'row') this.#model.move(Number(index) - this.#model.cursor);
    else if (kind === 'process') this.#chooseProcess(Number(index), false);
    else this.#press(target.key);
    this.#draw();
  }

  #press(key: string, character?: string): void {
    this.#mode.message = '';
    if (key === 'C-c') this.#end('interrupt');
    else if (key === 'C-z') this.#screen.suspend();
    else if (this.#mode.typing !== null) this.#type(this.#mode.typing, key, character);
    else if (this.#helpTop !== null) this.#turnHelp(this.#helpTop);
    else if (this.#callers !== null) this.#walk(this.#callers, key);
    else if (this.#mode.processCursor !== null) this.#pressInProcesses(this.#mode.processCursor, key);
    else if (!this.#player?.press(key)) this.#pressInTable(key);
    this.#draw();
  }

  #pressInTable(key: string): void {
    const model = this.#model;
    const page = liveHeight(model, this.#screen.columns, this.#screen.rows, this.#application) - 1;
    const sortBy = (by: LiveModel['sort']) => () => {
      model.sort = by;
      model.arrange();
    };
    const previous = () => model.turnThread(-1);
    const next = () => model.turnThread(1);
    const actions: Record<string, () => void> = {
      ...{ t: sortBy('totalBytes'), o: sortBy('ownBytes'), a: sortBy('allocations') },
      ...{ m: () => model.toggleMerged(), '<': previous, left: previous, '>': next, right: next },
      ...{ up: () => model.move(-1), down: () => model.move(1) },
      ...{ pageup: () => model.move(-page), pagedown: () => model.move(page) },
      ...{ home: () => model.move(-model.rows.length), end: () => model.move(model.rows.length) },
      ...{ 'S-m': () => model.setMark(), d: () => model.toggleDifference(), l: () => model.toggleLeaks() },
      n: () => model.toggleNative(),
      ...{ q: () => this.#end('quit'), escape: () => this.#end('quit') },
      space: () => model.togglePaused(),
      c: () => this.#mode.commandPiece++,
      r: () => this.#tell(() => this.#startReplay()),
      enter: () => this.#openCallers(),
      f: () => void this.#write('flame graph', () => this.#application.writeFlameGraph()),
      s: () => void this.#write('snapshot', () => this.#application.writeSnapshot()),
      '?': () => {
        this.#helpTop = 0;
      },
      '/': () => {
        this.#mode.typing = model.filter;
      },
      p: () => {
        if (model.data.processes.size > 1) this.#mode.processCursor = 0;
      },
    };
    actions[key]?.();
  }

  #turnHelp(top: number): void {
    const { columns, rows } = this.#screen;
    this.#helpTop = isLastHelp(columns, rows, top) ? null : top + rows - 1;
  }

  #type(text: string, key: string, character?: string): void {
    if (key === 'enter') {
      this.#mode.typing = null;
      this.#model.setFilter(text);
    } else if (key === 'escape') this.#mode.typing = null;
    else if (key === 'backspace') this.#mode.typing = [...text].slice(0, -1).join('');
    else if (character !== undefined && /^[^\p{C}]$/u.test(character)) this.#mode.typing = text + character;
  }

  #pressInProcesses(at: number, key: string): void {
    const last = this.#model.processes.length - 1;
    if (key === 'up') this.#mode.processCursor = Math.max(0, at - 1);
    else if (key === 'down') this.#mode.processCursor = Math.min(last, at + 1);
    else if (key === 'enter' || key === 'b') this.#chooseProcess(at, key === 'b');
    else if (key === 'x') this.#chooseProcess(null, false);
    else if (['p', 'q', 'escape'].includes(key)) this.#mode.processCursor = null;
  }

  #chooseProcess(index: number | null, withChildren: boolean): void {
    const row = index === null ? undefined : this.#model.processes[index];
    this.#model.selectProcess(row === undefined ? null : { id: row.process.id, withChildren });
    this.#mode.processCursor = null;
  }

  #openCallers(): void {
    const { selected } = this.#model;
    if (selected !== undefined) this.#callers = new TreeModel(callersTree(this.#model, selected.location));
  }

  #walk(tree: TreeModel, key: string): void {
    const page = treeHeight(this.#screen.columns, this.#screen.rows) - 1;
    const actions: Record<string, () => void> = {
      ...{ up: () => tree.move(-1), down: () => tree.move(1) },
      ...{ pageup: () => tree.move(-page), pagedown: () => tree.move(page) },
      ...{ left: () => tree.outwards(), right: () => tree.inwards() },
      ...{ enter: () => tree.toggle(), space: () => tree.toggle(), e: () => tree.toggleChain() },
    };
    if (key === 'q' || key === 'escape') this.#callers = null;
    actions[key]?.();
  }

  #tell(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#mode.message = (error as Error).message;
    }
  }

  async #write(what: string, write: () => Promise<string>): Promise<void> {
    this.#mode.message = `writing a ${what}`;
    try {
      this.#mode.message = `wrote ${await write()}`;
    } catch (error) {
      this.#mode.message = (error as Error).message;
    }
    this.#draw();
  }
}
