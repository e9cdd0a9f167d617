/** A flame graph of what is in use now, beside the capture; made by another process, so that the view goes on. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UserError } from '../util/errors.ts';
import { defaultPath } from './report-options.ts';

/** @returns the path of the page. @throws UserError if it could not be written. */
export async function writeFlameGraph(capture: string): Promise<string> {
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const path = defaultPath('flamegraph', capture, `.${time}.html`);
  const main = fileURLToPath(new URL('./main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'flamegraph', '--leaks', '-o', path, '--', capture], {
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
  if (code !== 0) throw new UserError(said.trim().split('\n')[0] || 'the flame graph could not be written');
  return path;
}
