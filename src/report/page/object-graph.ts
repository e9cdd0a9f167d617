/** The page of objects and their references: move and zoom by mouse and keys, a box for each object, search. */
/// <reference lib="dom" />
import { formatBytes, formatCount } from '../../util/format.ts';
import type { ObjectGraphData, ObjectNode } from './object-graph-format.ts';
import { type GraphLayout, layOut } from './object-graph-layout.ts';
import { type Drawing, draw, nodeName, nodeSentence } from './object-graph-svg.ts';
import { Viewport } from './object-graph-view.ts';
import { addressValues, element, isTyping, pageData, setAddress, setUpTheme } from './shell.ts';
import { placeTip, tipRow } from './tip.ts';

interface Shown {
  data: ObjectGraphData;
  layout: GraphLayout;
  drawing: Drawing;
  view: Viewport;
}

function main(): void {
  const data = pageData<ObjectGraphData>();
  const layout = layOut(data);
  const canvas = element<HTMLElement>('canvas');
  const content = element('content') as unknown as SVGGElement;
  const shown = { data, layout, drawing: draw(content, data, layout), view: new Viewport(canvas, content, layout) };
  setUpTheme(addressValues().get('theme'), () => undefined);
  setUpNodes(shown);
  setUpSearch(shown);
  element('fit').addEventListener('click', () => shown.view.fit());
  element('root').addEventListener('click', () => choose(shown, 0, true));
  choose(shown, Number(addressValues().get('object') ?? 0) || 0, true);
  document.documentElement.dataset.ready = 'yes';
}

function setUpNodes(shown: Shown): void {
  const { drawing, data } = shown;
  const tip = element('tip');
  drawing.nodes.forEach((node, i) => {
    node.addEventListener('click', () => choose(shown, i, false));
    node.addEventListener('focus', () => choose(shown, i, true));
    node.addEventListener('pointermove', ({ clientX, clientY }) => {
      fillTip(tip, data.nodes[i]!);
      placeTip(tip, clientX, clientY);
    });
    node.addEventListener('pointerleave', () => {
      tip.hidden = true;
    });
  });
  document.addEventListener('keydown', (event) => {
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '/') element('search').focus();
    else if (event.key === '0') shown.view.fit();
    else if (event.key === '+' || event.key === '=') shown.view.zoom(1.25);
    else if (event.key === '-') shown.view.zoom(0.8);
    else if (event.key in STEPS) step(shown, event.key);
    else return;
    event.preventDefault();
  });
}

/** Shows which object it is, and what it is tied to. */
function choose({ data, drawing, view }: Shown, index: number, isMoved: boolean): void {
  const i = index in data.nodes ? index : 0;
  const near = new Set([i]);
  data.edges.forEach(([from, to], edge) => {
    const isOwn = from === i || to === i;
    for (const part of drawing.arrows[edge]!) part.classList.toggle('own', isOwn);
    if (isOwn) near.add(from).add(to);
  });
  drawing.nodes.forEach((node, at) => {
    node.classList.toggle('chosen', at === i);
    node.classList.toggle('near', near.has(at));
  });
  if (isMoved) view.bring(i);
  element('chosen').textContent = nodeSentence(data.nodes[i]!);
  const stack = data.nodes[i]!.stack;
  element('stack').textContent = stack.join('  ←  ');
  setAddress({ object: i === 0 ? '' : `${i}` });
}

const STEPS: Record<string, [x: number, y: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The nearest object in the direction of an arrow key. */
function step(shown: Shown, key: string): void {
  const { layout, drawing } = shown;
  const from = drawing.nodes.findIndex((node) => node.classList.contains('chosen'));
  const [dx, dy] = STEPS[key]!;
  let [best, least] = [-1, Number.POSITIVE_INFINITY];
  for (let i = 0; i < drawing.nodes.length; i++) {
    const [x, y] = [layout.x[i]! - layout.x[from]!, layout.y[i]! - layout.y[from]!];
    const along = x * dx + y * dy;
    const beside = Math.abs(x * dy) + Math.abs(y * dx);
    if (along <= 0 || (dy !== 0 && x !== 0)) continue;
    const distance = along * (dx !== 0 ? 4 : 1) + beside;
    if (distance < least) [best, least] = [i, distance];
  }
  if (best >= 0) drawing.nodes[best]!.focus();
}

function setUpSearch(shown: Shown): void {
  const search = element<HTMLInputElement>('search');
  const matches = element('matches');
  const find = () => {
    const text = search.value.toLowerCase();
    const isMatch = (node: ObjectNode) => `${nodeName(node)} ${node.address} ${node.site}`.toLowerCase().includes(text);
    const found = shown.data.nodes.map((node) => text !== '' && isMatch(node));
    shown.drawing.nodes.forEach((node, i) => {
      node.classList.toggle('match', found[i]!);
    });
    matches.textContent = text === '' ? '' : formatCount(found.filter(Boolean).length);
    return found.indexOf(true);
  };
  search.addEventListener('input', find);
  search.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') search.value = '';
    const first = find();
    if (event.key === 'Enter' && first >= 0) choose(shown, first, true);
  });
}

function fillTip(tip: HTMLElement, node: ObjectNode): void {
  const text = (tag: string, content: string) => {
    const made = document.createElement(tag);
    made.textContent = content;
    return made;
  };
  const table = document.createElement('table');
  table.append(
    tipRow(['Address', node.address]),
    tipRow(['Size', formatBytes(node.size)]),
    tipRow(['Reference count', formatCount(node.references)]),
    ...(node.left > 0 ? [tipRow(['Not shown', formatCount(node.left)])] : []),
  );
  const stack = (node.stack.length > 0 ? node.stack : [node.site]).filter((line) => line !== '');
  tip.replaceChildren(text('strong', nodeName(node)), table, ...stack.map((line) => text('code', line)));
}

main();
