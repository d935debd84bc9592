// The environment of the container's program. The specification is silent on names that come twice; as in runc the last of each is kept,
// since programs differ in which they read.

import type { ProcessInputs } from './inputs.ts';

/** The last entry of each name, in their order. */
export function lastOfEachName(entries: readonly string[]): string[] {
  const last = new Map<string, string>();
  for (const entry of entries) {
    const equals = entry.indexOf('=', 1);
    const name = equals < 0 ? entry : entry.slice(0, equals);
    // Deleted first: an entry that is set again would keep the place of the earlier one.
    last.delete(name);
    last.set(name, entry);
  }
  return [...last.values()];
}

/** Whether HOME is left to the runtime: an empty one counts as none, as in runc. */
export function lacksHome(entries: readonly string[] = []): boolean {
  for (let index = entries.length - 1; index >= 0; index--) {
    const entry = entries[index] ?? '';
    if (entry.startsWith('HOME=')) return entry === 'HOME=';
  }
  return true;
}

/** What the program gets: the config's, and HOME where that has none. */
export function environmentOf({ config, home }: Pick<ProcessInputs, 'config' | 'home'>): string[] {
  const entries = config.process?.env ?? [];
  return lastOfEachName(home === undefined ? entries : [...entries, `HOME=${home}`]);
}
