// create (runtime.md, "Create"): everything but the user's program.

import { rmSync } from 'node:fs';
import { closeHandles, createCgroups } from '../cgroup/create.ts';
import { devicePolicy } from '../cgroup/device-rules.ts';
import { applyDevices } from '../cgroup/devices.ts';
import { detectCgroups } from '../cgroup/host.ts';
import { planCgroups } from '../cgroup/paths.ts';
import { recordCgroups } from '../cgroup/record.ts';
import { fail } from '../error.ts';
import { compileInit } from '../init/compile.ts';
import type { InitInputs } from '../init/inputs.ts';
import { GO } from '../init/messages.ts';
import type { Plan } from '../init/plan.ts';
import { spawnLauncher } from '../init/spawn.ts';
import { unraisableCapabilities } from '../init/steps/identity.ts';
import { makeFifo } from '../linux/fifo.ts';
import { memoryFile, writeAll } from '../linux/memfd.ts';
import { innermostPid, processStat } from '../linux/procfs.ts';
import { packetPair, sendPacket } from '../linux/sockets.ts';
import { closeOnExec, makeInheritable, waitForChild } from '../linux/spawn.ts';
import { syscall } from '../linux/syscall.ts';
import type { Log } from '../log.ts';
import type { Config } from '../spec/generated/types.ts';
import { type LoadedConfig, loadConfig } from '../spec/load.ts';
import { converse } from './converse.ts';
import { destroy } from './delete.ts';
import { createDescriptors, type Descriptors } from './descriptors.ts';
import type { OpenExtras } from './extras.ts';
import { firstRecord } from './first-record.ts';
import { readTail, runHooks } from './hooks.ts';
import { writePidFile } from './pid-file.ts';
import { prepare } from './prepare.ts';
import { isHostRoot } from './privileges.ts';
import { saveConfig } from './saved-config.ts';
import { startSteps } from './start-steps.ts';
import { hookState } from './state.ts';
import { type ContainerRecord, checkId, directoryOf, removeRecord, reserve, startFifos, writeRecord } from './store.ts';
import { refuseUnsupported } from './unsupported.ts';
import type { UserNamespace } from './user-namespace.ts';

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
}

/** The descriptors are the caller's to close. */
export interface Created {
  readonly record: ContainerRecord;
  /** The master of the container's terminal, for a command that stays. */
  readonly terminal?: number;
  /** Where the container's NOTIFY_SOCKET is read, for `run`. */
  readonly notify?: number;
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

/**
 * Throws RuntErrors of every kind; then nothing is left of the container: no process, mount, cgroup or directory. But for a creator that is
 * killed: `delete --force` removes what that leaves.
 */
export async function createContainer(options: CreateOptions): Promise<Created> {
  const { root, id, bundle, log } = options;
  checkId(id);
  refuseOptions(options);
  const loaded = await loadConfig(bundle);
  for (const { message, pointer } of loaded.warnings) log.warning(`${loaded.file}: ${pointer}: ${message}`);
  for (const name of unraisableCapabilities(loaded.config.process?.capabilities)) {
    log.warning(`can't raise ambient capability ${name}: it is not in the permitted and inheritable sets`);
  }
  refuseUnsupported(loaded.config);
  const extras = asksForExtras(options, loaded.config)
    ? (await import('./extras.ts')).extrasOf(options, loaded)
    : undefined;
  const users = await usersOf(options, loaded.config);
  reserve(root, id);
  const descriptors = createDescriptors();
  const progress: Progress = { hooksRun: false };
  try {
    const opened = extras?.open(descriptors);
    const given = extras?.options ?? options;
    const record = construct(given, extras?.loaded ?? loaded, descriptors, progress, opened, users);
    return { record, ...opened?.handOver() };
  } catch (error) {
    await undo(options, progress);
    throw error;
  } finally {
    descriptors.closeAll();
  }
}

/** How far a create has come, for undoing it. */
interface Progress {
  record?: ContainerRecord;
  launcher?: number;
  init?: number;
  hooksRun: boolean;
  pidFile?: string;
}

function refuseOptions({ systemdCgroup }: CreateOptions): void {
  const refuse = (option: string): never =>
    fail({ code: 'unsupported', message: `${option} is not supported yet by this version of runt` });
  if (systemdCgroup) refuse('--systemd-cgroup');
}

/** What a user namespace, or a caller who is not root on the host, takes; else undefined, and none of it is loaded. */
type Users = Pick<CreateOptions, 'log'> & {
  readonly support: typeof import('./user-namespace.ts');
  readonly user: UserNamespace | undefined;
  /** Set where the container may go without control groups. */
  readonly cgroups: typeof import('./rootless-cgroups.ts') | undefined;
};

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

function construct(
  options: CreateOptions,
  loaded: LoadedConfig,
  descriptors: Descriptors,
  progress: Progress,
  extras: OpenExtras | undefined,
  users: Users | undefined,
): ContainerRecord {
  const { root, id, bundle, log } = options;
  const { config } = loaded;
  const cgroupHost = detectCgroups();
  const given = config.linux?.cgroupsPath;
  const cgroups = recordCgroups(planCgroups(cgroupHost, { cgroupsPath: given, id }));
  const policy = devicePolicy(config.linux?.resources?.devices ?? []);
  let record = firstRecord(options, config, cgroups);
  saveConfig(root, id, loaded.text);
  // Before anything is made: whoever finds this record can remove it all.
  writeRecord(root, record);

  // What fails there has undone itself, and must not be undone again: the cgroup may be somebody else's.
  const pointer = given === undefined ? undefined : '/linux/cgroupsPath';
  const handles =
    users?.cgroups === undefined
      ? createCgroups(cgroups, pointer)
      : users.cgroups.createAllowedCgroups(cgroups, pointer, log);
  record = { ...record, cgroups: handles.record };
  if (handles.record.cgroups.length === 0 && !record.ownPidNamespace) {
    log.warning(
      'without control groups and a pid namespace of its own, processes that the container leaves are not found',
    );
  }
  progress.record = record;
  let prepared: ReturnType<typeof prepare>;
  try {
    // Who is not root on the host may not set rules for devices, and makes none.
    if (users?.cgroups === undefined) applyDevices(handles, policy);
    const late = users?.user === undefined ? undefined : users.support.createLateTrees(descriptors, users.user);
    prepared = prepare({
      ...options,
      config,
      descriptors,
      cgroupHost,
      cgroups: handles,
      ...(late === undefined ? {} : { late }),
    });
  } catch (error) {
    closeHandles(handles);
    throw error;
  }
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
    ...(extras?.terminal === undefined ? {} : { terminal: extras.terminal }),
    exactInteger: loaded.exactInteger,
  };
  const plan = compileInit(inputs);
  log.debug(`init's plan has ${plan.operations.length} operations`);

