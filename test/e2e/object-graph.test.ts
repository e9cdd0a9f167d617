/** The page of objects and their references in headless Chromium, used with mouse and keys. Its heap is made. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Browser } from '../../scripts/browser.ts';
import { buildPages } from '../../scripts/build-page.ts';
import { answerOf } from '../../src/cli/objects/objgraph-answer.ts';
import { picture } from '../../src/cli/objects/objgraph-picture.ts';
import { HeapGraph } from '../../src/heap/graph.ts';
import { makeHeap } from '../unit/heap/made-heap.ts';
import { cannotFind, scratchFolder } from './helpers.ts';

/** app → its dict → a list → two Items, of which one leads back to the list. */
const { heap, names } = makeHeap([
  { type: 'module', text: 'app', references: { '.__dict__': 1 } },
  { type: 'dict', references: { "['cache']": 2 } },
  { type: 'list', references: { '[0]': 3, '[1]': 4 } },
  { type: 'app.Item', references: { '.name': 5 } },
  { type: 'app.Item', references: { '.owner': 2 } },
  { type: 'str', text: "'<b>&'", untracked: true },
]);

function page(): string {
  const graph = new HeapGraph(heap, names);
  const question = { refs: 'app', sortby: 'deltas' as const, limit: 10, tooMany: 10, maxDepth: 9 };
  const answer = answerOf(graph, question, { peaks: null, before: null, sites: null });
  return String(picture(graph, answer, 'html', { title: 'References of app', sites: null }));
}

describe('the page of objects', { skip: cannotFind('chromium') }, () => {
  let browser: Browser;

  before(async () => {
    await buildPages();
    browser = await Browser.start();
  });

  after(async () => {
    await browser?.close();
  });

  const chosen = () => browser.evaluate<string>("document.getElementById('chosen').textContent");
  const count = (selector: string) => browser.evaluate<number>(`document.querySelectorAll('${selector}').length`);
  const middle = (index: number) =>
    browser.evaluate<[number, number]>(
      `(({ x, y, width, height }) => [x + width / 2, y + height / 2])` +
        `(document.querySelectorAll('.node')[${index}].getBoundingClientRect())`,
    );

  test('every object is there, and mouse, keys and search lead to it', async (t) => {
    const path = join(scratchFolder(t), 'page.html');
    writeFileSync(path, page());
    await browser.open(path);
    assert.deepEqual([await count('.node'), await count('.arrow'), await count('.arrow.back')], [6, 6, 1]);
    assert.match(await chosen(), /^module app at 0x1000/);
    assert.deepEqual([await count('.node.near'), await count('.arrow.own')], [2, 1]);
    await browser.press('ArrowRight');
    await browser.press('ArrowRight');
    assert.match(await chosen(), /^list at 0x1020/);
    assert.equal(await count('.arrow.own'), 4);
    const [before] = await middle(0);
    await browser.press('0');
    await browser.click(...(await middle(4)));
    assert.match(await chosen(), /^app\.Item at 0x1040/);
    await browser.press('+');
    assert.notEqual((await middle(0))[0], before);
    await browser.press('/');
    await browser.type('<b>');
    assert.equal(await browser.evaluate<string>("document.getElementById('matches').textContent"), '1');
    await browser.press('Enter');
    assert.match(await chosen(), /^str '<b>&' at 0x1050/);
    assert.equal(await browser.evaluate<string>('location.hash'), '#object=5');
    await browser.open(path, 'object=3&theme=dark');
    assert.match(await chosen(), /^app\.Item at 0x1030/);
    const ground = () => browser.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const dark = await ground();
    await browser.evaluate("document.getElementById('theme').click()");
    assert.notEqual(await ground(), dark);
    assert.deepEqual(browser.complaints, []);
  });
});
