/** Every kind of JavaScript frame: those of shapes.cjs, and those that only a module has. */
import { createRequire } from 'node:module';
import { every } from './shapes.cjs';
import sites from './sites.cjs';

function ofModule() {
  sites.allocate(100_131);
}

export default class Exported {
  method() {
    sites.allocate(100_133); // shown as Exported.method
  }
}

sites.allocate(100_135);
ofModule();
new Exported().method();
await 1;
sites.allocate(100_137);
await every();
await import('./with space.mjs');
createRequire(import.meta.url)('./required.cjs').call();
sites.allocate(100_139);
sites.finish();
