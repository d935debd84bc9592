// create (runtime.md, "Create"): everything but the user's program.

import { type CgroupHandles, closeHandles, createCgroups } from '../cgroup/create.ts';
import { devicePolicy } from '../cgroup/device-rules.ts';
import { applyDevices } from '../cgroup/devices.ts';
import { planCgroups } from '../cgroup/paths.ts';
import { type CgroupRecord, recordCgroups } from '../cgroup/record.ts';
import { fail } from '../error.ts';
import { compileInit } from '../init/compile.ts';
import type { InitInputs } from '../init/inputs.ts';
import { GO } from '../init/messages.ts';
import { unraisableCapabilities } from '../init/steps/identity.ts';
import { makeFifo } from '../linux/fifo.ts';
import { memoryFile, writeAll } from '../linux/memfd.ts';
import { innermostPid, processStat } from '../linux/procfs.ts';
import { packetPair, sendPacket } from '../linux/sockets.ts';
import { waitForChild } from '../linux/spawn.ts';
import type { Log } from '../log.ts';
import { type LoadedConfig, loadConfig } from '../spec/load.ts';
import { checkPreserved } from './caller.ts';
import { prepareCgroups } from './cgroups.ts';
import { converse } from './converse.ts';
import { createDescriptors, type Descriptors } from './descriptors.ts';
import type { OpenExtras } from './extras.ts';
import { firstRecord } from './first-record.ts';
import { writeFrontRecord } from './front-record.ts';
import { readTail, runHooks } from './hooks.ts';
import { launch } from './launch.ts';
import { loadParts, type Parts, type Users } from './parts.ts';
import { writePidFile } from './pid-file.ts';
import { prepare } from './prepare.ts';
import { saveConfig } from './saved-config.ts';
import { startSteps } from './start-steps.ts';
import { hookState } from './state.ts';
import { type ContainerRecord, checkId, directoryOf, reserve, startFifos, writeRecord } from './store.ts';
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
    const record = construct({
      options: extras?.options ?? options,
      loaded: extras?.loaded ?? loaded,
      descriptors,
      progress,
      opened,
      parts,
    });
    return { record, ...opened?.handOver() };
  } catch (error) {
    if (progress.reserved === true) await undo(options, progress);
    throw error;
  } finally {
    progress.devices?.close();
    descriptors.closeAll();
    scope?.close();
  }
}

interface Construction {
  readonly options: CreateOptions;
  readonly loaded: LoadedConfig;
  readonly descriptors: Descriptors;
  readonly progress: Progress;
  readonly opened: OpenExtras | undefined;
  readonly parts: Parts;
}

