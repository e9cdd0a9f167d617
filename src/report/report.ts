/** What the text reports share: where their data comes from, how wide they are, and how their JSON begins. */
import type { Table } from '../util/table.ts';
import type { Facts } from './facts.ts';
import { emptyLines, headerLines, type Layout } from './header.ts';
import type { Selection } from './selection.ts';
import type { Source } from './source.ts';

/** One capture as reports see it. */
export interface Capture {
  source: Source;
  facts: Facts;
}

/** A finished text report. `body` are its lines below the header, empty if nothing was selected. */
export function textReport(facts: Facts, selection: Selection | null, body: string[], layout: Layout): string {
  const lines = [
    ...headerLines(facts, selection, layout),
    ...(body.length > 0 ? body : emptyLines(facts, selection, layout)),
  ];
  return `${lines.join('\n')}\n`;
}

/** JSON of a report: the facts as `metadata`, the selection if there is one, then the report's own fields. */
export function jsonReport(facts: Facts, selection: Selection | null, fields: object): string {
  const document = { metadata: facts, ...(selection === null ? {} : { selection }), ...fields };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Titles of a table in bold, its rule dim. */
export function styledTable({ titles, rule, rows }: Table, { style }: Layout): string[] {
  return [...titles.map(style.bold), style.dim(rule), ...rows];
}

/** `12 more …: 3.4 MiB`; empty if nothing was left out. */
export function moreLine(text: string, left: number): string[] {
  return left > 0 ? ['', text] : [];
}
