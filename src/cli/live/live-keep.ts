/** What is in use now, kept in the capture or in a file beside it, which another process makes: the view goes on. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../util/errors.ts';
import { defaultPath } from '../reports/report-options.ts';
import { keepInCapture } from '../snapshots/keep-in-capture.ts';

/** `momentNs`: of a replay; null: now. @returns the path of the page. @throws UserError if it could not be written. */
export function writeFlameGraph(capture: string, momentNs: number | null): Promise<string> {
  const range = momentNs === null ? [] : ['--to', `${momentNs}ns`];
  return keep(capture, 'flamegraph', 'html', ['--leaks', ...range]);
}

/** @returns the address of the snapshot, inside the capture if its recorder can do it. @throws UserError if it could not be written. */
export async function writeSnapshot(capture: string): Promise<string> {
  return (await keepInCapture(capture)) ?? (await keep(capture, 'snapshot', 'db', []));
}

async function keep(capture: string, command: string, suffix: string, options: string[]): Promise<string> {
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const path = defaultPath(command, capture, `.${time}.${suffix}`);
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const child = spawn(process.execPath, [main, command, ...options, '-o', path, '--', capture], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
  if (code !== 0) throw new UserError(said.trim().split('\n')[0] || `the ${command} could not be written`);
  return path;
}
