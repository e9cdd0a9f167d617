/** Objects and their references as the page of `mp objgraph` draws them. */
import type { HeapGraph } from '../../heap/graph.ts';
import type { ObjectGraphData } from '../../report/page/object-graph-format.ts';
import { printable } from '../../util/format.ts';
import { type Answer, objectValue } from './objgraph-answer.ts';
import type { Titles } from './objgraph-picture.ts';

export function objectGraphData(
  graph: HeapGraph,
  drawn: NonNullable<Answer['drawn']>,
  titles: Titles,
): ObjectGraphData {
  const { tree, how } = drawn;
  const { sites, title } = titles;
  const objects = [...tree.depths.keys()];
  const numbers = new Map(objects.map((object, i) => [object, i]));
  return {
    format: 1,
    target: graph.heap.target,
    title: printable(title),
    direction: how.direction,
    nodes: objects.map((object) => {
      const { address, type, value, size, references } = objectValue(graph, object);
      return {
        address,
        type: printable(type),
        value: printable(value),
        size,
        references,
        depth: tree.depths.get(object)!,
        left: tree.left.get(object) ?? 0,
        site: sites === null ? '' : printable(sites.lines[sites.siteOf[object]!]!),
        stack: sites === null ? [] : sites.stackLines(object).map(printable),
      };
    }),
    edges: tree.edges.map(({ from, to, label }) => [numbers.get(from)!, numbers.get(to)!, printable(label)]),
  };
}
