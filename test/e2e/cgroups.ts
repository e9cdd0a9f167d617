/** Cgroups that tests make, of version 1 or 2, whichever this machine has. */
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export interface Hierarchy {
  root: string;
  /** A file that a cgroup of the hierarchy is to have. */
  file: string;
}

/** A new cgroup in the first hierarchy that can have one, removed when the test has ended; null: there is none. */
export function makeCgroup(t: TestContext, hierarchies: Hierarchy[], name: string) {
  for (const hierarchy of hierarchies) {
    const path = join(hierarchy.root, name);
    try {
      mkdirSync(path);
    } catch {
      continue; // not there, or read-only
    }
    t.after(() => rmdirSync(path));
    if (existsSync(join(path, hierarchy.file))) return { path, hierarchy };
  }
  return null;
}
