/** The terminal: lines out, keys in. The only file that knows neo-blessed. */
import blessed, { type BlessedScreen } from 'neo-blessed';
import { TerminalInput } from './terminal-input.ts';

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  /** Lines from the top, at most as wide as the screen; they may have SGR sequences and nothing else. */
  draw(lines: string[]): void;
  /** `up`, `enter`, `space`, `q`, `C-c`, … */
  onKey(listener: (key: string) => void): void;
  onResize(listener: () => void): void;
  /** As Ctrl-Z does elsewhere. */
  suspend(): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** A screen that also hears the mouse. */
export interface MouseScreen extends Screen {
  /** With the character that was typed, if it is one. */
  onKey(listener: (key: string, character?: string) => void): void;
  /** Of the first button; columns and rows from 0. */
  onClick(listener: (column: number, row: number) => void): void;
  /** -1: up, 1: down. */
  onWheel(listener: (by: number) => void): void;
}

const NAMES: Record<string, string> = { return: '', linefeed: 'enter' };

export function openScreen(title: string): MouseScreen {
  const input = new TerminalInput();
  const screen = blessed.screen({ smartCSR: true, fullUnicode: true, forceUnicode: true, input });
  // Inside tmux it would wrap what is for the terminal around. tmux understands it itself; a screen inside tmux would show it.
  screen.program.tmux = false;
  screen.title = title;
  // Lines and dots as UTF-8, not from the terminal's second character set, which not all of them draw.
  screen.tput.brokenACS = true;
  const box = blessed.box({ top: 0, left: 0, width: '100%', height: '100%', wrap: false });
  screen.append(box);
  const ignoreSignals = endBySignals(screen);
  return {
    get columns() {
      return screen.width;
    },
    get rows() {
      return screen.height;
    },
    draw: (lines) => {
      box.setContent(lines.join('\n'));
      screen.render();
    },
    onKey: (listener) => {
      screen.on('keypress', (character, { full }) => {
        // Enter comes twice, as `return` and as `enter`.
        const name = NAMES[full] ?? (character === ' ' ? 'space' : full);
        if (name) listener(name, character);
      });
    },
    onClick: (listener) => {
      screen.on('mouse', ({ action, x, y }) => action === 'mousedown' && listener(x, y));
    },
    onWheel: (listener) => {
      screen.on('mouse', ({ action }) => action.startsWith('wheel') && listener(action === 'wheelup' ? -1 : 1));
    },
    onResize: (listener) => screen.on('resize', listener),
    suspend: () => suspend(screen),
    close: () => {
      ignoreSignals();
      screen.destroy();
      input.close();
    },
  };
}

const ENDING = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const;

/** Gives the terminal back and ends by the signal, where neo-blessed ends with exit code 0. */
function endBySignals(screen: BlessedScreen): () => void {
  const end = (signal: NodeJS.Signals) => {
    screen.destroy();
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  };
  for (const signal of ENDING) process.once(signal, end);
  return () => {
    for (const signal of ENDING) process.removeListener(signal, end);
  };
}

/** neo-blessed's own way loses what it wrote last, and ends: a listener of SIGCONT does not keep Node running. */
function suspend(screen: BlessedScreen): void {
  const { program } = screen;
  program.normalBuffer();
  program.showCursor();
  program.flush();
  const resume = program.pause();
  const awake = setInterval(() => undefined, 1000);
  process.once('SIGCONT', () => {
    clearInterval(awake);
    // Before what `resume` does to the cursor: the terminal keeps where the shell left it.
    program.alternateBuffer();
    resume();
    program.hideCursor();
    screen.alloc();
    screen.render();
  });
  process.kill(process.pid, 'SIGTSTP');
}
