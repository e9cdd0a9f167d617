/** Colours of the canvas. A language is a hue, a module a shade of it, so that neighbours can be told apart. */
import type { Kind } from './format.ts';
import type { Theme } from './shell.ts';

export interface Palette {
  /** By kind and shade. */
  fills: Record<Kind, string[]>;
  text: string;
  match: string;
  matchText: string;
  /** Around the selected frame. */
  ring: string;
  background: string;
  muted: string;
  line: string;
  heap: string;
  heapFill: string;
  rss: string;
  /** Where the high watermark of a chosen range is. */
  peak: string;
}

export const SHADES = 8;

interface Ramp {
  hue: number;
  spread: number;
  saturation: number;
  /** Lightest and darkest, in percent. */
  light: [number, number];
  dark: [number, number];
}

const RAMPS: Record<Kind, Ramp> = {
  native: { hue: 34, spread: 16, saturation: 82, light: [80, 71], dark: [40, 33] },
  python: { hue: 213, spread: 14, saturation: 74, light: [85, 77], dark: [46, 38] },
  javascript: { hue: 152, spread: 16, saturation: 44, light: [80, 71], dark: [36, 29] },
  internal: { hue: 152, spread: 16, saturation: 17, light: [89, 83], dark: [33, 28] },
  owner: { hue: 230, spread: 0, saturation: 10, light: [89, 89], dark: [27, 27] },
  unknown: { hue: 40, spread: 0, saturation: 6, light: [85, 85], dark: [31, 31] },
};

function fills(theme: Theme): Record<Kind, string[]> {
  const ramp = ({ hue, spread, saturation, light, dark }: Ramp) =>
    Array.from({ length: SHADES }, (_, i) => {
      const at = i / (SHADES - 1);
      const [from, to] = theme === 'light' ? light : dark;
      const muted = theme === 'light' ? saturation : saturation * 0.62;
      return `hsl(${hue - spread / 2 + spread * at} ${muted}% ${from + (to - from) * at}%)`;
    });
  return Object.fromEntries(Object.entries(RAMPS).map(([kind, r]) => [kind, ramp(r)])) as Record<Kind, string[]>;
}

export function paletteOf(theme: Theme): Palette {
  if (theme === 'light') {
    return {
      fills: fills(theme),
      text: '#1f1a14',
      match: '#b3227f',
      matchText: '#ffffff',
      ring: '#1b1f27',
      background: '#ffffff',
      muted: '#646b76',
      line: '#e5e5e1',
      heap: '#3b4cca',
      heapFill: '#3b4cca22',
      rss: '#8a93a0',
      peak: '#f2b90055',
    };
  }
  return {
    fills: fills(theme),
    text: '#f6f1e9',
    match: '#e0499f',
    matchText: '#ffffff',
    ring: '#ffffff',
    background: '#191c21',
    muted: '#98a1ad',
    line: '#2c3138',
    heap: '#93a3ff',
    heapFill: '#93a3ff2b',
    rss: '#77808d',
    peak: '#f2c53d66',
  };
}

/** Red for growth, blue for the opposite; `change` from -1 to 1 is by which part of the larger it is. */
export function changeFill(theme: Theme, change: number): string {
  const strength = Math.abs(change);
  const hue = change > 0 ? 6 : 216;
  if (theme === 'light') return `hsl(${hue} ${change === 0 ? 0 : 85}% ${93 - 23 * strength}%)`;
  return `hsl(${hue} ${change === 0 ? 0 : 20 + 45 * strength}% ${27 + 17 * strength}%)`;
}

/** A shade that stays with a text. */
export function shadeOf(text: string): number {
  let hash = 7;
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) | 0;
  return (hash >>> 3) % SHADES;
}
