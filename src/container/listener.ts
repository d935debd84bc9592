// What the runtime does while init makes the container, when init asks for it (converse.ts).

import type { InitInputs } from '../init/inputs.ts';
import type { Plan } from '../init/plan.ts';
import type { SpawnedLauncher } from '../init/spawn.ts';
import { writeAll } from '../linux/memfd.ts';
import { innermostPid, processStat } from '../linux/procfs.ts';
import { waitForChild } from '../linux/spawn.ts';
import type { Listener } from './converse.ts';
import { readTail, runHooks } from './hooks.ts';
import { keep, type Making } from './making.ts';
import { hookState } from './state.ts';
import { type ContainerRecord, writeRecord } from './store.ts';

export interface Compiled {
  readonly plan: Plan;
  /** Our end of the socket to init. */
  readonly channel: number;
  readonly inputs: InitInputs;
  /** Of the mounts whose ids init has no right to map. */
  readonly mapIds: ((pid: number, tree: number) => void) | undefined;
}

export interface Spawned extends Compiled {
  readonly launcher: SpawnedLauncher;
  readonly steps: ContainerRecord['startSteps'];
}

export function listenerOf(making: Making, spawned: Spawned): Listener {
  const { options, loaded, progress, parts, controls } = making;
  const { users, scope, network, filtering } = parts;
  const { config } = loaded;
  const { channel, inputs, launcher, mapIds } = spawned;
  const { hooks } = inputs;
  return {
    started: (pid) => {
      progress.init = pid;
      // The launcher has ended, or is about to.
      const status = waitForChild(launcher.pid);
      delete progress.launcher;
      scope?.limit(making.record.cgroups, controls.later);
      if (users?.user !== undefined)
        users.support.releaseInit(users.user, inputs.userNamespace, { pid, channel, launcher: status });
    },
    hooks: (pid) => {
      writeInit(making, spawned, pid, false);
      progress.hooksRun = true;
      const state = hookState(making.record, 'created', pid);
      if (hooks !== undefined) {
        // Hooks in the container's namespaces read init's pid as it is there (runtime.md, "State").
        const inner = Buffer.from(hookState(making.record, 'created', innermostPid(pid)));
        writeAll(hooks.state.fd, inner, 'write the state for the hooks');
      }
      const { prestart = [], createRuntime = [] } = config.hooks ?? {};
      const { bundle } = options;
      runHooks({ kind: 'prestart', hooks: prestart, state, bundle });
      runHooks({ kind: 'createRuntime', hooks: createRuntime, state, bundle });
    },
    network: (pid) => {
      progress.devices = network?.moveNetworkDevices(config, pid, options.log);
    },
    copied: (pid, tree) => mapIds?.(pid, tree),
    filtered: (pid, listener) => filtering?.send({ pid, listener, state: hookState(making.record, 'creating', pid) }),
    hookOutput: () => (hooks === undefined ? '' : readTail(hooks.output.fd)),
  };
}

/** Writes down that init is there. `ready`: all is done. */
export function writeInit(making: Making, { inputs, launcher, steps }: Spawned, pid: number, ready: boolean): void {
  const { options, loaded } = making;
  const prints = (loaded.config.hooks?.startContainer ?? []).length > 0 && inputs.hooks !== undefined;
  const startTime = processStat(pid)?.startTime ?? 0;
  keep(making, {
    init: { pid, startTime, image: launcher.image },
    ready,
    startSteps: steps,
    ...(prints ? { hookOutput: inputs.hooks?.output.fd } : {}),
  });
  writeRecord(options.root, ready ? settled(making) : making.record);
}

/** The record as it is when nothing of the create can fail any more. */
export function settled({ record, parts: { resourceClass } }: Making): ContainerRecord {
  if (resourceClass === undefined || record.resourceClass === undefined) return record;
  return { ...record, resourceClass: resourceClass.settled(record.resourceClass) };
}
