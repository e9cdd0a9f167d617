/** Names of snapshot files: `$pid`, `$timestamp` and `$counter` in a template are replaced. */
import { existsSync } from 'node:fs';
import { formatTimestamp } from '../top/text.ts';

export const DEFAULT_TEMPLATE = 'mp-snapshot-$pid-$counter.db';

/** `$timestamp` is local time, `2013-10-03-11:34:39`; `$counter` has four digits. */
export function fillTemplate(template: string, pid: number, timestamp: Date, counter: number): string {
  const values: Record<string, string> = {
    pid: String(pid),
    timestamp: formatTimestamp(timestamp).replace(' ', '-'),
    counter: String(counter).padStart(4, '0'),
  };
  return template.replace(/\$(pid|timestamp|counter)/g, (_, name: string) => values[name]!);
}

/** The first file of the template that does not exist yet. */
export function nextFile(template: string, pid: number, timestamp: Date): string {
  for (let counter = 1; ; counter++) {
    const path = fillTemplate(template, pid, timestamp, counter);
    if (!template.includes('$counter') || !existsSync(path)) return path;
  }
}
