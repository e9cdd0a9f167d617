/** The page of an object and what it refers to, or what refers to it. */
import { formatCount } from '../util/format.ts';
import type { ObjectGraphData } from './page/object-graph-format.ts';
import { escapeHtml, type PageAssets, pageAssets, pageFile } from './page-file.ts';

export function objectGraphPage(data: ObjectGraphData, assets?: PageAssets): string {
  return pageFile({
    title: `${data.title} · ${data.target}`,
    body: [top(data), TOOLBAR, STAGE].join('\n'),
    data,
    assets: assets ?? pageAssets('object-graph'),
  });
}

function top({ title, target, nodes, edges }: ObjectGraphData): string {
  const left = nodes.reduce((sum, node) => sum + node.left, 0);
  const tiles = [
    ['Objects', nodes.length],
    ['References', edges.length],
    ['Left out', left],
  ] as const;
  const shown = tiles.map(([name, count]) => `<div class="tile"><dt>${name}</dt><dd>${formatCount(count)}</dd></div>`);
  return `<header class="top">
<div class="identity"><span class="mark" aria-hidden="true">mp</span>
<div class="names"><h1 title="${escapeHtml(title)}">${escapeHtml(title)}</h1><p class="sub">objects of ${escapeHtml(target)}</p></div></div>
<dl class="tiles">${shown.join('')}</dl>
<div class="actions"><button type="button" id="theme" aria-label="Switch between light and dark" title="Switch between light and dark">◐</button></div>
</header>`;
}

const TOOLBAR = `<section class="toolbar" aria-label="View">
<div class="search"><input type="search" id="search" placeholder="Search   /" aria-label="Search types, values, addresses and lines" spellcheck="false" autocomplete="off"><output id="matches"></output></div>
<button type="button" id="root" title="Back to the object that was asked for">Begin</button>
<button type="button" id="fit" title="Show all of it   0">Fit</button>
</section>`;

const STAGE = `<main class="stage"><div id="canvas" role="application" aria-label="Objects and their references. Arrow keys move between objects, + and - zoom, 0 shows all.">
<svg><defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0.5 L8,4 L0,7.5 Z"/></marker></defs>
<g id="content"></g></svg></div>
<footer class="foot"><div id="chosen" aria-live="polite"></div><div id="stack"></div></footer>
<div id="tip" class="tip" role="tooltip" hidden></div></main>`;
