/** What the live view shows as text, a block for each look, as top(1) in batch mode; and as JSON, a line for each. */
import { formatBytes, formatCount, formatPercent, printable, shortenPath } from '../util/format.ts';
import { renderTable } from '../util/table.ts';
import type { LiveModel } from './live-model.ts';
import { durationText, type LiveContext, statusText } from './live-view.ts';

type TextContext = Pick<LiveContext, 'clock' | 'shortenName' | 'lossLine'>;

/** Lines that end with an empty one. `most`: rows. */
export function liveText(model: LiveModel, columns: number, most: number, context: TextContext): string {
  const { data, table, rows, timeline } = model;
  const highest = Math.max(timeline.highestBytes, model.heapBytes);
  const shorten = context.shortenName;
  const right = (title: string) => ({ title, align: 'right' as const });
  const titles = [
    { title: 'Location', shorten },
    ...['Total Bytes', '% Total', 'Own Bytes', '% Own', 'Allocations'].map(right),
    { title: 'File/Module', shorten: shortenPath },
  ];
  const cells = rows.slice(0, most).map((row) => {
    const { function: name, file } = model.locationOf(row.location);
    const percents = [row.totalBytes, row.ownBytes].map((bytes) => formatPercent(bytes, table.bytes));
    return [
      ...[printable(name), formatBytes(row.totalBytes), percents[0]!, formatBytes(row.ownBytes), percents[1]!],
      ...[formatCount(row.allocations), printable(file)],
    ];
  });
  const { titles: heads, rule, rows: lines } = renderTable(titles, cells, columns);
  return [
    `${context.clock(model.replay?.time)}  mp live ${printable(data.capture)}: ${printable(data.commandLine) || '???'}`,
    `Samples ${model.samples}  Duration ${durationText(model)}  Status ${statusText(model, { message: '' })}  ${context.lossLine(data.losses)}`,
    `Heap ${formatBytes(model.heapBytes)} (${formatPercent(model.heapBytes, highest)} of ${formatBytes(highest)} max)  ` +
      `Allocations ${formatCount(table.allocations)}  Processes ${data.runningProcesses.length}`,
    ...(cells.length === 0 ? ['Nothing is in use.'] : [...heads, rule, ...lines]),
    ...(rows.length > most ? [`${formatCount(rows.length - most)} more`] : []),
    '',
    '',
  ].join('\n');
}

/** One line. */
export function liveJson(model: LiveModel, most: number, time: string): string {
  const { data, table, rows } = model;
  return `${JSON.stringify({
    time,
    capture: data.capture,
    command_line: data.commandLine,
    status: model.replay !== null ? 'replay' : model.isDisconnected ? 'disconnected' : data.status,
    samples: model.samples,
    duration_ns: Math.round(data.durationNs),
    heap_bytes: model.heapBytes,
    max_heap_bytes: Math.max(model.timeline.highestBytes, model.heapBytes),
    allocations: table.allocations,
    losses: data.losses,
    processes: model.processes.map(({ process }) => ({
      pid: process.pid,
      command_line: process.commandLine,
      ended: process.endedNs !== null,
      heap_bytes: process.heapBytes,
      rss_bytes: process.rssBytes,
      allocations: process.allocations,
      allocations_per_second: process.allocationsPerSecond,
    })),
    rows: rows.slice(0, most).map((row) => {
      const { function: name, file } = model.locationOf(row.location);
      const { totalBytes: total_bytes, ownBytes: own_bytes, allocations } = row;
      return { function: name, file, total_bytes, own_bytes, allocations };
    }),
  })}\n`;
}
