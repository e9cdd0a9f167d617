/** The flame graph page: all views of a capture, memory over time, filters and search in one file. */
import { basename } from 'node:path';
import { type DataOptions, flamegraphData } from './flamegraph-data.ts';
import { type PageView, VIEWS } from './page/format.ts';
import { type PageAssets, pageAssets, pageFile } from './page-file.ts';
import { detailsDialog, pageHeader, pageTitle } from './page-header.ts';
import { choice, graph, helpDialog, searchAndLayout, segments } from './page-parts.ts';
import type { Capture } from './report.ts';
import { type Selection, selectedSites, viewTitle } from './selection.ts';
import { isExact, type TimeWindow, windowTitle } from './time-range.ts';

const VIEW_NAMES = {
  high_watermark: 'High watermark',
  leaks: 'Leaks',
  temporary_allocations: 'Temporary',
  allocations: 'All',
  v8_samples: 'JavaScript heap',
};

/** The page, or null if nothing is in the selected view. `selection.view` is the one that it opens with. */
export function flamegraphPage(
  capture: Capture,
  selection: Selection,
  options: DataOptions,
  assets?: PageAssets,
): string | null {
  const hasRange = capture.facts.window !== undefined || options.temporal !== undefined;
  const [first] = selectedSites(capture.source, options.temporal ? { ...selection, view: 'allocations' } : selection);
  if (first === undefined) return null;
  const name = basename(capture.facts.capture).replace(/\.db$/, '');
  const data = flamegraphData(capture, selection, { ...options, name });
  if (data === null) return null;
  const [sample] = selectedSites(capture.source, { ...selection, view: 'v8_samples' });
  const isShown = (view: PageView) => {
    if (view === 'v8_samples') return sample !== undefined;
    const { window } = capture.facts;
    const isKnown = window === undefined || isExact(window.interval_ns);
    return view !== 'temporary_allocations' || (isKnown && options.temporal === undefined);
  };
  const views = VIEWS.filter(isShown);
  return pageFile({
    title: `${pageTitle(capture.facts)} · flame graph`,
    body: [
      pageHeader(capture.facts, '<button type="button" id="help-open">Keys</button>'),
      memory(options.temporal !== undefined),
      toolbar({ selection, views, window: capture.facts.window, hasRange, isInverted: options.inverted === true }),
      graph('Flame graph'),
      detailsDialog(capture.facts),
      helpDialog(keys(views, options.temporal !== undefined), EXPLANATION),
    ].join('\n'),
    data,
    assets: assets ?? pageAssets('flamegraph'),
  });
}

const memory = (isTemporal: boolean) => `<section class="memory" id="memory" aria-label="Memory over time">
<div class="legend"><span class="heap">Heap</span><span class="rss">Resident set</span>${isTemporal ? RANGE : ''}<output id="memory-value"></output>
<button type="button" class="quiet" id="memory-csv">CSV</button></div>
<div class="plot"><canvas id="plot" role="img" aria-label="Heap and resident set over time"></canvas>${isTemporal ? HANDLES : ''}</div></section>`;

const RANGE = `<output id="range-text" class="range"></output>
<button type="button" class="quiet" id="range-all">All of the time</button>`;

const HANDLES = `<div id="range-grip" class="grip" title="Drag to move the range"></div>
<div id="range-from" class="handle" role="slider" tabindex="0" aria-label="Begin of the range of time" aria-orientation="horizontal"></div>
<div id="range-to" class="handle" role="slider" tabindex="0" aria-label="End of the range of time" aria-orientation="horizontal"></div>`;

interface ToolbarOptions {
  selection: Selection;
  views: readonly PageView[];
  window: TimeWindow | undefined;
  hasRange: boolean;
  isInverted: boolean;
}

function toolbar({ selection, views: shown, window, hasRange, isInverted }: ToolbarOptions): string {
  const views = shown.map((view) => {
    const hint = viewTitle(view, selection.threshold, hasRange);
    return choice('view', view, `${VIEW_NAMES[view]}<small></small>`, hint);
  });
  const notes = [
    ...(window === undefined ? [] : [windowTitle(window)]),
    ...(isInverted ? ['inverted: stacks begin with the code that allocated, and go outwards'] : []),
  ];
  const time = notes.length === 0 ? '' : `<p class="view">${notes.join('; ')}</p>\n`;
  return `<section class="toolbar" aria-label="View">
${time}${segments('View', views.join(''))}
${segments('Width', [choice('unit', 'bytes', 'Bytes'), choice('unit', 'allocations', 'Count')].join('\n'))}
<select id="process" aria-label="Process"></select><select id="thread" aria-label="Thread"></select>
${searchAndLayout(IMPORTS)}
</section>`;
}

const IMPORTS = `<button type="button" id="imports" aria-pressed="false" title="Hide what the import of modules allocated">Hide imports</button>
`;

const keys = (views: readonly PageView[], isTemporal: boolean) => [
  ['Click, Enter', 'zoom into a frame'],
  ['Esc', 'end the search, then zoom out'],
  ['← →', 'frame beside'],
  ['↑ ↓', 'frame above, below'],
  ['Home', 'back to the root'],
  ['/', 'search; matches are highlighted and added up, a stack counts once'],
  [views.map((_, i) => i + 1).join(' '), views.map((view) => VIEW_NAMES[view]).join(', ')],
  ['b, c', 'width by bytes, by count'],
  ['f', 'flip: root on top or at the bottom'],
  ['i', 'hide what the import of modules allocated'],
  ...(isTemporal
    ? [
        ['Drag on the plot', 'choose a range of time; its ends and the bar between them can be dragged as well'],
        ['← → on an end', 'move it by an interval; with Shift, or Page Up and Page Down, farther'],
      ]
    : []),
];

const EXPLANATION = `A frame is as wide as what it and everything it called has allocated. Frames stand in no order of time: the widest is
first. The address of the page keeps the view, the search and the zoom.`;
