// The cgroups of a container by way of systemd: who asks which manager. Loaded only for --systemd-cgroup and for containers that were made
// with it.

import type { CgroupHost } from '../cgroup/host.ts';
import { managerAddress } from '../cgroup/systemd/manager.ts';
import { type PlannedScope, planScope, type ScopeRecord, stopScope } from '../cgroup/systemd/scope.ts';
import { RuntError } from '../error.ts';
import type { Log } from '../log.ts';
import type { LoadedConfig } from '../spec/load.ts';
import { isHostRoot } from './privileges.ts';

/** Throws `config`, `host`, `unsupported`. Changes nothing. */
export function openScope(
  host: CgroupHost,
  { root, id }: { readonly root: string; readonly id: string },
  { config }: LoadedConfig,
): PlannedScope {
  const { DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR } = process.env;
  return planScope(host, {
    cgroupsPath: config.linux?.cgroupsPath,
    id,
    root,
    annotations: config.annotations ?? {},
    // As runc: whoever is not root, or is root of a user namespace only, has a manager of their own.
    address: managerAddress(isHostRoot() ? 'system' : 'user', {
      uid: process.geteuid?.() ?? 0,
      environment: { DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR },
    }),
  });
}

/** The cgroups can be removed without systemd, too: where it does not answer any more, that is a warning. */
export function endScope(record: ScopeRecord, log: Log): void {
  try {
    stopScope(record);
  } catch (error) {
    if (!(error instanceof RuntError)) throw error;
    log.warning(error.message);
  }
}
