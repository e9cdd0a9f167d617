/** The one listener for keys. The others are told which key it was and say whether they used it. */
/// <reference lib="dom" />
import { isTyping } from './shell.ts';

export interface KeyActions {
  escape(): void;
  move(key: string): boolean;
  command(key: string): boolean;
}

export function setUpKeys(actions: KeyActions): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]') !== null) return;
    if (event.key === 'Escape') actions.escape();
    else if (isTyping(event)) return;
    else if (!actions.move(event.key) && !actions.command(event.key)) return;
    event.preventDefault();
  });
}
