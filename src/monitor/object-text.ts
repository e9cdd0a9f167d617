/** One object with what it refers to by name. */
import type { HeapGraph } from '../heap/graph.ts';
import { cutEnd, formatPlural } from '../util/format.ts';

const MAX_REFERENCES = 20;
const TEXT_COLUMNS = 100;

export function objectText(graph: HeapGraph, object: number): string {
  const { heap } = graph;
  const referents = graph.referents(object);
  const lines = referents.slice(0, MAX_REFERENCES).map((target) => {
    const label = graph.label(object, target);
    return `  ${label === '' ? '->' : label} ${cutEnd(graph.describe(target), TEXT_COLUMNS)}`;
  });
  const left = referents.length - lines.length;
  return [
    cutEnd(graph.describe(object), TEXT_COLUMNS),
    `${heap.sizes[object]} bytes, reference count ${heap.referenceCounts[object]}, ${graph.isTracked(object) ? '' : 'not '}tracked`,
    `refers to ${formatPlural(referents.length, 'object')}${referents.length === 0 ? '' : ':'}`,
    ...lines,
    ...(left > 0 ? [`  … ${left} more`] : []),
  ].join('\n');
}
