/** The table page: search in all columns, sorting by a click on a title, a hundred rows at a time. */
/// <reference lib="dom" />
import { formatBytes, formatCount } from '../../util/format.ts';
import { addressValues, element, isTyping, pageData, setUpDialog, setUpTheme } from './shell.ts';
import type { TablePageData, TablePageRow } from './table-format.ts';
import { pageOf, type TableState, visibleRows } from './table-state.ts';

const TITLES = ['Group', 'Size', 'Allocations', 'Allocator', 'Function', 'File:Line', 'Module'];
const NUMERIC = [1, 2];

function main(): void {
  const data = pageData<TablePageData>();
  const titles = [data.by?.title ?? '', ...TITLES.slice(1)];
  const columns = TITLES.flatMap((_, column) => (isShown(data, column) ? [column] : []));
  const state: TableState = { search: addressValues().get('search') ?? '', column: 1, isAscending: false, page: 0 };
  const show = () => render(data, columns, state);
  setUpTheme(addressValues().get('theme'), () => undefined);
  setUpDialog('details');
  setUpTitles(titles, columns, state, show);
  const search = element<HTMLInputElement>('search');
  search.value = state.search;
  search.addEventListener('input', () => {
    state.search = search.value;
    state.page = 0;
    show();
  });
  for (const [id, step] of [
    ['previous', -1],
    ['next', 1],
  ] as const) {
    element(id).addEventListener('click', () => {
      state.page += step;
      show();
    });
  }
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || isTyping(event)) return;
    search.focus();
    event.preventDefault();
  });
  show();
  document.documentElement.dataset.ready = 'yes';
}

function isShown({ by }: TablePageData, column: number): boolean {
  return column === 0 ? by !== null : TITLES[column] !== by?.hides;
}

function setUpTitles(titles: string[], columns: number[], state: TableState, show: () => void): void {
  element('titles').replaceChildren(
    ...columns.map((column) => {
      const cell = document.createElement('th');
      cell.scope = 'col';
      cell.className = NUMERIC.includes(column) ? 'number' : '';
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = titles[column]!;
      button.addEventListener('click', () => {
        // Numbers begin with the biggest, texts with the first.
        state.isAscending = state.column === column ? !state.isAscending : !NUMERIC.includes(column);
        state.column = column;
        state.page = 0;
        show();
      });
      cell.append(button);
      return cell;
    }),
  );
}

function render(data: TablePageData, columns: number[], state: TableState): void {
  const rows = visibleRows(data.rows, state);
  const page = pageOf(rows, state);
  element('rows').replaceChildren(...page.rows.map((row) => rowElement(row, columns)));
  element('range').textContent =
    rows.length === 0
      ? 'No row matches.'
      : `${formatCount(page.from + 1)}–${formatCount(page.from + page.rows.length)} of ${formatCount(rows.length)}`;
  element<HTMLButtonElement>('previous').disabled = state.page === 0;
  element<HTMLButtonElement>('next').disabled = page.isLast;
  [...element('titles').children].forEach((cell, i) => {
    const direction = state.isAscending ? 'ascending' : 'descending';
    cell.setAttribute('aria-sort', columns[i] === state.column ? direction : 'none');
  });
}

function rowElement(row: TablePageRow, columns: number[]): HTMLElement {
  const line = document.createElement('tr');
  for (const column of columns) {
    const cell = document.createElement('td');
    const value = row[column]!;
    cell.textContent = column === 1 ? formatBytes(row[1]) : column === 2 ? formatCount(row[2]) : String(value);
    if (NUMERIC.includes(column)) cell.className = 'number';
    if (column >= 4) cell.title = String(value);
    if (column === 1) cell.title = `${formatCount(row[1])} bytes`;
    line.append(cell);
  }
  return line;
}

main();
