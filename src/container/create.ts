// create (runtime.md, "Create"): everything but the user's program.

import { unraisableCapabilities } from '../init/steps/identity.ts';
import type { Log } from '../log.ts';
import { type LoadedConfig, loadConfig } from '../spec/load.ts';
import { checkPreserved } from './caller.ts';
import { type Constructed, construct } from './construct.ts';
import { createDescriptors } from './descriptors.ts';
import { loadParts } from './parts.ts';
import { type ContainerRecord, checkId, reserve } from './store.ts';
import { type Progress, undo } from './undo.ts';

export interface CreateOptions {
  /** The state root. */
  readonly root: string;
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
  /** Absolute. */
  readonly pidFile?: string;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  readonly preserveFds: number;
  readonly systemdCgroup: boolean;
  /** Go on where control groups may not be used; `auto`: if the caller is not root on the host. */
  readonly rootless: 'true' | 'false' | 'auto';
  /** Absolute. */
  readonly consoleSocket?: string;
  /** Absolute. */
  readonly pidfdSocket?: string;
  /** Of `run`: whether it returns while the program runs. */
  readonly run?: 'detached' | 'foreground';
  readonly log: Log;
  /** The caller starts and deletes the container itself: no other command is expected to. */
  readonly foreground?: boolean;
}

/** The descriptors are the caller's to close. */
export interface Created {
  readonly record: ContainerRecord;
  /** Absent: it was made by another process. */
  readonly constructed?: Constructed;
  /** The master of the container's terminal, for a command that stays. */
  readonly terminal?: number;
  /** Where the container's NOTIFY_SOCKET is read, for `run`. */
  readonly notify?: number;
}

/**
 * Throws RuntErrors of every kind; then nothing is left of the container: no process, mount, cgroup or directory. But for a creator that is
 * killed: `delete --force` removes what that leaves.
 */
export async function createContainer(options: CreateOptions): Promise<Created> {
  return await createLoaded(options, await loadForCreate(options));
}

/** The config, if it can be a container's. Throws `id`, `config`; changes nothing. */
export async function loadForCreate({ id, bundle }: CreateOptions): Promise<LoadedConfig> {
  checkId(id);
  return await loadConfig(bundle);
}

/** As createContainer. */
export async function createLoaded(options: CreateOptions, loaded: LoadedConfig): Promise<Created> {
  const { root, id, log } = options;
  for (const { message, pointer } of loaded.warnings) log.warning(`${loaded.file}: ${pointer}: ${message}`);
  for (const name of unraisableCapabilities(loaded.config.process?.capabilities)) {
    log.warning(`can't raise ambient capability ${name}: it is not in the permitted and inheritable sets`);
  }
  const parts = await loadParts(options, loaded);
  const { extras, scope } = parts;
  checkPreserved(extras?.options.preserveFds ?? options.preserveFds);
  const descriptors = createDescriptors();
  const progress: Progress = { hooksRun: false };
  try {
    reserve(root, id);
    progress.reserved = true;
    const opened = extras?.open(descriptors);
    const constructed = construct({
      options: extras?.options ?? options,
      loaded: extras?.loaded ?? loaded,
      descriptors,
      progress,
      opened,
      parts,
    });
    return { record: constructed.record, constructed, ...opened?.handOver() };
  } catch (error) {
    if (progress.reserved === true) await undo(options, progress);
    throw error;
  } finally {
    progress.devices?.close();
    descriptors.closeAll();
    scope?.close();
  }
}
