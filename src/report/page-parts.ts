/** HTML that the pages with a graph share. Texts in it are those of mp, not of a target. */

/** `name`: what the graph is, for readers who listen. */
export const graph = (
  name: string,
) => `<main class="stage"><div id="graph" class="graph" tabindex="0" role="application" aria-label="${name}. Arrow keys move between frames, Enter zooms in, Escape zooms out.">
<canvas id="frames"></canvas><div id="spacer"></div></div>
<p id="empty" class="empty" hidden></p>
<footer class="foot"><div id="kinds" class="kinds" aria-label="Colours"></div><div id="path" class="path"></div></footer>
<div id="live" class="unseen" aria-live="polite"></div><div id="tip" class="tip" role="tooltip" hidden></div></main>`;

/** One of them is chosen; `choices` are HTML. */
export const segments = (legend: string, choices: string) =>
  `<fieldset class="segments"><legend>${legend}</legend>${choices}</fieldset>`;

/** `label` is HTML. */
export function choice(name: string, value: string, label: string, hint?: string): string {
  const title = hint === undefined ? '' : ` title="${hint.replaceAll('"', '&quot;')}"`;
  return `<label${title}><input type="radio" name="${name}" value="${value}"><span>${label}</span></label>`;
}

/** The end of a toolbar; `further` are buttons after the field for searches. */
export const searchAndLayout = (
  further = '',
) => `<div class="search"><input type="search" id="search" placeholder="Search   /" aria-label="Search functions, files and modules by regular expression" spellcheck="false" autocomplete="off"><output id="matches"></output></div>
${further}<button type="button" id="flip" aria-pressed="false" title="Root on top or at the bottom">Flip</button>
<button type="button" id="reset" disabled>Reset zoom</button>`;

export function helpDialog(keys: string[][], explanation: string): string {
  const rows = keys.map(([key, what]) => `<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`);
  return `<dialog id="help" aria-labelledby="help-title"><form method="dialog"><h2 id="help-title">Keys</h2>
<button class="close" aria-label="Close">✕</button></form>
<dl class="facts">${rows.join('')}</dl>
<p>${explanation}</p></dialog>`;
}
