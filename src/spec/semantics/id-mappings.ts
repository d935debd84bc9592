// The id mappings of the container's user namespace (user_namespaces(7)).

import { pointer } from '../../json-pointer.ts';
import { specLink } from '../findings.ts';
import type { IdMapping } from '../generated/types.ts';
import type { Report, Rule } from './rule.ts';

const reads = ['/linux/namespaces', '/linux/uidMappings', '/linux/gidMappings'];
const spec = specLink('config-linux.md#user-namespace-mappings');
/** UID_GID_MAP_MAX_EXTENTS of <linux/user_namespace.h>. */
const MOST = 340;
const IDS = 2 ** 32;

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
    name: 'mapping-ranges',
    reads,
    spec,
    linux: true,
    check: ({ linux = {} }, report) => {
      for (const list of ['uidMappings', 'gidMappings'] as const) checkRanges(list, linux[list] ?? [], report);
    },
  },
];

function checkRanges(list: MappingList, mappings: readonly IdMapping[], report: Report): void {
  if (mappings.length > MOST) {
    report({
      pointer: pointer('linux', list),
      message: `the kernel takes at most ${MOST} mappings; found ${mappings.length}`,
    });
    return;
  }
  mappings.forEach(({ containerID, hostID, size }, index) => {
    const at = pointer('linux', list, index);
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
    if (other !== -1) report({ pointer: at, message: `the range overlaps with that of /linux/${list}/${other}` });
  });
}

function overlap(one: IdMapping, two: IdMapping): boolean {
  return (['containerID', 'hostID'] as const).some(
    (side) => one[side] < two[side] + two.size && two[side] < one[side] + one.size,
  );
}
