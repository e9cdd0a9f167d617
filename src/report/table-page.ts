/** The table as a page: search, sorting by any column, a hundred rows at a time. */

import { printable } from '../util/format.ts';
import { GROUP_TITLE } from './grouping.ts';
import type { TablePageData } from './page/table-format.ts';
import { type PageAssets, pageAssets, pageFile } from './page-file.ts';
import { detailsDialog, pageHeader, pageTitle } from './page-header.ts';
import type { Capture } from './report.ts';
import { type Selection, selectionTitle } from './selection.ts';
import { rowFunction, type TableOptions, tableRows } from './table.ts';
import { windowTitle } from './time-range.ts';

/** Null if there are no rows. */
export function tablePage(
  capture: Capture,
  selection: Selection,
  options: TableOptions,
  assets?: PageAssets,
): string | null {
  const rows = tableRows(capture, selection, options.by).slice(0, options.maxRows);
  if (rows.length === 0) return null;
  const data: TablePageData = {
    format: 1,
    by:
      options.by === null
        ? null
        : { title: GROUP_TITLE[options.by], hides: options.by === 'allocator' ? 'Allocator' : '' },
    rows: rows.map((row) => [
      printable(row.group ?? ''),
      row.bytes,
      row.allocations,
      row.allocator,
      printable(rowFunction(row)),
      printable(row.file === null ? '' : row.line === null ? row.file : `${row.file}:${row.line}`),
      printable(row.module ?? ''),
    ]),
  };
  return pageFile({
    title: `${pageTitle(capture.facts)} · table`,
    body: [pageHeader(capture.facts), body(capture, selection), detailsDialog(capture.facts)].join('\n'),
    data,
    assets: assets ?? pageAssets('table'),
  });
}

function body({ facts }: Capture, selection: Selection): string {
  const { window } = facts;
  const time = window === undefined ? '' : `, ${windowTitle(window)}`;
  const title = selectionTitle(selection, facts) + time;
  return `<section class="toolbar" aria-label="Table"><p class="view">${title[0]!.toUpperCase()}${title.slice(1)}</p>
<div class="search"><input type="search" id="search" placeholder="Search   /" aria-label="Search in all columns" spellcheck="false" autocomplete="off"></div></section>
<main class="sheet"><div class="scroll"><table class="rows"><thead><tr id="titles"></tr></thead><tbody id="rows"></tbody></table></div>
<footer class="pager"><output id="range"></output><button type="button" id="previous">Previous</button>
<button type="button" id="next">Next</button></footer></main>`;
}
