/** What a loss does to the numbers of a report. What each kind counts: MP_COUNTERS and MP_LOSSES in bpf/mp.h. */
import { LOSS_MEANING } from '../model/abi.gen.ts';
import { formatCount, wrap } from '../util/format.ts';

export type Effect = 'numbers' | 'stacks' | 'information';

/** `numbers`: they are no longer exact; `stacks`: numbers are exact, stacks or names are not; `information`: no loss. */
const EFFECT: Record<string, Effect> = {
  ring_dropped: 'numbers',
  allocations_dropped: 'numbers',
  frees_dropped: 'numbers',
  inflight_overflow: 'numbers',
  thread_state: 'numbers',
  event_invalid: 'numbers',
  new_unseen: 'numbers',
  child_lost: 'numbers',
  process_unheld: 'numbers',
  module_merged: 'numbers',
  unwinder_busy: 'stacks',
  python_incomplete: 'stacks',
  stack_truncated: 'stacks',
  stack_incomplete: 'stacks',
  stack_missing: 'stacks',
  stack_merged: 'stacks',
  thread_merged: 'stacks',
  frame_unsymbolized: 'stacks',
  unmatched_free: 'information',
  inherited: 'information',
};

const CONSEQUENCE: Record<string, string> = {
  ring_dropped:
    'A lost free looks like a leak and a lost allocation is missing, so sizes and counts are not exact. ' +
    'Record with --lossless or a larger --ring-size.',
  allocations_dropped: 'So many are missing in every count of allocations.',
  frees_dropped: 'Up to so many blocks count as live or leaked although they were freed.',
  inflight_overflow: 'Those allocations are missing.',
  thread_state: 'Those allocations and frees are missing: a missing free looks like a leak.',
  event_invalid: 'Those events are missing: recorder and BPF programs are of different versions.',
  new_unseen: 'Those allocations are missing; their frees are counted as unmatched.',
  child_lost: 'What those processes and their children did is missing. A larger --ring-size may help.',
  process_unheld: 'Their first allocations may be missing; frees of those are counted as unmatched.',
  unwinder_busy: 'Sizes and counts are exact; those allocations have no stack.',
  python_incomplete: 'Sizes and counts are exact; those stacks lack Python frames.',
  stack_truncated: 'Sizes and counts are exact; those stacks lack their outermost frames.',
  stack_incomplete: 'Sizes and counts are exact; those stacks lack outer frames.',
  stack_missing: 'Sizes and counts are exact; those allocations have no stack.',
  stack_merged:
    'Sizes and counts are exact; those allocations lack their callers, since there are more different stacks than fit.',
  thread_merged:
    'Sizes and counts are exact; those threads are shown together, since their process has had thousands of them.',
  module_merged: 'Allocators in those files are not probed, and their functions have no names.',
  frame_unsymbolized: 'Sizes and counts are exact; those frames have no name.',
  unmatched_free: 'This is information, not a loss: all numbers are exact for what was allocated since.',
  inherited: 'This is information, not a loss: inherited blocks are no allocations of the child.',
};

/** A kind that this version does not know is taken for the worst. */
export function lossEffect(kind: string): Effect {
  return EFFECT[kind] ?? 'numbers';
}

/** Kinds that say more about the events of another kind, and must not be added to it. */
const PARTS = ['allocations_dropped', 'frees_dropped'];

/** How many things were lost with that effect. */
export function lossSum(losses: Record<string, number>, effect: Effect): number {
  const kinds = Object.keys(losses).filter((kind) => lossEffect(kind) === effect && !PARTS.includes(kind));
  return kinds.reduce((sum, kind) => sum + losses[kind]!, 0);
}

export function lossMeaning(kind: string): string {
  return (LOSS_MEANING as Record<string, string>)[kind] ?? 'a kind of loss that this version of mp does not know';
}

export function lossConsequence(kind: string): string {
  return CONSEQUENCE[kind] ?? 'The numbers may not be exact.';
}

/** `losses: none`, or how many there are, for where there is room for no more. */
export function lossLine(losses: Record<string, number>): string {
  if (Object.keys(losses).length === 0) return 'losses: not counted yet';
  const [numbers, stacks] = [lossSum(losses, 'numbers'), lossSum(losses, 'stacks')];
  const parts = [
    ...(numbers > 0 ? [`${formatCount(numbers)} that spoil numbers`] : []),
    ...(stacks > 0 ? [`${formatCount(stacks)} of stacks or names`] : []),
  ];
  return `losses: ${parts.length > 0 ? parts.join(', ') : 'none'}`;
}

/**
 * The lines about losses of every report: `losses: none`, or each kind that occurred with what it means, those that
 * spoil numbers first; then what is only information.
 */
export function lossLines(losses: Record<string, number>, width: number): string[] {
  const kinds = Object.keys(losses);
  if (kinds.length === 0) return ['losses: not counted yet'];
  const occurred = kinds.filter((kind) => losses[kind]! > 0);
  const of = (effect: Effect) => occurred.filter((kind) => lossEffect(kind) === effect);
  const line = (kind: string) =>
    `${formatCount(losses[kind]!)} ${kind} (${lossMeaning(kind)}). ${lossConsequence(kind)}`;
  const real = [...of('numbers'), ...of('stacks')];
  return [
    ...(real.length === 0 ? ['losses: none'] : real.flatMap((kind) => wrap(`losses: ${line(kind)}`, width, '  '))),
    ...of('information').flatMap((kind) => wrap(`note: ${line(kind)}`, width, '  ')),
  ];
}
