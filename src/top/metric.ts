/** A figure that is kept with a snapshot: memory of the process, or what the user measures. */
import { formatInteger, formatSize } from './text.ts';

/** `int`: a count; `percent`: a share, 0.042 is 4.2%; `size`: bytes. */
export const METRIC_FORMATS = ['int', 'percent', 'size'] as const;
export type MetricFormat = (typeof METRIC_FORMATS)[number];

export interface Metric {
  readonly name: string;
  readonly value: number;
  readonly format: MetricFormat;
}

/** `sign`: of a difference. */
export function formatMetric(value: number, format: MetricFormat, sign = false): string {
  switch (format) {
    case 'size':
      return formatSize(value, sign);
    case 'percent':
      return `${sign && value >= 0 ? '+' : ''}${(value * 100).toFixed(1)}%`;
    case 'int':
      return formatInteger(value, sign);
  }
}
