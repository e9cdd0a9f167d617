/** What every page says about its capture: the same facts as the header of a text report. */
import { formatBytes, formatCount, formatDuration, printable } from '../util/format.ts';
import type { Facts, ProcessFacts } from './facts.ts';
import { processEnd } from './header.ts';
import { lossConsequence, lossEffect, lossMeaning, lossSum } from './losses.ts';
import { escapeHtml } from './page-file.ts';

export function pageTitle(facts: Facts): string {
  return printable(facts.command_line || facts.processes[0]?.command_line || facts.capture);
}

/** Top of the page; `actions` are further buttons. */
export function pageHeader(facts: Facts, actions = ''): string {
  return `<header class="top">
<div class="identity"><span class="mark" aria-hidden="true">mp</span>
<div class="names"><h1 title="${html(pageTitle(facts))}">${html(pageTitle(facts))}</h1><p class="sub">${html(subtitle(facts))}</p></div></div>
<dl class="tiles">${tiles(facts)}</dl>
<div class="actions">${actions}<button type="button" id="details-open">Details</button>
<button type="button" id="theme" aria-label="Switch between light and dark" title="Switch between light and dark">◐</button></div>
</header>
${notices(facts)}`;
}

/** The dialog with everything that the top leaves out. */
export function detailsDialog(facts: Facts): string {
  const facing = factRows(facts).map(([name, value]) => `<dt>${html(name)}</dt><dd>${html(printable(value))}</dd>`);
  return `<dialog id="details" aria-labelledby="details-title"><form method="dialog"><h2 id="details-title">Details</h2>
<button class="close" aria-label="Close">✕</button></form>
<dl class="facts">${facing.join('')}</dl><h3>Processes</h3>${processTable(facts.processes)}<h3>Losses</h3>${lossTable(facts)}</dialog>`;
}

export function factRows(facts: Facts): [name: string, value: string][] {
  return [
    ['Capture', facts.capture],
    ['Command line', facts.command_line || '–'],
    ['Mode', facts.mode || '–'],
    ['Status', facts.status],
    ['Started', facts.started_at ?? '–'],
    ['Ended', facts.ended_at ?? '–'],
    ['Duration', formatDuration(facts.duration_ns)],
    ['Allocations', formatCount(facts.allocations)],
    ['Allocated', `${formatBytes(facts.allocated_bytes)} (${formatCount(facts.allocated_bytes)} bytes)`],
    ['Peak', `${formatBytes(facts.peak_bytes)} (${formatCount(facts.peak_bytes)} bytes)`],
    ['Never freed', `${formatBytes(facts.leaked_bytes)} in ${formatCount(facts.leaked_allocations)} allocations`],
    ['Recorded by', `mp ${facts.mp_version}`],
  ];
}

const html = escapeHtml;

function subtitle(facts: Facts): string {
  const [only] = facts.processes;
  const who =
    facts.processes.length === 1 && only
      ? [`process ${only.pid}${only.comm ? ` (${only.comm})` : ''}`, processEnd(only)]
      : [`${formatCount(facts.processes.length)} processes`];
  const when = facts.started_at === null ? [] : [facts.started_at.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')];
  return printable([...who, formatDuration(facts.duration_ns), ...when].join(' · '));
}

function tiles(facts: Facts): string {
  const { peak_bytes: peak, allocated_bytes: allocated, leaked_bytes: leaked } = facts;
  const several = facts.processes.filter((process) => process.peak_bytes > 0).length > 1;
  const bytes = (name: string, value: number, hint: string) => tile(name, formatBytes(value), hint);
  return [
    bytes(several ? 'Peaks, summed' : 'Peak', peak, `${formatCount(peak)} bytes`),
    bytes(
      'Never freed',
      leaked,
      `${formatCount(leaked)} bytes in ${formatCount(facts.leaked_allocations)} allocations`,
    ),
    bytes('Allocated', allocated, `${formatCount(allocated)} bytes`),
    tile('Allocations', formatCount(facts.allocations), 'calls of an allocator that succeeded'),
    lossTile(facts),
  ].join('');
}

export function tile(name: string, value: string, hint: string, state = ''): string {
  return `<div class="tile ${state}" title="${html(hint)}"><dt>${html(name)}</dt><dd>${html(value)}</dd></div>`;
}

function lossTile({ losses }: Facts): string {
  if (Object.keys(losses).length === 0) return tile('Losses', 'not counted', 'Losses are counted at the end');
  const numbers = lossSum(losses, 'numbers');
  const stacks = lossSum(losses, 'stacks');
  if (numbers > 0) return tile('Losses', formatCount(numbers), 'Numbers are not exact: see Details', 'bad');
  if (stacks > 0) return tile('Losses', `${formatCount(stacks)}, stacks only`, 'Sizes are exact', 'fair');
  return tile('Losses', 'none', 'Everything was seen: numbers are exact', 'good');
}

/** What a reader must know before trusting the numbers. */
export function notices(facts: Facts): string {
  const sentences = [
    ...(facts.status === 'recording' ? ['Still recording: this is the state at the last commit.'] : []),
    ...(facts.status === 'cut off' ? ['Recording was cut off: this is everything up to the last commit.'] : []),
    ...facts.warnings.map((warning) => `${warning[0]?.toUpperCase()}${warning.slice(1)}.`),
    ...Object.entries(facts.losses)
      .filter(([kind, count]) => count > 0 && lossEffect(kind) === 'numbers')
      .map(([kind, count]) => `${formatCount(count)} ${kind}: ${lossMeaning(kind)}. ${lossConsequence(kind)}`),
  ];
  if (sentences.length === 0) return '';
  return `<ul class="notices">${sentences.map((text) => `<li>${html(printable(text))}</li>`).join('')}</ul>`;
}

/** Columns that are aligned right. */
const PROCESS_NUMBERS = [0, 3, 4, 5];

function processTable(processes: ProcessFacts[]): string {
  const rows = processes.map((process) =>
    cells(
      [
        String(process.pid),
        process.origin,
        process.command_line || process.comm || '?',
        formatCount(process.allocations),
        formatBytes(process.peak_bytes),
        formatBytes(process.leaked_bytes),
        processEnd(process),
      ],
      PROCESS_NUMBERS,
    ),
  );
  return table(['PID', 'Origin', 'Command line', 'Allocations', 'Peak', 'Never freed', 'End'], PROCESS_NUMBERS, rows);
}

function lossTable({ losses }: Facts): string {
  const rows = Object.entries(losses).map(([kind, count]) => {
    const meaning = lossMeaning(kind) + (count > 0 ? `. ${lossConsequence(kind)}` : '');
    return cells([formatCount(count), kind, meaning], [0]);
  });
  return rows.length === 0 ? '<p>Not counted yet.</p>' : table(['Count', 'Kind', 'Meaning'], [0], rows);
}

function table(titles: string[], numeric: number[], rows: string[]): string {
  const head = titles.map((title, i) => `<th scope="col"${numberClass(i, numeric)}>${html(title)}</th>`).join('');
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function cells(texts: string[], numeric: number[]): string {
  const cell = (text: string, i: number) => `<td${numberClass(i, numeric)}>${html(printable(text))}</td>`;
  return `<tr>${texts.map(cell).join('')}</tr>`;
}

const numberClass = (column: number, numeric: number[]): string => (numeric.includes(column) ? ' class="number"' : '');
