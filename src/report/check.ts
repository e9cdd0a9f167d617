/**
 * Budgets of memory, for scripts and CI: of each process at its peak, of all leaks, and of the leaks of one stack.
 *
 *     exceeded: --max-peak 2.000 MiB: 100 (app) had 3.005 MiB at its peak, 1.005 MiB too much
 *     exceeded: --max-leak-per-site 80 B: 2 stacks leaked more, the biggest 400 B
 */
import { formatBytes, formatPlural, wrap } from '../util/format.ts';
import { groupBy } from '../util/group-by.ts';
import { type Layout, processName, trustLines } from './header.ts';
import { type AllowRule, ruleFor } from './leak-allow.ts';
import { findLeaks, type Leak, leakCaveats, leakJson, leakLines } from './leaks.ts';
import { lossSum } from './losses.ts';
import { type Capture, jsonReport } from './report.ts';
import type { Selection } from './selection.ts';
import type { SiteRow } from './source.ts';
import { framesOf, Stacks } from './stacks.ts';

/** In bytes; null: none. */
export interface Budgets {
  maxPeak: number | null;
  maxLeak: number | null;
  maxLeakPerSite: number | null;
}

export interface Finding {
  budget: 'max_peak' | 'max_leak' | 'max_leak_per_site';
  limit_bytes: number;
  /** Of the process, of all leaks, or of the biggest leak. */
  bytes: number;
  is_exceeded: boolean;
  /** Of `max_peak`. */
  process?: { pid: number; name: string };
  /** What it is made of, or which stacks exceed it; biggest first. */
  stacks: Leak[];
}

export interface Allowed {
  pattern: string;
  bytes: number;
  allocations: number;
}

export interface Check {
  findings: Finding[];
  /** Leaks that a rule allows, by rule, those that match nothing too. */
  allowed: Allowed[];
}

export function check(capture: Capture, selection: Selection, budgets: Budgets, rules: AllowRule[]): Check {
  const { maxPeak, maxLeak, maxLeakPerSite } = budgets;
  const allowed = rules.map(({ pattern }) => ({ pattern, bytes: 0, allocations: 0 }));
  const findings = maxPeak === null ? [] : checkPeaks(capture, selection, maxPeak);
  if (maxLeak === null && maxLeakPerSite === null) return { findings, allowed };
  const isKept = allowance(capture, rules, allowed);
  const leaks = findLeaks(capture, { ...selection, view: 'leaks' }, {}, isKept);
  if (maxLeak !== null) findings.push(finding('max_leak', maxLeak, sum(leaks), leaks));
  if (maxLeakPerSite !== null) {
    const stacks = leaks.filter((leak) => leak.bytes > maxLeakPerSite);
    findings.push(finding('max_leak_per_site', maxLeakPerSite, leaks[0]?.bytes ?? 0, stacks));
  }
  return { findings, allowed };
}

/** The processes that had too much, or that which had most: a sum of peaks would be of no moment. */
function checkPeaks(capture: Capture, selection: Selection, limit: number): Finding[] {
  const stacks = findLeaks(capture, { ...selection, view: 'high_watermark' });
  const names = new Map(capture.facts.processes.map((process) => [process.id, processName(process)]));
  const processes = [...groupBy(stacks, (stack) => stack.process_id)].map(([id, own]) => ({
    ...finding('max_peak', limit, sum(own), own),
    process: { pid: own[0]!.pid, name: names.get(id) ?? '' },
  }));
  processes.sort((a, b) => b.bytes - a.bytes);
  const exceeding = processes.filter((process) => process.is_exceeded);
  if (exceeding.length > 0) return exceeding;
  return processes.length > 0 ? processes.slice(0, 1) : [finding('max_peak', limit, 0, [])];
}

function finding(budget: Finding['budget'], limit: number, bytes: number, stacks: Leak[]): Finding {
  return { budget, limit_bytes: limit, bytes, is_exceeded: bytes > limit, stacks };
}

/** Tells leaks that no rule allows, and adds up those that one does. */
function allowance({ source }: Capture, rules: AllowRule[], allowed: Allowed[]): (site: SiteRow) => boolean {
  if (rules.length === 0) return () => true;
  const stacks = new Stacks(source);
  const known = new Map<number | null, number>();
  return ({ stack_id, bytes, allocations }) => {
    let rule = known.get(stack_id);
    if (rule === undefined) {
      const found = ruleFor(rules, framesOf(stacks.node(stack_id) ?? null));
      rule = found === undefined ? -1 : rules.indexOf(found);
      known.set(stack_id, rule);
    }
    const sums = allowed[rule];
    if (sums === undefined) return true;
    sums.bytes += bytes;
    sums.allocations += allocations;
    return false;
  };
}

