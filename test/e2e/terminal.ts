/** A terminal for what a person would do: tmux is it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { scratchFolder, until } from './helpers.ts';

export interface Terminal {
  press(...keys: string[]): void;
  /**
   * A click of the first button in the middle of the text, in the first line that has it. Of two that a program reads at
   * once neo-blessed loses one: wait for what the first does.
   */
  click(text: string): void;
  /** As the program has set it. */
  title(): string;
  /** Waits until the screen has the text. */
  shows(text: string | RegExp): Promise<string>;
}

const LIMIT_MS = 120_000;

/** A shell in a terminal of that size. */
export function terminal(t: TestContext, columns: number, rows: number): Terminal {
  // Before the folder's own: its socket is needed to end the server.
  t.after(() => tmux('kill-server'));
  const socket = join(scratchFolder(t), 'tmux');
  const tmux = (...args: string[]) => execFileSync('tmux', ['-S', socket, ...args], { encoding: 'utf8' });
  const env = { ...process.env, LANG: 'C.UTF-8' };
  const size = ['-x', String(columns), '-y', String(rows)];
  execFileSync('tmux', ['-S', socket, '-f', '/dev/null', 'new-session', '-d', ...size, 'sh'], { env });
  const screen = () => tmux('capture-pane', '-p');
  return {
    press: (...keys) => {
      for (const key of keys) tmux('send-keys', key);
    },
    click: (text) => {
      const lines = screen().split('\n');
      const row = lines.findIndex((line) => line.includes(text));
      assert.ok(row >= 0, `${text} is not on the screen:\n${lines.join('\n')}`);
      const column = [...lines[row]!.slice(0, lines[row]!.indexOf(text))].length + Math.floor(text.length / 2);
      for (const end of ['M', 'm']) tmux('send-keys', '-l', `\x1b[<0;${column + 1};${row + 1}${end}`);
    },
    title: () => tmux('display-message', '-p', '#{pane_title}').trim(),
    shows: async (text) => {
      let shown = '';
      const isThere = () => {
        shown = screen();
        return typeof text === 'string' ? shown.includes(text) : text.test(shown);
      };
      await until(`${text} on the screen`, isThere, LIMIT_MS).catch((error) => {
        throw new Error(`${error.message}, which shows:\n${shown}`);
      });
      return shown;
    },
  };
}
