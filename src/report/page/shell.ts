/** What both pages share: elements by id, theme, dialogs, values of the address. */
/// <reference lib="dom" />

/** @throws Error if the page lacks the element, which only a fault in its template can cause. */
export function element<E extends HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as E;
}

export function pageData<T>(): T {
  return JSON.parse(element('mp-data').textContent ?? '') as T;
}

export type Theme = 'light' | 'dark';

const THEME_KEY = 'mp-theme';

/** Follows the system until the reader chooses; `onChange` is also called once at the start. */
export function setUpTheme(forced: string | null, onChange: (theme: Theme) => void): void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const chosen = () => asTheme(forced) ?? asTheme(stored()) ?? (system.matches ? 'dark' : 'light');
  const apply = (theme: Theme) => {
    document.documentElement.dataset.theme = theme;
    onChange(theme);
  };
  element('theme').addEventListener('click', () => {
    const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
    forced = null;
    try {
      localStorage.setItem(THEME_KEY, next);
    } catch {
      // Pages opened from a file may have no storage; the choice then lasts as long as the page.
    }
    apply(next);
  });
  system.addEventListener('change', () => apply(chosen()));
  apply(chosen());
}

function stored(): string | null {
  try {
    return localStorage.getItem(THEME_KEY);
  } catch {
    return null;
  }
}

const asTheme = (text: string | null): Theme | null => (text === 'light' || text === 'dark' ? text : null);

export function setUpDialog(name: string): void {
  const dialog = element<HTMLDialogElement>(name);
  element(`${name}-open`).addEventListener('click', () => dialog.showModal());
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
}

/** Values after the `#` of the address. */
export function addressValues(): URLSearchParams {
  return new URLSearchParams(location.hash.slice(1));
}

/** Keeps the state of the page in its address; empty values are left out. */
export function setAddress(values: Record<string, string>): void {
  const address = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== ''));
  const text = address.toString();
  history.replaceState(null, '', text === '' ? location.pathname + location.search : `#${text}`);
}

/** True while the reader types into something. */
export function isTyping(event: Event): boolean {
  return event.target instanceof HTMLElement && /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
}

/** A canvas as large as its box, in device pixels, with coordinates in CSS pixels. */
export function sizedContext(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext('2d')!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
