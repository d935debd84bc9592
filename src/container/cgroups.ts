// What is done to a container's control groups between making them and entering them: controllers, limits, ownership.

import { checkDomain, handDownControllers } from '../cgroup/controllers.ts';
import { delegateCgroup } from '../cgroup/delegate.ts';
import type { CgroupHost } from '../cgroup/host.ts';
import type { Limits } from '../cgroup/limits.ts';
import type { CgroupRecord } from '../cgroup/record.ts';
import { MOUNT_ATTR_RDONLY } from '../linux/mount-constants.ts';
import { parseMountOptions } from '../linux/mount-options.ts';
import type { Config } from '../spec/generated/types.ts';

/** cgroup/limits.ts, where the config asks for limits. */
export type LimitTools = typeof import('../cgroup/limits.ts') | undefined;

interface Request {
  readonly host: CgroupHost;
  readonly record: CgroupRecord;
  readonly config: Config;
  readonly tools: LimitTools;
  readonly limits: Limits | undefined;
}

/** Throws `cgroup`. */
export function prepareCgroups({ host, record, config, tools, limits }: Request): void {
  const refusals = handDownControllers(host, record);
  if (host.mode === 'v2') checkDomain(record, limits === undefined ? undefined : tools?.domainLimit(limits)?.pointer);
  if (limits !== undefined) tools?.applyLimits(limits, record, refusals);
  if (host.mode !== 'v2') return;
  const owner = cgroupOwner(config);
  const unified = record.cgroups.find(({ version }) => version === 2);
  if (owner !== undefined && unified !== undefined) delegateCgroup(unified.path, owner);
}

/**
 * The user of the host who is to own the v2 cgroup: the one who executes the program, if the container has a cgroup namespace of its own and
 * a writable mount of it (config-linux.md, "Cgroup ownership"). undefined: it stays root's.
 */
export function cgroupOwner(config: Config): number | undefined {
  const { process, linux, mounts } = config;
  const isNew = (kind: string): boolean =>
    (linux?.namespaces ?? []).some(({ type, path }) => type === kind && (path ?? '') === '');
  if (process === undefined || !isNew('cgroup')) return undefined;
  const isWritable = (mounts ?? []).some(
    ({ type, destination, options }) =>
      (type === 'cgroup' || type === 'cgroup2') &&
      destination.replace(/\/+$/, '') === '/sys/fs/cgroup' &&
      (parseMountOptions(options ?? []).attributes.set & MOUNT_ATTR_RDONLY) === 0,
  );
  if (!isWritable) return undefined;
  const uid = process.user?.uid ?? 0;
  const mappings = isNew('user') ? (linux?.uidMappings ?? []) : [];
  if (mappings.length === 0) return uid === 0 ? undefined : uid;
  const range = mappings.find(({ containerID, size }) => uid >= containerID && uid < containerID + size);
  return range === undefined ? undefined : range.hostID + uid - range.containerID;
}
