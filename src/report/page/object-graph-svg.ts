/** The drawing of objects and their references, in SVG: what a traced program chose is text in it. */
/// <reference lib="dom" />
import { formatBytes, formatCount } from '../../util/format.ts';
import type { ObjectGraphData, ObjectNode } from './object-graph-format.ts';
import { arrowPath, BOX, type GraphLayout } from './object-graph-layout.ts';

const NAMESPACE = 'http://www.w3.org/2000/svg';
const MAX_NAME = 31;
const MAX_LABEL = 24;

export interface Drawing {
  nodes: SVGGElement[];
  /** By edge: its arrow, and its label. */
  arrows: SVGElement[][];
}

export function draw(svg: SVGGElement, data: ObjectGraphData, layout: GraphLayout): Drawing {
  const arrows = data.edges.map((edge) => drawArrow(data, layout, edge));
  const nodes = data.nodes.map((node, i) => drawNode(node, i, layout));
  svg.append(...arrows.flat(), ...nodes);
  return { nodes, arrows };
}

function drawNode(node: ObjectNode, i: number, layout: GraphLayout): SVGGElement {
  const kind = i === 0 ? 'root' : node.type === 'module' ? 'module' : '';
  const group = make('g', {
    class: `node ${kind}`,
    transform: `translate(${layout.x[i]},${layout.y[i]})`,
    tabindex: '0',
    role: 'button',
    'aria-label': nodeSentence(node),
  }) as SVGGElement;
  group.append(
    make('rect', { width: `${BOX.width}`, height: `${BOX.height}`, rx: '8' }),
    withText(make('text', { x: '11', y: '17', class: 'name' }), cut(nodeName(node), MAX_NAME)),
    withText(make('text', { x: '11', y: '32', class: 'fact' }), `${node.address} · ${formatBytes(node.size)}`),
  );
  if (node.left > 0) {
    const more = make('text', { x: `${BOX.width - 10}`, y: '32', class: 'left', 'text-anchor': 'end' });
    group.append(withText(more, `+${formatCount(node.left)}`));
  }
  return group;
}

function drawArrow(data: ObjectGraphData, layout: GraphLayout, [near, far, label]: [number, number, string]) {
  const [from, to] = data.direction === 'refs' ? [near, far] : [far, near];
  const isBack = layout.x[to]! <= layout.x[from]!;
  const path = make('path', {
    class: isBack ? 'arrow back' : 'arrow',
    d: arrowPath(layout, from, to),
    'marker-end': 'url(#head)',
  });
  if (label === '') return [path];
  return [path, arrowLabel(layout, from, to, { isBack, isAtEnd: data.direction === 'refs' }, label)];
}

/** Beside the box that has fewer arrows: the one that is farther from what was asked for. */
function arrowLabel(
  { x, y }: GraphLayout,
  from: number,
  to: number,
  { isBack, isAtEnd }: { isBack: boolean; isAtEnd: boolean },
  label: string,
): SVGElement {
  const middle = BOX.height / 2;
  const node = isBack || !isAtEnd ? from : to;
  const isRight = isBack || !isAtEnd;
  const text = make('text', {
    class: isBack ? 'label back' : 'label',
    x: `${isRight ? x[node]! + BOX.width + 10 : x[node]! - 14}`,
    y: `${y[node]! + middle - 5}`,
    'text-anchor': isRight ? 'start' : 'end',
  });
  return withText(text, cut(label, MAX_LABEL));
}

/** `str 'text'` */
export function nodeName({ type, value }: ObjectNode): string {
  return value === '' ? type : `${type} ${value}`;
}

export function nodeSentence(node: ObjectNode): string {
  return `${nodeName(node)} at ${node.address}, ${formatBytes(node.size)}${node.site === '' ? '' : `, from ${node.site}`}`;
}

function cut(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

export function make(tag: string, attributes: Record<string, string>): SVGElement {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function withText(element: SVGElement, text: string): SVGElement {
  element.textContent = text;
  return element;
}
