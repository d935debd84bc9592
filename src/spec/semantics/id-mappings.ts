// The id mappings of the container's user namespace (user_namespaces(7)).

import { pointer } from '../../json-pointer.ts';
import { specLink } from '../findings.ts';
import type { Config, IdMapping } from '../generated/types.ts';
import type { Report, Rule } from './rule.ts';

const reads = ['/linux/namespaces', '/linux/uidMappings', '/linux/gidMappings'];
const spec = specLink('config-linux.md#user-namespace-mappings');
/** UID_GID_MAP_MAX_EXTENTS of <linux/user_namespace.h>. */
const MOST = 340;
const IDS = 2 ** 32;
/** A map is written at once, and must be shorter than a page (map_write in kernel/user_namespace.c). */
const MOST_BYTES = 4096;

type MappingList = 'uidMappings' | 'gidMappings';

export const idMappingRules: readonly Rule[] = [
  {
    name: 'mappings-need-user-namespace',
    reads,
    spec,
    linux: true,
    check: ({ linux = {} }, report) => {
      const user = linux.namespaces?.find(({ type }) => type === 'user');
      for (const list of ['uidMappings', 'gidMappings'] as const) {
        const given = (linux[list]?.length ?? 0) > 0;
        if (given && user === undefined)
          report({
            pointer: `/linux/${list}`,
            message: 'mappings need a user namespace',
            hint: 'add {"type": "user"} to linux.namespaces',
          });
        if (!given && user !== undefined && (user.path ?? '') === '')
          report({
            pointer: pointer('linux', list),
            message: 'a new user namespace needs mappings',
            hint: `add "${list}": [{"containerID": 0, "hostID": …, "size": …}]`,
          });
      }
    },
  },
  {
    name: 'mapped-ids',
    reads: [...reads, '/process/user'],
    spec,
    linux: true,
    check: checkMapped,
  },
  {
    name: 'mapping-ranges',
    reads,
    spec,
    linux: true,
    check: ({ linux = {} }, report) => {
      for (const list of ['uidMappings', 'gidMappings'] as const)
        checkRanges(`/linux/${list}`, linux[list] ?? [], report);
    },
  },
];

/** Whether the ids are mapped that init takes: root's, and those of the process. Of a namespace that is joined nothing is known here. */
function checkMapped(config: Config, report: Report): void {
  const { uidMappings = [], gidMappings = [], namespaces = [] } = config.linux ?? {};
  if (!namespaces.some(({ type, path = '' }) => type === 'user' && path === '')) return;
  const { uid = 0, gid = 0, additionalGids = [] } = config.process?.user ?? {};
  const check = (list: MappingList, mappings: readonly IdMapping[], id: number, at: string): void => {
    if (mappings.length === 0 || isMapped(mappings, id)) return;
    const kind = list === 'uidMappings' ? 'user' : 'group';
    report({
      pointer: at,
      message: `the user namespace does not map the ${kind} ${id}`,
      hint: `/linux/${list} has to hold it`,
    });
  };
  if (uidMappings.length > 0 && !isMapped(uidMappings, 0))
    report({ pointer: '/linux/uidMappings', message: 'user namespaces enabled, but no user mapping found for root' });
  else check('uidMappings', uidMappings, uid, '/process/user/uid');
  if (gidMappings.length > 0 && !isMapped(gidMappings, 0))
    report({ pointer: '/linux/gidMappings', message: 'user namespaces enabled, but no group mapping found for root' });
  else check('gidMappings', gidMappings, gid, '/process/user/gid');
  additionalGids.forEach((group, index) => {
    check('gidMappings', gidMappings, group, pointer('process', 'user', 'additionalGids', index));
  });
}

function isMapped(mappings: readonly IdMapping[], id: number): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}

/** Whether the kernel takes these ranges together. `list`: the pointer to them. */
export function checkRanges(list: string, mappings: readonly IdMapping[], report: Report): void {
  if (mappings.length > MOST) {
    report({
      pointer: list,
      message: `the kernel takes at most ${MOST} mappings; found ${mappings.length}`,
    });
    return;
  }
  const bytes = mappings.reduce(
    (sum, { containerID, hostID, size }) => sum + `${containerID} ${hostID} ${size}\n`.length,
    0,
  );
  if (bytes >= MOST_BYTES)
    report({
      pointer: list,
      message: `the kernel takes a map of less than ${MOST_BYTES} bytes; these ranges make ${bytes}`,
      hint: 'join ranges that follow one another',
    });
  mappings.forEach(({ containerID, hostID, size }, index) => {
    const at = `${list}/${index}`;
    if (size === 0) report({ pointer: `${at}/size`, message: 'the range is empty' });
    for (const [name, first] of [
      ['containerID', containerID],
      ['hostID', hostID],
    ] as const)
      if (first + size > IDS)
        report({ pointer: at, message: `the range from "${name}" ${first} goes beyond the last id` });
    const other = mappings.findIndex(
      (earlier, before) => before < index && overlap(earlier, { containerID, hostID, size }),
    );
    if (other !== -1) report({ pointer: at, message: `the range overlaps with that of ${list}/${other}` });
  });
}

function overlap(one: IdMapping, two: IdMapping): boolean {
  return (['containerID', 'hostID'] as const).some(
    (side) => one[side] < two[side] + two.size && two[side] < one[side] + one.size,
  );
}
