// Hearing of processes that the kernel kills for want of memory. v1: an eventfd that is registered for memory.oom_control (cgroup-v1/memory.rst, 9 and
// 10). v2: inotify(7) on memory.events, whose counter `oom_kill` rises (cgroup-v2.rst).

import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { ERRNO, errnoOf } from '../linux/errno.ts';
import { eventFd, inotify, watchModifications } from '../linux/event-fds.ts';
import { syscall } from '../linux/syscall.ts';
import { writeControl } from './control-file.ts';
import { attempt, failed } from './failure.ts';
import { type CgroupEntry, type CgroupRecord, isStillThere } from './record.ts';
import { parseKeyed } from './statistics/parse.ts';

export interface OomWatch {
  /** Readable when something may have happened (poll). */
  readonly fd: number;
  /** Whether something was killed since the last look. */
  take(): boolean;
  close(): void;
}

/** undefined: the container is in no cgroup that has the memory controller. Throws `cgroup`, `system`. */
export function watchOom(record: CgroupRecord): OomWatch | undefined {
  const v1 = record.cgroups.find(({ controllers }) => controllers.split(',').includes('memory'));
  if (v1 !== undefined && isStillThere(v1)) return watchV1(v1);
  const v2 = record.cgroups.find(({ version }) => version === 2);
  return v2 === undefined || !isStillThere(v2) ? undefined : watchV2(v2);
}

function watchV1({ path }: CgroupEntry): OomWatch {
  const control = `${path}/cgroup.event_control`;
  const fd = eventFd();
  const file = `${path}/memory.oom_control`;
  const oomControl = attempt(`open ${file}`, () => openSync(file, 'r'));
  const close = (): void => {
    syscall('close', fd);
    closeSync(oomControl);
  };
  try {
    writeControl(control, `${fd} ${oomControl}`);
  } catch (error) {
    close();
    throw error;
  }
  return {
    fd,
    // The removal of the cgroup is an event too.
    take: () => syscall('read', fd, Buffer.alloc(8), 8) === 8 && existsSync(control),
    close,
  };
}

function watchV2({ path }: CgroupEntry): OomWatch | undefined {
  const file = `${path}/memory.events`;
  let seen = oomKills(file);
  if (seen === undefined) return undefined;
  const fd = inotify();
  watchModifications(fd, file);
  const events = Buffer.alloc(4096);
  return {
    fd,
    take: () => {
      while (syscall('read', fd, events, events.length) > 0);
      const kills = oomKills(file) ?? seen ?? 0n;
      const risen = kills > (seen ?? 0n);
      seen = kills;
      return risen;
    },
    close: () => void syscall('close', fd),
  };
}

/** undefined: there is no such file (any more). */
function oomKills(file: string): bigint | undefined {
  try {
    return parseKeyed(readFileSync(file, 'latin1'))['oom_kill'] ?? 0n;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === ERRNO.ENOENT || errno === ERRNO.ENODEV) return undefined;
    return failed(`read ${file}`, error);
  }
}
