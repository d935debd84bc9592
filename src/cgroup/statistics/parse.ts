// The formats of cgroupfs's statistics (cgroup-v1/*.rst, cgroup-v2.rst, psi.rst), as data. Nothing here has an effect.

import type { BlockEntry, Pressure, PressureStatistics } from './types.ts';

/** What `max`, no limit, is as a number; so runc prints it. */
export const NO_LIMIT = 2n ** 64n - 1n;

/** One number, or `max`. A negative one (v1: no limit of a signed counter) and what is no number are 0. */
export function parseNumber(text: string | undefined): bigint {
  const word = text?.trim() ?? '';
  if (word === 'max') return NO_LIMIT;
  return /^[0-9]+$/.test(word) ? BigInt(word) : 0n;
}

/** One number that may be negative. */
export function parseSigned(text: string | undefined): bigint {
  const word = text?.trim() ?? '';
  return /^-?[0-9]+$/.test(word) ? BigInt(word) : 0n;
}

/** Numbers between spaces. */
export function parseNumbers(text: string | undefined): readonly bigint[] {
  return wordsOf(text ?? '').map(parseNumber);
}

/** Lines `key value`, in the order of the keys (as Go prints a map). */
export function parseKeyed(text: string | undefined): Readonly<Record<string, bigint>> {
  const pairs: [string, bigint][] = [];
  for (const line of linesOf(text)) {
    const [key, value, ...more] = wordsOf(line);
    if (key !== undefined && value !== undefined && more.length === 0) pairs.push([key, parseNumber(value)]);
  }
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The kernel's lists of processors and memory nodes: `0-2,7` (cpuset(7), "List format"). */
export function parseList(text: string | undefined): readonly number[] {
  const numbers: number[] = [];
  for (const part of (text ?? '').trim().split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) continue;
    const first = Number(match[1]);
    for (let number = first; number <= Number(match[2] ?? first); number++) numbers.push(number);
  }
  return numbers;
}

/** v1 `cpuacct.usage_all`: a head line, then `cpu user system` for each processor, in nanoseconds. */
export function parseUsageAll(text: string | undefined): { readonly user: bigint[]; readonly kernel: bigint[] } {
  const rows = linesOf(text)
    .slice(1)
    .map(wordsOf)
    .filter((row) => row.length >= 3);
  return { user: rows.map((row) => parseNumber(row[1])), kernel: rows.map((row) => parseNumber(row[2])) };
}

/** v1 blkio: `8:0 Read 4096`, `8:0 512`, and a sum `Total 4096`, which is left out. */
export function parseBlkio(text: string | undefined): readonly BlockEntry[] {
  return linesOf(text).flatMap((line) => {
    const words = wordsOf(line);
    const device = parseDevice(words[0]);
    const value = words.at(-1);
    if (device === undefined || value === undefined || words.length < 2) return [];
    return [blockEntry(device, words.length > 2 ? words[1] : undefined, parseNumber(value))];
  });
}

export interface IoStatistics {
  readonly bytes: readonly BlockEntry[];
  readonly operations: readonly BlockEntry[];
}

/** Keys of v2's io.stat by the words of v1. */
const IO_KEYS: Readonly<Record<string, readonly [keyof IoStatistics, string]>> = {
  rbytes: ['bytes', 'Read'],
  wbytes: ['bytes', 'Write'],
  dbytes: ['bytes', 'Discard'],
  rios: ['operations', 'Read'],
  wios: ['operations', 'Write'],
  dios: ['operations', 'Discard'],
};

/** v2 `io.stat`: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`, and keys of I/O policies, which have no place in runc's format. */
export function parseIoStat(text: string | undefined): IoStatistics {
  const result: { bytes: BlockEntry[]; operations: BlockEntry[] } = { bytes: [], operations: [] };
  for (const line of linesOf(text)) {
    const [name, ...items] = wordsOf(line);
    const device = parseDevice(name);
    if (device === undefined) continue;
    for (const item of items) {
      const [key, value] = item.split('=');
      const known = IO_KEYS[key ?? ''];
      if (known !== undefined) result[known[0]].push(blockEntry(device, known[1], parseNumber(value)));
    }
  }
  return result;
}

/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and the same for `full`. undefined where pressure is not accounted. */
export function parsePressure(text: string | undefined): PressureStatistics | undefined {
  if (text === undefined || text === '') return undefined;
  const lines = new Map(linesOf(text).map((line) => [line.split(' ', 1)[0], pressureOf(line)]));
  const [some, full] = [lines.get('some'), lines.get('full')];
  return { ...(some === undefined ? {} : { some }), ...(full === undefined ? {} : { full }) };
}

function pressureOf(line: string): Pressure {
  const field = (name: string) => new RegExp(`\\b${name}=([0-9.]+)`).exec(line)?.[1] ?? '0';
  return {
    avg10: Number(field('avg10')),
    avg60: Number(field('avg60')),
    avg300: Number(field('avg300')),
    total: parseNumber(field('total')),
  };
}

/** `hugepages-2048kB`, a name in /sys/kernel/mm/hugepages, as control files spell it: `2MB`. undefined for another name. */
export function hugePageSize(name: string): string | undefined {
  const match = /^hugepages-(\d+)kB$/.exec(name);
  if (match === null) return undefined;
  let size = Number(match[1]);
  let unit = 0;
  for (; size >= 1024 && unit < 2; unit++) size /= 1024;
  return `${size}${['KB', 'MB', 'GB'][unit]}`;
}

function parseDevice(word: string | undefined): { readonly major: bigint; readonly minor: bigint } | undefined {
  const match = /^(\d+):(\d+)$/.exec(word ?? '');
  return match === null ? undefined : { major: BigInt(match[1] ?? 0), minor: BigInt(match[2] ?? 0) };
}

function blockEntry(
  { major, minor }: { readonly major: bigint; readonly minor: bigint },
  op: string | undefined,
  value: bigint,
): BlockEntry {
  return { ...nonZero({ major, minor }), ...(op === undefined ? {} : { op }), ...nonZero({ value }) };
}

/** Without what is zero: Go's `omitempty`. */
export function nonZero<Name extends string>(counters: Record<Name, bigint>): { [Key in Name]?: bigint } {
  const kept: { [Key in Name]?: bigint } = {};
  for (const name of Object.keys(counters) as Name[]) if (counters[name] !== 0n) kept[name] = counters[name];
  return kept;
}

/** As nonZero, for lists. */
export function nonEmpty<Name extends string, Item>(
  lists: Record<Name, readonly Item[]>,
): { [Key in Name]?: readonly Item[] } {
  const kept: { [Key in Name]?: readonly Item[] } = {};
  for (const name of Object.keys(lists) as Name[]) if (lists[name].length > 0) kept[name] = lists[name];
  return kept;
}

function linesOf(text: string | undefined): readonly string[] {
  return (text ?? '').split('\n').filter((line) => line !== '');
}

function wordsOf(line: string): readonly string[] {
  return line.split(/\s+/).filter((word) => word !== '');
}
