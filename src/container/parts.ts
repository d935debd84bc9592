// What only some containers need: limits, a systemd scope, a user namespace, a terminal, a seccomp filter, labels. The code of each is loaded only where the
// config, the options or the caller ask for it.

import { hasLimits } from '../cgroup/has-limits.ts';
import { type CgroupHost, detectCgroups } from '../cgroup/host.ts';
import type { PlannedScope } from '../cgroup/systemd/scope.ts';
import type { LabelSteps } from '../init/labels.ts';
import type { Plan } from '../init/plan.ts';
import type { Log } from '../log.ts';
import type { Config, Process, Seccomp } from '../spec/generated/types.ts';
import type { LoadedConfig } from '../spec/load.ts';
import type { LimitTools } from './cgroups.ts';
import type { CreateOptions } from './create.ts';
import type { Extras } from './extras.ts';
import { isHostRoot } from './privileges.ts';
import type { ResourceClass } from './resource-class.ts';
import type { UserNamespace } from './user-namespace.ts';

export interface Parts {
  readonly cgroupHost: CgroupHost;
  readonly tools: LimitTools;
  /** Absent: the cgroups are made by file system. */
  readonly scope: PlannedScope | undefined;
  readonly users: Users | undefined;
  readonly extras: Extras | undefined;
  readonly filtering: Filtering | undefined;
  /** Of AppArmor and SELinux. */
  readonly labels: LabelSteps | undefined;
  /** Of process.scheduler and process.ioPriority. */
  readonly scheduling: typeof import('./scheduling.ts') | undefined;
  /** Of linux.intelRdt. */
  readonly resourceClass: ResourceClass | undefined;
  /** Of tmpcopyup. */
  readonly copyUp: typeof import('./copy-up.ts') | undefined;
  /** Of linux.netDevices. */
  readonly network: typeof import('./network-devices.ts') | undefined;
  /** Of id-mapped mounts. */
  readonly mappedMounts: typeof import('./mapped-mounts.ts') | undefined;
}

/** Throws `config`, `usage`, `host`, `unsupported`; changes nothing. A scope is to be closed. */
export async function loadParts(options: CreateOptions, loaded: LoadedConfig): Promise<Parts> {
  const { config } = loaded;
  const extras = asksForExtras(options, config) ? (await import('./extras.ts')).extrasOf(options, loaded) : undefined;
  const users = await usersOf(options, config);
  const cgroupHost = detectCgroups();
  const tools = hasLimits(config.linux?.resources) ? await import('../cgroup/limits.ts') : undefined;
  const profile = config.linux?.seccomp;
  const filtering =
    profile === undefined ? undefined : await loadFiltering(options.root, profile, loaded.exactInteger, options.log);
  const copyUp = asksForCopyUp(config) ? await import('./copy-up.ts') : undefined;
  const labels = asksForLabels(config) ? (await import('./labels.ts')).labelsFor(config, options.log) : undefined;
  const scheduling = asksForScheduling(config.process) ? await import('./scheduling.ts') : undefined;
  const rdt = config.linux?.intelRdt;
  const resourceClass =
    rdt === undefined ? undefined : (await import('./resource-class.ts')).planResourceClass(rdt, options.id);
  const mappedMounts = asksForIdMaps(config) ? await import('./mapped-mounts.ts') : undefined;
  const network = isEmpty(config.linux?.netDevices) ? undefined : await import('./network-devices.ts');
  network?.checkNetworkDevices(config);
  // Last, since it is open then.
  const scope = options.systemdCgroup ? (await import('./scope.ts')).openScope(cgroupHost, options, loaded) : undefined;
  return {
    cgroupHost,
    tools,
    scope,
    users,
    extras,
    filtering,
    labels,
    copyUp,
    scheduling,
    resourceClass,
    mappedMounts,
    network,
  };
}

export function asksForLabels({ process, linux }: Config): boolean {
  return hasText(process?.apparmorProfile) || hasText(process?.selinuxLabel) || hasText(linux?.mountLabel);
}

function hasText(label: string | undefined): boolean {
  return label !== undefined && label !== '';
}

export function asksForScheduling(process: Process | undefined): boolean {
  return process?.scheduler !== undefined || process?.ioPriority !== undefined;
}

export function asksForCopyUp({ mounts = [] }: Config): boolean {
  for (const { options } of mounts) if (options?.includes('tmpcopyup') === true) return true;
  return false;
}

function isEmpty(value: object | undefined): boolean {
  return value === undefined || Object.keys(value).length === 0;
}

function asksForIdMaps({ mounts = [] }: Config): boolean {
  for (const { options, uidMappings } of mounts) {
    if (uidMappings !== undefined || options?.includes('idmap') === true || options?.includes('ridmap') === true)
      return true;
  }
  return false;
}

/** What `create`, or the engine behind it, may want besides the container: a terminal, sockets. */
export function asksForExtras({ consoleSocket, pidfdSocket }: CreateOptions, config: Config): boolean {
  const { env } = process;
  return (
    config.process?.terminal === true ||
    consoleSocket !== undefined ||
    pidfdSocket !== undefined ||
    env['NOTIFY_SOCKET'] !== undefined ||
    env['LISTEN_FDS'] !== undefined
  );
}

/** What a user namespace, or a caller who is not root on the host, takes. */
export interface Users {
  readonly log: Log;
  readonly support: typeof import('./user-namespace.ts');
  readonly user: UserNamespace | undefined;
  /** Set where the container may go without control groups. */
  readonly cgroups: typeof import('./rootless-cgroups.ts') | undefined;
}

async function usersOf({ rootless, log }: CreateOptions, config: Config): Promise<Users | undefined> {
  const isRoot = isHostRoot();
  const goesWithout = rootless === 'true' || (rootless === 'auto' && !isRoot);
  const needed = !isRoot || config.linux?.namespaces?.some(({ type }) => type === 'user') === true;
  if (!needed && !goesWithout) return undefined;
  const support = await import('./user-namespace.ts');
  return {
    log,
    support,
    user: needed ? support.userNamespaceOf(config, support.thisCaller()) : undefined,
    cgroups: goesWithout ? await import('./rootless-cgroups.ts') : undefined,
  };
}

export type Filtering = Awaited<ReturnType<typeof loadFiltering>>;

/** `exactInteger`: of the config that the profile is in. */
export async function loadFiltering(
  root: string,
  profile: Seccomp,
  exactInteger: LoadedConfig['exactInteger'],
  log: Log,
) {
  const { loadFilter, refuseSelfDefeating } = await import('./seccomp.ts');
  const { filter, keep } = await loadFilter(root, profile, exactInteger, log);
  const agent = filter.notifies ? await import('./seccomp-agent.ts') : undefined;
  return {
    filter,
    check: (plan: Plan): void => {
      refuseSelfDefeating(plan, profile, filter, log);
      keep();
    },
    send: (to: { readonly pid: number; readonly listener: number; readonly state: string }): void =>
      agent?.sendListener({ profile, ...to }),
  };
}
