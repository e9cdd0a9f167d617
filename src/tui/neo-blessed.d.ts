/** The part of neo-blessed that `screen.ts` uses. */
declare module 'neo-blessed' {
  export interface Key {
    /** With its modifiers: `up`, `C-c`, `S-tab`. */
    full: string;
  }

  export interface MouseEvent {
    /** `mousedown`, `mouseup`, `wheelup`, `wheeldown`, … */
    action: string;
    /** Column and row, from 0. */
    x: number;
    y: number;
  }

  export interface BlessedScreen {
    width: number;
    height: number;
    title: string;
    tput: { brokenACS: boolean };
    render(): void;
    destroy(): void;
    append(element: BlessedBox): void;
    on(event: 'keypress', listener: (character: string | undefined, key: Key) => void): void;
    on(event: 'resize', listener: () => void): void;
    /** From the first listener on the terminal reports its mouse. */
    on(event: 'mouse', listener: (event: MouseEvent) => void): void;
    /** Forgets what the terminal shows, so that all of it is drawn again. */
    alloc(): void;
    program: BlessedProgram;
  }

  export interface BlessedProgram {
    tmux: boolean;
    normalBuffer(): void;
    alternateBuffer(): void;
    showCursor(): void;
    hideCursor(): void;
    flush(): void;
    /** Stops reading and writing until the returned function is called. */
    pause(): () => void;
  }

  export interface BlessedBox {
    setContent(content: string): void;
  }

  const blessed: {
    screen(options: {
      smartCSR: boolean;
      fullUnicode: boolean;
      forceUnicode: boolean;
      input: NodeJS.ReadableStream;
    }): BlessedScreen;
    box(options: { top: number; left: number; width: string; height: string; wrap: boolean }): BlessedBox;
  };
  export default blessed;
}
