// Changes the device policy of a container that runs, without a moment at which more or less is allowed than one of the two policies does.

import { closeSync, constants, openSync } from 'node:fs';
import { fail } from '../error.ts';
import { replaceFilter } from './device-program.ts';
import { ACCESS, type DeviceMatch, type DevicePolicy, exceptionsOf, formatException } from './device-rules.ts';
import { writeRules } from './devices.ts';
import { attempt } from './failure.ts';
import type { CgroupRecord } from './record.ts';

const POINTER = '/linux/resources/devices';

/**
 * v2: the program is replaced in one step. v1: exceptions that are new are made before those that are gone are taken away; a policy with another
 * default would need a moment at which all is allowed or denied, and is refused. Throws `cgroup`, `unsupported`.
 */
export function updateDevices({ cgroups }: CgroupRecord, before: DevicePolicy, after: DevicePolicy): void {
  const v1 = cgroups.find(({ controllers }) => controllers.split(',').includes('devices'));
  if (v1 !== undefined) {
    updateExceptions(v1.path, before, after);
    return;
  }
  const unified = cgroups.find(({ version }) => version === 2);
  if (unified === undefined)
    fail({ code: 'cgroup', message: 'the container has no cgroup that controls devices', pointer: POINTER });
  const flags = constants.O_RDONLY | constants.O_DIRECTORY;
  const directory = attempt(`open ${unified.path}`, () => openSync(unified.path, flags), POINTER);
  try {
    replaceFilter(directory, unified.path, after);
  } finally {
    closeSync(directory);
  }
}

function updateExceptions(path: string, before: DevicePolicy, after: DevicePolicy): void {
  if (before.allowByDefault !== after.allowByDefault)
    fail({
      code: 'unsupported',
      message: 'cgroup v1 can not change whether a running container may use devices that no rule names',
      pointer: POINTER,
      hint: 'its kernel interface would allow or deny everything for a moment',
    });
  const old = exceptionsOf(before);
  const wanted = exceptionsOf(after);
  const added = difference(wanted, old);
  const gone = difference(old, wanted);
  const [add, remove] = after.allowByDefault ? ['devices.deny', 'devices.allow'] : ['devices.allow', 'devices.deny'];
  writeRules(`${path}/${add}`, added.map(formatException), added);
  writeRules(`${path}/${remove}`, gone.map(formatException), gone);
}

/** What the exceptions of `of` have more than those of `without`: the kernel adds and takes away single accesses of one. */
export function difference(of: readonly DeviceMatch[], without: readonly DeviceMatch[]): readonly DeviceMatch[] {
  const all = ACCESS.m | ACCESS.r | ACCESS.w;
  return of
    .map((match) => {
      const other = without.find(
        ({ type, major, minor }) => type === match.type && major === match.major && minor === match.minor,
      );
      return { ...match, access: match.access & (all ^ (other?.access ?? 0)) };
    })
    .filter(({ access }) => access !== 0);
}