  const launcher = launch(options, plan, descriptors);
  progress.launcher = launcher.pid;
  // While the launcher and init are at work.
  const steps = startSteps(plan);
  const write = (pid: number, ready: boolean): void => {
    const startTime = processStat(pid)?.startTime ?? 0;
    record = { ...record, init: { pid, startTime, image: launcher.image }, ready, startSteps: steps };
    progress.record = record;
    writeRecord(root, record);
  };
  const init = converse(ours, plan, {
    started: (pid) => {
      progress.init = pid;
      // The launcher has ended, or is about to.
      const status = waitForChild(launcher.pid);
      delete progress.launcher;
      if (users?.user !== undefined) {
        users.support.releaseInit(users.user, { pid, channel: ours, launcher: status });
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
    hookOutput: () => (hooks === undefined ? '' : readTail(hooks.output.fd)),
  });
  extras?.created(init);
  if (options.pidFile !== undefined) {
    progress.pidFile = options.pidFile;
    writePidFile(options.pidFile, init);
  }
  if (users?.user !== undefined) users.support.limitResources(init, config, loaded.exactInteger, users.user);
  write(init, true);
  // Until now init would end with us; from now on it waits for `start`.
  if (sendPacket(ours, GO) < 0) fail({ code: 'init', message: 'init ended before the container was created' });
  return record;
}

function prepareHooks({ config }: LoadedConfig, descriptors: Descriptors): InitInputs['hooks'] {
  const { prestart = [], createRuntime = [], createContainer = [], startContainer = [] } = config.hooks ?? {};
  if (prestart.length + createRuntime.length + createContainer.length + startContainer.length === 0) return undefined;
  return {
    state: descriptors.share(memoryFile('runt:hook-state'), 'state'),
    output: descriptors.share(memoryFile('runt:hook-output'), 'output'),
  };
}

function launch(
  { root, id, preserveFds }: CreateOptions,
  plan: Plan,
  descriptors: Descriptors,
): ReturnType<typeof spawnLauncher> {
  // Node marks all descriptors that it inherits close-on-exec, 0 to 2 included.
  for (let fd = 0; fd < 3 + preserveFds; fd++) makeInheritable(fd);
  descriptors.release();
  const launcher = spawnLauncher(plan, directoryOf(root, id));
  descriptors.closeInherited();
  for (let fd = 3; fd < 3 + preserveFds; fd++) closeOnExec(fd);
  return launcher;
}

/** What is left of a create that failed goes. */
async function undo({ root, id, log }: CreateOptions, progress: Progress): Promise<void> {
  const SIGKILL = 9;
  for (const pid of [progress.launcher, progress.init]) {
    if (pid === undefined) continue;
    // Our child, not reaped yet: the pid is still its own.
    syscall('kill', pid, SIGKILL);
    waitForChild(pid);
  }
  if (progress.pidFile !== undefined) rmSync(progress.pidFile, { force: true });
  if (progress.record === undefined) return removeRecord(root, id);
  try {
    // Hooks that undo what others did are called if those were.
    await destroy(root, progress.hooksRun ? progress.record : { ...progress.record, poststop: [] }, log);
  } catch (error) {
    log.warning(`remove what is left of container "${id}": ${error instanceof Error ? error.message : String(error)}`);
  }
}
