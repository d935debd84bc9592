// What `create` leaves for the front (src/front), which starts and deletes an ordinary container without the engine.

import { rmSync, writeFileSync } from 'node:fs';
import { freezerOf } from '../cgroup/freezer.ts';
import { ownDirectories } from '../cgroup/record.ts';
import { EVERY_FLAG, encodeFrontRecord, FLAG, FRONT_FILE } from '../front/record.ts';
import type { Config } from '../spec/generated/types.ts';
import { hasOwnPidNamespace, hasProgram } from './first-record.ts';
import { stateOf, stateText } from './state.ts';
import { type ContainerRecord, directoryOf } from './store.ts';

/** What decides over what the front may do for a container, be that there or only planned. */
export interface FrontTraits
  extends Pick<ContainerRecord, 'hasProcess' | 'ownPidNamespace' | 'poststart' | 'poststop'> {
  readonly hasScope: boolean;
  readonly hasResourceClass: boolean;
  /** A service manager is to be told when the program is up. */
  readonly notifies: boolean;
  /** It has startContainer hooks. What they print is to be had while init lives: the engine looks at it from the start on. */
  readonly printsHooks: boolean;
}

/** FLAG bits: what the front may do for the container. Pure. */
export function frontFlags(traits: FrontTraits): bigint {
  const { hasProcess, ownPidNamespace, poststart, poststop, hasScope, hasResourceClass, notifies, printsHooks } =
    traits;
  const start = hasProcess && poststart.length === 0 && !notifies && !printsHooks;
  const remove = ownPidNamespace && poststop.length === 0 && !hasScope && !hasResourceClass;
  return (start ? FLAG.start : 0n) | (remove ? FLAG.delete : 0n) | (ownPidNamespace ? FLAG.kill : 0n);
}

/** Whether the front can do all that is left of the life of a created container. */
export function isOfFront(traits: FrontTraits): boolean {
  return frontFlags(traits) === EVERY_FLAG;
}

export function traitsOf(record: ContainerRecord): FrontTraits {
  const { hasProcess, ownPidNamespace, poststart, poststop } = record;
  return {
    hasProcess,
    ownPidNamespace,
    poststart,
    poststop,
    hasScope: record.scope !== undefined,
    hasResourceClass: record.resourceClass !== undefined,
    notifies: record.notifies === true,
    printsHooks: record.hookOutput !== undefined,
  };
}

/** Of the container that a config will be. */
export function plannedTraits(config: Config, plan: Pick<FrontTraits, 'hasScope' | 'notifies'>): FrontTraits {
  const { startContainer = [], poststart = [], poststop = [] } = config.hooks ?? {};
  return {
    ...plan,
    hasProcess: hasProgram(config),
    ownPidNamespace: hasOwnPidNamespace(config),
    poststart,
    poststop,
    hasResourceClass: config.linux?.intelRdt !== undefined,
    printsHooks: startContainer.length > 0,
  };
}

/**
 * To be written when the state is complete: who finds it takes the container for created. A front that does not find it, or finds a part
 * of it, leaves its work to the engine.
 */
export function writeFrontRecord(root: string, record: ContainerRecord): void {
  const { init, cgroups } = record;
  const flags = frontFlags(traitsOf(record));
  if (init === undefined || flags === 0n) return;
  const directories: { path: string; inode?: number }[] = [];
  for (const entry of cgroups.cgroups) {
    const [own, ...above] = ownDirectories(entry).toReversed();
    if (own === undefined) continue;
    if (entry.inode === undefined) return;
    directories.push({ path: own, inode: entry.inode });
    for (const path of above) directories.push({ path });
  }
  const freezer = freezerOf(cgroups);
  const about = { flags, ...init, directories, ...(freezer && { freezer }) };
  const bytes = encodeFrontRecord({ ...about, state: stateTexts(record) }) ?? encodeFrontRecord(about);
  if (bytes !== undefined) writeFileSync(`${directoryOf(root, record.id)}/${FRONT_FILE}`, bytes, { mode: 0o600 });
}

const BETWEEN = '"pid": 0,\n  "status": "stopped"';

/** What stays of what `state` prints (cli/commands/state.ts). The strings that come before can't contain such a text: JSON escapes the end of a line. */
function stateTexts(record: ContainerRecord): { readonly begin: string; readonly end: string } {
  const text = stateText(stateOf(record, 'stopped'));
  const at = text.indexOf(BETWEEN);
  return { begin: text.slice(0, at), end: text.slice(at + BETWEEN.length) };
}

/** From here on every command is the engine's. */
export function hideFromFront(root: string, id: string): void {
  rmSync(`${directoryOf(root, id)}/${FRONT_FILE}`, { force: true });
}
