/** Pictures of objects and their references, by the name of the file: graphviz makes some of them. */
import { spawnSync } from 'node:child_process';
import { extname } from 'node:path';
import type { HeapGraph } from '../../heap/graph.ts';
import { treeDot } from '../../heap/reference-tree.ts';
import { objectGraphPage } from '../../report/object-graph-page.ts';
import { UserError } from '../../util/errors.ts';
import type { CapturedSites } from './heap-sites.ts';
import type { Answer } from './objgraph-answer.ts';
import { objectGraphData } from './objgraph-page-data.ts';

export type PictureKind = 'dot' | 'svg' | 'png' | 'html';

const KIND_OF: Record<string, PictureKind> = {
  '.dot': 'dot',
  '.gv': 'dot',
  '.svg': 'svg',
  '.png': 'png',
  '.html': 'html',
  '.htm': 'html',
};

/** It is slow with thousands of objects. */
const MAX_LAYOUT_MS = 120_000;
const MAX_PICTURE_BYTES = 2 ** 30;

/** null: none is asked for. */
export function pictureKind(options: { dot?: boolean; output?: string }): PictureKind | null {
  return options.dot ? 'dot' : (KIND_OF[extname(options.output ?? '').toLowerCase()] ?? null);
}

export interface Titles {
  /** What was asked for. */
  title: string;
  sites: CapturedSites | null;
}

/** @throws UserError if the answer is no graph, or graphviz is needed and fails. */
export function picture(graph: HeapGraph, { drawn }: Answer, kind: PictureKind, titles: Titles): string | Uint8Array {
  if (drawn === undefined) throw new UserError('there is a picture of --refs, --backrefs and --chain only');
  if (kind === 'html') return objectGraphPage(objectGraphData(graph, drawn, titles));
  const dot = treeDot(graph, drawn.tree, drawn.how);
  return kind === 'dot' ? dot : drawnByGraphviz(dot, kind);
}

function drawnByGraphviz(dot: string, kind: 'svg' | 'png'): Uint8Array {
  const { stdout, stderr, status, error } = spawnSync('dot', [`-T${kind}`], {
    input: dot,
    timeout: MAX_LAYOUT_MS,
    maxBuffer: MAX_PICTURE_BYTES,
  });
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === 'ENOENT')
    throw new UserError(
      `.${kind} needs graphviz (apt-get install graphviz): .dot and .html work without it, and what .dot writes can be ` +
        'drawn anywhere',
    );
  if (code === 'ETIMEDOUT') throw new UserError('there are too many objects for graphviz: give a smaller --max-depth');
  if (error !== undefined || status !== 0)
    throw new UserError(
      `graphviz has failed: ${stderr.toString().trim() || (error?.message ?? `exit code ${status}`)}`,
    );
  return stdout;
}
