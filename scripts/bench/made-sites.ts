/** A made capture of one process, as if it were being recorded, with so many sites for measurements. */
import { type Db, openWriter } from '../../src/store/db.ts';

const FRAMES = 4000;
const DEPTH = 20;

/** Stacks share the outer half of their frames with others, as those of programs do. */
export function makeCapture(path: string, sites: number): Db {
  const db = openWriter(path);
  db.transaction(() => {
    db.run("INSERT INTO meta VALUES ('status', 'recording'), ('started_at', ?)", [new Date().toISOString()]);
    db.run("INSERT INTO process (id, pid, origin, started_ns, comm) VALUES (1, 100, 'launch', 0, 'made')");
    db.run("INSERT INTO thread VALUES (1, 1, 100, 'made')");
    for (let id = 1; id <= FRAMES; id++)
      db.run("INSERT INTO frame VALUES (?, ?, ?, 1, 'native', NULL, 0)", [id, `function_${id}`, `/src/${id % 200}.c`]);
    let stack = 0;
    const outer: number[] = [];
    for (let site = 1; site <= sites; site++) {
      let parent: number | null = outer[Math.floor(site / 50) % 1000] ?? null;
      for (let depth = parent === null ? 1 : DEPTH / 2 + 1; depth <= DEPTH; depth++) {
        db.run('INSERT INTO stack VALUES (?, ?, ?, ?)', [
          ++stack,
          parent,
          1 + ((site * 7 + depth * 131) % FRAMES),
          depth,
        ]);
        parent = stack;
        if (depth === DEPTH / 2) outer.push(stack);
      }
      db.run("INSERT INTO site VALUES (?, 1, 1, 'malloc', ?, 5, 500, 0, 0, 5, 500, 5, 500, 0, 0)", [site, parent]);
    }
  });
  return db;
}
