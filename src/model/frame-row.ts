/** A row of `frame` with the path of its module: a frame as a capture has it. */
export interface FrameRow {
  id: number;
  function: string | null;
  file: string | null;
  line: number | null;
  /** `native`, `python` or `javascript`. */
  language: string;
  /** Path of the mapped file. */
  module: string | null;
  inlined: number;
}
