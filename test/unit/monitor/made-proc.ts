/** A /proc with processes of the test's own. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryFolder } from '../report/command.ts';

const PYTHON = '/usr/bin/python3.11';

export interface MadeProcess {
  commandLine?: string[];
  /** Files with code. */
  code?: string[];
  startTime?: number;
  state?: string;
}

export class MadeProc {
  readonly folder: string;

  constructor(t: TestContext) {
    this.folder = temporaryFolder(t);
    writeFileSync(join(this.folder, 'uptime'), '');
  }

  set(
    pid: number,
    { commandLine = ['python3', 'app.py'], code = [PYTHON], startTime = 5, state = 'S' }: MadeProcess = {},
  ) {
    const folder = join(this.folder, `${pid}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    const times = [...Array.from({ length: 18 }, () => '0'), startTime, 0];
    writeFileSync(join(folder, 'stat'), `${pid} (a) Z (b) ${state} ${times.join(' ')}\n`);
    writeFileSync(join(folder, 'cmdline'), commandLine.map((argument) => `${argument}\0`).join(''));
    const line = (path: string, rights: string) =>
      `7f00-7f01 ${rights} 00000000 08:01 1234                       ${path}\n`;
    writeFileSync(
      join(folder, 'maps'),
      `7f02-7f03 rw-p 00000000 00:00 0 \n${line('/usr/lib/python3/x.so', 'r--p')}${code.map((path) => line(path, 'r-xp')).join('')}`,
    );
    symlinkSync(code[0] ?? '/bin/none', join(folder, 'exe'));
    symlinkSync('/srv/app', join(folder, 'cwd'));
  }

  end(pid: number): void {
    rmSync(join(this.folder, `${pid}`), { recursive: true });
  }
}
