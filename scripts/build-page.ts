/**
 * Bundles the scripts and styles of the HTML reports: src/report/page/{flamegraph,diff,table,object-graph}.ts and *.css become
 * build/js/src/report/page/*.bundle.{js,css}, which src/report/page-file.ts puts into every page.
 */
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const SOURCE = 'src/report/page/';
const OUTPUT = 'build/js/src/report/page/';

export async function buildPages(outdir = OUTPUT): Promise<void> {
  await build({
    entryPoints: ['flamegraph.ts', 'diff.ts', 'table.ts', 'object-graph.ts', 'object-graph.css', 'page.css'].map(
      (name) => SOURCE + name,
    ),
    outdir,
    entryNames: '[name].bundle',
    bundle: true,
    minify: true,
    charset: 'utf8',
    format: 'iife',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'warning',
  });
}

if (argv[1] === fileURLToPath(import.meta.url)) await buildPages();