function construct({ options, loaded, descriptors, progress, opened, parts }: Construction): ContainerRecord {
  const { cgroupHost, tools, scope, users, filtering } = parts;
  const { root, id, bundle, log } = options;
  const { config } = loaded;
  const given = config.linux?.cgroupsPath;
  const cgroups = scope?.cgroups ?? recordCgroups(planCgroups(cgroupHost, { cgroupsPath: given, id }));
  const policy = devicePolicy(config.linux?.resources?.devices ?? []);
  const planned = tools?.planLimits(config.linux?.resources ?? {}, cgroupHost, loaded.exactInteger);
  for (const { message, pointer } of planned?.warnings ?? []) log.warning(`${message} [${pointer}]`);
  const spared = scope === undefined || planned === undefined ? undefined : tools?.spareLauncher(planned);
  const limits = spared?.now ?? planned;
  let record = firstRecord(options, config, cgroups);
  if (scope !== undefined) record = { ...record, scope: scope.record };
  if (parts.extras?.notifies === true) record = { ...record, notifies: true };
  if (parts.resourceClass !== undefined) record = { ...record, resourceClass: parts.resourceClass.record };
  saveConfig(root, id, loaded.text);
  // Before anything is made: whoever finds this record can remove it all.
  writeRecord(root, record);

  // What fails there has undone itself, and must not be undone again: the cgroup may be somebody else's.
  const handles =
    scope === undefined
      ? makeCgroups(cgroups, given === undefined ? undefined : '/linux/cgroupsPath', users)
      : { tasks: [], unified: null, record: cgroups };
  record = { ...record, cgroups: handles.record };
  if (handles.record.cgroups.length === 0 && !record.ownPidNamespace) {
    log.warning(
      'without control groups and a pid namespace of its own, processes that the container leaves are not found',
    );
  }
  progress.record = record;
  let prepared: ReturnType<typeof prepare>;
  let resourceClass: InitInputs['resourceClass'];
  try {
    resourceClass = parts.resourceClass?.make(descriptors, (made) => {
      record = { ...record, resourceClass: made };
      progress.record = record;
    });
    if (scope === undefined) {
      prepareCgroups({ host: cgroupHost, record: handles.record, config, tools, limits });
      // Who is not root on the host may not set rules for devices, and makes none.
      if (users?.cgroups === undefined) applyDevices(handles, policy);
    }
    const moved = scope === undefined ? {} : ({ movedByRuntime: true } as const);
    const late = users?.user === undefined ? undefined : users.support.createLateTrees(descriptors, users.user);
    prepared = prepare({
      ...options,
      config,
      descriptors,
      cgroupHost,
      cgroups: handles,
      directory: directoryOf(root, id),
      ...moved,
      ...(late === undefined ? {} : { late }),
      ...(parts.copyUp === undefined ? {} : { copyUp: parts.copyUp }),
      ...(parts.labels === undefined ? {} : { labels: parts.labels }),
      ...(parts.mappedMounts === undefined ? {} : { mappedMounts: parts.mappedMounts }),
    });
  } catch (error) {
    closeHandles(handles);
    throw error;
  }
  const mapIds = parts.mappedMounts?.idsByRuntime(prepared.mounts, descriptors);
  const [ours, theirs] = packetPair();
  descriptors.own(ours);
  const hooks = prepareHooks(loaded, descriptors);
  const fifos = startFifos(root, id);
  const inputs: InitInputs = {
    ...prepared,
    config,
    id,
    channel: descriptors.inherit(theirs, 'runtime'),
    start: {
      order: descriptors.inherit(makeFifo(fifos.order), 'start'),
      answer: descriptors.inherit(makeFifo(fifos.answer), 'started'),
    },
    preserveFds: options.preserveFds,
    newKeyring: !options.noNewKeyring,
    ...(hooks === undefined ? {} : { hooks }),
    ...(opened?.terminal === undefined ? {} : { terminal: opened.terminal }),
    ...(filtering === undefined ? {} : { seccomp: filtering.filter }),
    ...(parts.labels === undefined ? {} : { labels: parts.labels }),
    ...(resourceClass === undefined ? {} : { resourceClass }),
    exactInteger: loaded.exactInteger,
  };
  const plan = compileInit(inputs);
  filtering?.check(plan);
  log.debug(`init's plan has ${plan.operations.length} operations`);

  const launcher = launch(options, plan, descriptors);
  progress.launcher = launcher.pid;
  if (scope !== undefined) {
    // The launcher waits. What fails here is undone by way of the first record.
    const entered = scope.start(launcher.pid, policy, limits?.writes ?? []);
    record = { ...record, cgroups: entered.record };
    progress.record = record;
    try {
      prepareCgroups({ host: cgroupHost, record: entered.record, config, tools, limits });
      if (users?.cgroups === undefined) applyDevices(entered, policy);
    } finally {
      closeHandles(entered);
    }
    sendPacket(ours, GO);
  }
  // While the launcher and init are at work.
  const steps = startSteps(plan);
  const printing = (config.hooks?.startContainer ?? []).length > 0 ? hooks?.output.fd : undefined;
  const write = (pid: number, ready: boolean): void => {
    const startTime = processStat(pid)?.startTime ?? 0;
    record = {
      ...record,
      init: { pid, startTime, image: launcher.image },
      ready,
      startSteps: steps,
      ...(printing === undefined ? {} : { hookOutput: printing }),
    };
    progress.record = record;
    writeRecord(root, ready ? settled(record, parts) : record);
  };
  const init = converse(ours, plan, {
    started: (pid) => {
      progress.init = pid;
      // The launcher has ended, or is about to.
      const status = waitForChild(launcher.pid);
      delete progress.launcher;
      scope?.limit(record.cgroups, spared?.later ?? []);
      if (users?.user !== undefined) {
        users.support.releaseInit(users.user, inputs.userNamespace, { pid, channel: ours, launcher: status });
      }
    },
    hooks: (pid) => {
      write(pid, false);
      progress.hooksRun = true;
      const state = hookState(record, 'created', pid);
      if (hooks !== undefined) {
        // Hooks in the container's namespaces read init's pid as it is there (runtime.md, "State").
        const inner = Buffer.from(hookState(record, 'created', innermostPid(pid)));
        writeAll(hooks.state.fd, inner, 'write the state for the hooks');
      }
      const { prestart = [], createRuntime = [] } = config.hooks ?? {};
      runHooks({ kind: 'prestart', hooks: prestart, state, bundle });
      runHooks({ kind: 'createRuntime', hooks: createRuntime, state, bundle });
    },
    network: (pid) => {
      progress.devices = parts.network?.moveNetworkDevices(config, pid, log);
    },
    copied: (pid, tree) => mapIds?.(pid, tree),
    filtered: (pid, listener) => filtering?.send({ pid, listener, state: hookState(record, 'creating', pid) }),
    hookOutput: () => (hooks === undefined ? '' : readTail(hooks.output.fd)),
  });
  parts.scheduling?.applyScheduling(init, config, loaded.exactInteger);
  opened?.created(init);
  if (options.pidFile !== undefined) {
    progress.pidFile = options.pidFile;
    writePidFile(options.pidFile, init);
  }
  if (users?.user !== undefined) users.support.limitResources(init, config, loaded.exactInteger, users.user);
  write(init, true);
  if (!options.foreground) writeFrontRecord(root, record);
  // Until now init would end with us; from now on it waits for `start`.
  if (sendPacket(ours, GO) < 0) fail({ code: 'init', message: 'init ended before the container was created' });
  return settled(record, parts);
}

/** As it is when nothing of the create can fail any more. */
function settled(record: ContainerRecord, { resourceClass }: Parts): ContainerRecord {
  if (resourceClass === undefined || record.resourceClass === undefined) return record;
  return { ...record, resourceClass: resourceClass.settled(record.resourceClass) };
}

function makeCgroups(record: CgroupRecord, pointer: string | undefined, users: Users | undefined): CgroupHandles {
  if (users?.cgroups === undefined) return createCgroups(record, pointer);
  return users.cgroups.createAllowedCgroups(record, pointer, users.log);
}

function prepareHooks({ config }: LoadedConfig, descriptors: Descriptors): InitInputs['hooks'] {
  const { prestart = [], createRuntime = [], createContainer = [], startContainer = [] } = config.hooks ?? {};
  if (prestart.length + createRuntime.length + createContainer.length + startContainer.length === 0) return undefined;
  return {
    state: descriptors.share(memoryFile('runt:hook-state'), 'state'),
    output: descriptors.share(memoryFile('runt:hook-output'), 'output'),
  };
}
