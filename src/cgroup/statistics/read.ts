// Reads a container's statistics: each subject from the v1 hierarchy that has its controller, else from v2.

import { readdirSync, readFileSync } from 'node:fs';
import { ERRNO, errnoOf } from '../../linux/errno.ts';
import { failed } from '../failure.ts';
import type { CgroupRecord } from '../record.ts';
import { hugePageSize } from './parse.ts';
import type { ReadControlFile, Statistics } from './types.ts';
import { blkioV1, cpusetV1, cpuUsageV1, hugetlbV1, memoryV1, throttlingV1 } from './v1.ts';
import { blkioV2, cpuV2, hugetlbV2, memoryV2, pids } from './v2.ts';

/** Where there is no such controller, or no such cgroup any more, a subject is all zeros. Throws `cgroup`. */
export function readStatistics(record: CgroupRecord): Statistics {
  const sizes = hugePageSizes();
  const v1 = (controller: string): ReadControlFile | undefined => {
    const entry = record.cgroups.find(({ controllers }) => controllers.split(',').includes(controller));
    return entry === undefined ? undefined : reader(entry.path);
  };
  const entry = record.cgroups.find(({ version }) => version === 2);
  const v2: ReadControlFile = entry === undefined ? nothing : reader(entry.path);
  const [cpu, cpuacct, memory, blkio, hugetlb] = ['cpu', 'cpuacct', 'memory', 'blkio', 'hugetlb'].map(v1);
  return {
    cpu:
      cpu === undefined && cpuacct === undefined
        ? cpuV2(v2)
        : { usage: cpuUsageV1(cpuacct ?? nothing), throttling: throttlingV1(cpu ?? nothing) },
    cpuset: cpusetV1(v1('cpuset') ?? nothing),
    memory: memory === undefined ? memoryV2(v2) : memoryV1(memory),
    pids: pids(v1('pids') ?? v2),
    blkio: blkio === undefined ? blkioV2(v2) : blkioV1(blkio),
    hugetlb: hugetlb === undefined ? hugetlbV2(v2, sizes) : hugetlbV1(hugetlb, sizes),
    intel_rdt: {},
    network_interfaces: null,
  };
}

const nothing: ReadControlFile = () => undefined;

function reader(directory: string): ReadControlFile {
  return (file) => {
    try {
      return readFileSync(`${directory}/${file}`, 'latin1');
    } catch (error) {
      const errno = errnoOf(error);
      // ENODEV: the cgroup is just being removed; EOPNOTSUPP: pressure is not accounted (psi=0), processes of a threaded cgroup.
      if (errno === ERRNO.ENOENT || errno === ERRNO.ENODEV || errno === ERRNO.EOPNOTSUPP) return undefined;
      return failed(`read ${directory}/${file}`, error);
    }
  };
}

function hugePageSizes(): readonly string[] {
  const directory = '/sys/kernel/mm/hugepages';
  try {
    return readdirSync(directory)
      .map(hugePageSize)
      .filter((size) => size !== undefined)
      .sort();
  } catch (error) {
    // A kernel without huge pages.
    if (errnoOf(error) === ERRNO.ENOENT) return [];
    return failed(`list ${directory}`, error);
  }
}