const sum = (leaks: Leak[]): number => leaks.reduce((total, leak) => total + leak.bytes, 0);

export interface CheckTextOptions {
  /** Of each budget. */
  maxRows: number;
  /** Of each stack. */
  maxFrames: number;
}

export function checkText(
  { facts }: Capture,
  selection: Selection,
  { findings, allowed }: Check,
  options: CheckTextOptions,
  layout: Layout,
): string {
  const exceeded = findings.filter((one) => one.is_exceeded);
  const isAboutLeaks = exceeded.some((one) => one.budget !== 'max_peak');
  const isUnsure = lossSum(facts.losses, 'numbers') > 0;
  const lines = [
    ...(exceeded.length > 0
      ? exceeded.map((one) => layout.style.bold(`exceeded: ${findingLine(one)}`))
      : wrap(
          `All budgets are kept${isUnsure ? ' by what was recorded' : ''}: ${findings.map(keptText).join(', ')}.`,
          layout.columns,
        )),
    ...(facts.allocations === 0 ? ['No allocations were recorded.'] : []),
    ...allowedLines(allowed, layout),
    ...trustLines(facts, layout),
    ...(isAboutLeaks ? leakCaveats(facts, selection).flatMap((caveat) => wrap(caveat, layout.columns)) : []),
    ...exceeded.flatMap((one) => stackLines(one, facts.processes.length > 1, options, layout)),
  ];
  return `${lines.join('\n')}\n`;
}

export function checkJson(
  { facts }: Capture,
  selection: Selection,
  { findings, allowed }: Check,
  maxRows: number,
): string {
  const { view: _view, threshold: _threshold, ...part } = selection;
  return jsonReport(facts, null, {
    selection: part,
    is_kept: findings.every((one) => !one.is_exceeded),
    budgets: findings.map((one) => ({ ...one, stacks: one.stacks.slice(0, maxRows).map(leakJson) })),
    allowed,
  });
}

const OPTION = { max_peak: '--max-peak', max_leak: '--max-leak', max_leak_per_site: '--max-leak-per-site' };

const budgetName = (one: Finding): string => `${OPTION[one.budget]} ${formatBytes(one.limit_bytes)}`;

function findingLine(one: Finding): string {
  const [has, tooMuch] = [formatBytes(one.bytes), `${formatBytes(one.bytes - one.limit_bytes)} too much`];
  if (one.budget === 'max_peak') return `${budgetName(one)}: ${one.process?.name} had ${has} at its peak, ${tooMuch}`;
  if (one.budget === 'max_leak') return `${budgetName(one)}: ${has} leaked, ${tooMuch}`;
  return `${budgetName(one)}: ${formatPlural(one.stacks.length, 'stack')} leaked more, the biggest ${has}`;
}

function keptText(one: Finding): string {
  const what = { max_peak: 'peak', max_leak: 'leaked', max_leak_per_site: 'biggest leak' }[one.budget];
  return `${what} ${formatBytes(one.bytes)} of ${formatBytes(one.limit_bytes)}`;
}

function allowedLines(allowed: Allowed[], { columns }: Layout): string[] {
  const bytes = allowed.reduce((total, rule) => total + rule.bytes, 0);
  const used = allowed.filter((rule) => rule.allocations > 0).length;
  if (allowed.length === 0) return [];
  return wrap(
    `allowed: ${formatBytes(bytes)} leaked by what ${used} of ${formatPlural(allowed.length, 'rule')} matched`,
    columns,
  );
}

function stackLines(
  one: Finding,
  hasSeveral: boolean,
  { maxRows, maxFrames }: CheckTextOptions,
  layout: Layout,
): string[] {
  const whole = one.budget === 'max_leak_per_site' ? sum(one.stacks) : one.bytes;
  const left = one.stacks.length - maxRows;
  return [
    '',
    `${budgetName(one)}${one.process ? `, ${one.process.name}` : ''}:`,
    ...one.stacks
      .slice(0, maxRows)
      .flatMap((leak, i) => leakLines(leak, i + 1, whole, hasSeveral && !one.process, maxFrames, layout)),
    ...(left > 0 ? ['', `${formatPlural(left, 'more stack')} not shown; -n sets how many are`] : []),
  ];
}
