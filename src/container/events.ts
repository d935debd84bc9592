// events: statistics and OOM kills of a container, as they come. Not in the specification; as runc has it.

import { type OomWatch, watchOom } from '../cgroup/oom.ts';
import { readStatistics } from '../cgroup/statistics/read.ts';
import type { Statistics } from '../cgroup/statistics/types.ts';
import { fail, RuntError } from '../error.ts';
import { pidfdOpen } from '../linux/pidfd.ts';
import { POLLIN, poll } from '../linux/poll.ts';
import { syscall } from '../linux/syscall.ts';
import type { Log } from '../log.ts';
import { classStatistics } from '../resctrl/statistics.ts';
import { type Named, requireRecord, statusOf } from './state.ts';
import type { ContainerRecord } from './store.ts';

/** runc's types/events.go. */
export type ContainerEvent =
  | { readonly type: 'stats'; readonly id: string; readonly data: Statistics }
  | { readonly type: 'oom'; readonly id: string };

export interface EventsOptions extends Named {
  /** Milliseconds between two statistics, more than 0. */
  readonly interval: number;
  readonly log: Log;
}

/** The container's statistics now. Throws `status` unless it has processes; `cgroup`. */
export function containerStatistics(named: Named): Statistics {
  return statisticsOf(requireLiving(named));
}

/**
 * The container's events until its first process has ended: statistics after each interval, OOM kills as they happen. Blocks between
 * two events. Statistics that can't be read are a warning. Throws `status` unless the container has processes; `cgroup`, `system`.
 */
export function* containerEvents({ root, id, interval, log }: EventsOptions): Generator<ContainerEvent, void> {
  const record = requireLiving({ root, id });
  const { init, cgroups } = record;
  const pidfd = init === undefined ? -1 : pidfdOpen(init.pid, init.startTime);
  if (pidfd < 0) return;
  let oom: OomWatch | undefined;
  try {
    oom = watchOom(cgroups);
    if (oom === undefined) log.warning(`container "${id}" is in no cgroup with the memory controller: no OOM events`);
    const watched = [pidfd, ...(oom === undefined ? [] : [oom.fd])].map((fd) => ({ fd, events: POLLIN }));
    for (let next = performance.now() + interval; ; ) {
      const [ended, happened] = poll(watched, Math.max(0, next - performance.now()));
      // The kill may have been the end: it is looked for once more.
      if ((happened || ended) && oom?.take()) yield { type: 'oom', id };
      if (ended) return;
      if (performance.now() < next) continue;
      // As Go's ticker: what could not be told in time is left out.
      next = Math.max(next + interval, performance.now());
      const data = tryStatistics(record, log);
      if (data !== undefined) yield { type: 'stats', id, data };
    }
  } finally {
    oom?.close();
    syscall('close', pidfd);
  }
}

function statisticsOf({ cgroups, resourceClass }: ContainerRecord): Statistics {
  const statistics = readStatistics(cgroups);
  return resourceClass === undefined ? statistics : { ...statistics, intel_rdt: classStatistics(resourceClass) };
}

function tryStatistics(record: ContainerRecord, log: Log): Statistics | undefined {
  try {
    return statisticsOf(record);
  } catch (error) {
    if (!(error instanceof RuntError)) throw error;
    log.warning(`statistics of container "${record.id}": ${error.message}`);
    return undefined;
  }
}

function requireLiving(named: Named): ContainerRecord {
  const record = requireRecord(named);
  const status = statusOf(record);
  if (status === 'stopped' || status === 'creating')
    fail({ code: 'status', message: `container with id "${named.id}" is not running: it is ${status}` });
  return record;
}
