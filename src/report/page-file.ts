/**
 * One self-contained HTML file: styles, script and data inside, nothing loaded. A policy in the page forbids every
 * network access and every script but this one; what a traced program chose is text everywhere.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { UserError } from '../util/errors.ts';

export interface PageAssets {
  style: string;
  script: string;
}

export interface Page {
  title: string;
  /** HTML. */
  body: string;
  data: object;
  assets: PageAssets;
}

/** Where `scripts/build-page.ts` puts the bundles: beside the compiled reports, also for those that run from source. */
const BUNDLES = [new URL('./page/', import.meta.url), new URL('../../build/js/src/report/page/', import.meta.url)];

/** @throws UserError if the pages were not built. */
export function pageAssets(name: 'flamegraph' | 'diff' | 'table' | 'object-graph'): PageAssets {
  const folder = BUNDLES.find((url) => existsSync(new URL(`${name}.bundle.js`, url)));
  if (folder === undefined) throw new UserError('The pages of this installation are not built: run `make`.');
  const read = (file: string) => readFileSync(new URL(file, folder), 'utf8');
  const own = existsSync(new URL(`${name}.bundle.css`, folder)) ? read(`${name}.bundle.css`) : '';
  return { style: read('page.bundle.css') + own, script: read(`${name}.bundle.js`) };
}

export function pageFile({ title, body, data, assets }: Page): string {
  const script = assets.script.replaceAll('</script', '<\\/script');
  const policy =
    `default-src 'none'; img-src data: blob:; base-uri 'none'; form-action 'none'; ` +
    `script-src ${sourceHash(script)}; style-src ${sourceHash(assets.style)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="mp">
<title>${escapeHtml(title)}</title>
<style>${assets.style}</style>
</head>
<body>
${body}
<script type="application/json" id="mp-data">${scriptJson(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON that can't end the element it stands in. */
function scriptJson(data: object): string {
  return JSON.stringify(data).replaceAll('<', '\\u003c');
}

function sourceHash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
