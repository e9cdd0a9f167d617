/** `mp tree` on a terminal: keys to the model, the model to the screen. The keys are memray's. */
import type { StackTree, TreeFilters } from '../model/stack-tree.ts';
import type { Screen } from './screen.ts';
import { TreeModel } from './tree-model.ts';
import { treeHeight, treeScreen, type ViewContext } from './tree-view.ts';

export interface TreeSource extends ViewContext {
  /** The tree as it is now; a capture that is being recorded has grown. */
  load(filters: TreeFilters): Promise<StackTree>;
}

/** Ends when the user quits. @throws what `load` throws, with the terminal given back. */
export async function runTree(screen: Screen, tree: StackTree, source: TreeSource): Promise<void> {
  const app = new TreeApp(screen, tree, source);
  try {
    await app.run();
  } finally {
    screen.close();
  }
}

class TreeApp {
  readonly #screen: Screen;
  readonly #source: TreeSource;
  #model: TreeModel;
  #isLoading = false;
  #end: (error?: unknown) => void = () => undefined;

  constructor(screen: Screen, tree: StackTree, source: TreeSource) {
    this.#screen = screen;
    this.#source = source;
    this.#model = new TreeModel(tree);
  }

  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#end = (error) => (error === undefined ? resolve() : reject(error));
      this.#screen.onKey((key) => this.#press(key));
      this.#screen.onResize(() => this.#draw());
      this.#draw();
    });
  }

  #draw(): void {
    const { columns, rows } = this.#screen;
    this.#screen.draw(treeScreen(this.#model, columns, rows, this.#source));
  }

  #press(key: string): void {
    if (key === 'q' || key === 'C-c') this.#end();
    else if (key === 'C-z') this.#screen.suspend();
    else if (this.#isLoading) return;
    else if (key === 'i' || key === 'u') void this.#toggleFilter(key === 'i' ? 'hidesImports' : 'hidesMachinery');
    else if (this.#walk(key)) this.#draw();
  }

  /** Whether the key means something. */
  #walk(key: string): boolean {
    const model = this.#model;
    const page = treeHeight(this.#screen.columns, this.#screen.rows) - 1;
    const actions: Record<string, () => void> = {
      up: () => model.move(-1),
      down: () => model.move(1),
      pageup: () => model.move(-page),
      pagedown: () => model.move(page),
      home: () => model.move(-model.rows.length),
      end: () => model.move(model.rows.length),
      left: () => model.outwards(),
      right: () => model.inwards(),
      enter: () => model.toggle(),
      space: () => model.toggle(),
      e: () => model.toggleChain(),
    };
    actions[key]?.();
    return key in actions;
  }

  async #toggleFilter(name: keyof TreeFilters): Promise<void> {
    const { filters } = this.#model.tree;
    this.#isLoading = true;
    try {
      this.#model = new TreeModel(await this.#source.load({ ...filters, [name]: !filters[name] }));
      this.#draw();
    } catch (error) {
      this.#end(error);
    } finally {
      this.#isLoading = false;
    }
  }
}
