// The control groups of a container that is created: planned, made, and with limits and rules for devices in force before anybody is in them; or
// the same by systemd, which makes them when the launcher is there.

import { type CgroupHandles, closeHandles, createCgroups } from '../cgroup/create.ts';
import { devicePolicy } from '../cgroup/device-rules.ts';
import { applyDevices } from '../cgroup/devices.ts';
import { planCgroups } from '../cgroup/paths.ts';
import { recordCgroups } from '../cgroup/record.ts';
import { prepareCgroups } from './cgroups.ts';
import { type Construction, type Controls, keep, type Making } from './making.ts';

/** Throws `config`, `cgroup`; changes nothing. */
export function planControls({ options, loaded, parts }: Construction): Controls {
  const { cgroupHost, tools, scope } = parts;
  const { linux } = loaded.config;
  const cgroups =
    scope?.cgroups ?? recordCgroups(planCgroups(cgroupHost, { cgroupsPath: linux?.cgroupsPath, id: options.id }));
  const policy = devicePolicy(linux?.resources?.devices ?? []);
  const asked = tools?.planLimits(linux?.resources ?? {}, cgroupHost, loaded.exactInteger);
  const planned = asked === undefined ? undefined : (scope?.adapt(asked) ?? asked);
  for (const { message, pointer } of planned?.warnings ?? []) options.log.warning(`${message} [${pointer}]`);
  const spared = scope === undefined || planned === undefined ? undefined : tools?.spareLauncher(planned);
  return { cgroups, policy, limits: spared?.now ?? planned, later: spared?.later ?? [] };
}

/** Throws `cgroup`; then it has undone itself. */
export function makeCgroups({ loaded, parts }: Construction, { cgroups }: Controls): CgroupHandles {
  const { scope, users } = parts;
  if (scope !== undefined) return { tasks: [], unified: null, record: cgroups };
  const pointer = loaded.config.linux?.cgroupsPath === undefined ? undefined : '/linux/cgroupsPath';
  if (users?.cgroups === undefined) return createCgroups(cgroups, pointer);
  return users.cgroups.createAllowedCgroups(cgroups, pointer, users.log);
}

/** Puts limits and rules into force. Throws `cgroup`. */
export function enforce({ loaded, parts, controls }: Making, handles: CgroupHandles): void {
  const { cgroupHost: host, tools, users } = parts;
  prepareCgroups({ host, record: handles.record, config: loaded.config, tools, limits: controls.limits });
  // Who is not root on the host may not set rules for devices, and makes none.
  if (users?.cgroups === undefined) applyDevices(handles, controls.policy);
}

/** The launcher waits. What fails here is undone by way of the first record. */
export function startScope(making: Making, launcher: number): void {
  const { parts, controls } = making;
  const entered = parts.scope?.start(launcher, controls.policy, controls.limits?.writes ?? []);
  if (entered === undefined) return;
  keep(making, { cgroups: entered.record });
  try {
    enforce(making, entered);
  } finally {
    closeHandles(entered);
  }
}
