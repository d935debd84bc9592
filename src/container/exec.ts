// exec: another program in a container that is there. Not part of the specification; as runc has it.

import { openCgroups } from '../cgroup/enter.ts';
import { freezerOf, freezerState } from '../cgroup/freezer.ts';
import { fail } from '../error.ts';
import { compileExec } from '../init/compile-exec.ts';
import { lacksHome } from '../init/environment.ts';
import type { ExecInputs } from '../init/inputs.ts';
import type { LabelSteps } from '../init/labels.ts';
import { processorMask } from '../init/steps/affinity.ts';
import { unraisableCapabilities } from '../init/steps/identity.ts';
import { processesBeforeFilter } from '../init/steps/join.ts';
import { maskText } from '../linux/number-list.ts';
import { packetPair } from '../linux/sockets.ts';
import { waitForChild } from '../linux/spawn.ts';
import { syscall } from '../linux/syscall.ts';
import type { Log } from '../log.ts';
import type { Config } from '../spec/generated/types.ts';
import { integersOf } from '../spec/integers.ts';
import { callersProcess, checkPreserved } from './caller.ts';
import { createDescriptors, type Descriptors } from './descriptors.ts';
import { type ExecListener, type Heard, hearOfProgram } from './exec-converse.ts';
import type { ExecExtras } from './exec-extras.ts';
import type { Foreground } from './exec-foreground.ts';
import { inDocument, labelsOfProgram, withLabelsOf } from './exec-labels.ts';
import { changedProcess, type ExecProcess, type ProcessChanges, processOf } from './exec-process.ts';
import { type ExecTarget, openTarget } from './exec-target.ts';
import { homeBelow } from './home.ts';
import { launch } from './launch.ts';
import { asksForScheduling, type Filtering, loadFiltering } from './parts.ts';
import { writePidFile } from './pid-file.ts';
import { isHostRoot } from './privileges.ts';
import { readSavedConfig } from './saved-config.ts';
import { hookState, type Named, requireRecord } from './state.ts';
import { type ContainerRecord, directoryOf } from './store.ts';
import { streamsToGive } from './streams.ts';

export interface ExecOptions extends Named {
  /** A process object of the specification: a file's absolute path, or "-"; else what is changed of the container's own process. */
  readonly process: string | ProcessChanges;
  /** Return when the program has been executed. */
  readonly detach: boolean;
  /** Absolute. */
  readonly pidFile?: string;
  /** Absolute. */
  readonly consoleSocket?: string;
  /** Absolute. */
  readonly pidfdSocket?: string;
  readonly preserveFds: number;
  /** `[CONTROLLER[,CONTROLLER…]:]PATH`, below the container's cgroups. */
  readonly cgroup: readonly string[];
  /** Also in a paused container; the program begins when that is resumed. */
  readonly ignorePaused: boolean;
  readonly log: Log;
}

const SIGKILL = 9;

/**
 * Returns the exit status for the caller: the program's, or 128 + the signal that ended it; 0 when detached. Throws RuntErrors; then no
 * process is left, and no pid file.
 */
export async function execInContainer(options: ExecOptions): Promise<number> {
  const { root, id, log } = options;
  const record = requireRecord(options);
  const saved = readSavedConfig(root, id);
  const given = await (typeof options.process === 'string'
    ? processOf(options.process, saved.config)
    : changedProcess(saved, options.process));
  for (const warning of given.warnings ?? []) log.warning(warning);
  // Of those of the container's own process `create` has told.
  if (typeof options.process === 'string' || options.process.capabilities.length > 0) {
    for (const name of unraisableCapabilities(given.process.capabilities))
      log.warning(`can't raise ambient capability ${name}: it is not in the permitted and inheritable sets`);
  }
  // No hook is run for it.
  const { hooks: _, ...container } = saved.config;
  const config: Config = { ...container, process: withLabelsOf(saved.config.process, given.process) };
  const labels = await labelsOfProgram(config.process, given, log);
  checkPreserved(options.preserveFds);
  const descriptors = createDescriptors();
  const heard: Heard = { children: [] };
  let foreground: Foreground | undefined;
  try {
    const target = openTarget(record, config, descriptors);
    const freezer = freezerOf(record.cgroups);
    if (!options.ignorePaused && freezer !== undefined && freezerState(freezer) !== 'thawed')
      fail({
        code: 'status',
        message: `cannot exec in a paused container: "${id}"`,
        hint: 'resume it, or let the program wait with --ignore-paused',
      });
    const extras = asksForExtras(options, given)
      ? (await import('./exec-extras.ts')).execExtras(options, given.process, descriptors)
      : undefined;
    const resourceClass =
      record.resourceClass === undefined
        ? undefined
        : (await import('./resource-class.ts')).resourceClassOf(record.resourceClass, descriptors);
    const scheduling = asksForScheduling(given.process) ? await import('./scheduling.ts') : undefined;
    const profile = config.linux?.seccomp;
    const filtering =
      profile === undefined
        ? undefined
        : await loadFiltering(options.root, profile, integersOf(saved.text, saved.config), options.log);
    // Before there is a process that somebody could mean: what the runtime is sent from now on is passed on when there is somebody to get it.
    if (!options.detach)
      foreground = (await import('./exec-foreground.ts')).forwardTo(
        heard,
        directoryOf(options.root, id),
        extras?.waits === true,
      );
    const hear = begin({
      options,
      record,
      target,
      given,
      config,
      descriptors,
      heard,
      extras,
      waits: extras?.waits === true || scheduling !== undefined,
      resourceClass,
      filtering,
      labels,
    });
    await hear({
      async ready(pid) {
        scheduling?.applyScheduling(pid, config, given.exactInteger);
        const master = extras?.master();
        if (master !== undefined) await foreground?.attach(pid, master);
      },
      filtered(pid, listener) {
        filtering?.send({ pid, listener, state: hookState(record, 'running', record.init?.pid ?? 0) });
      },
    });
    const pid = heard.pid ?? 0;
    extras?.executed(pid);
    if (options.pidFile !== undefined) writePidFile(options.pidFile, pid);
    log.debug(`process ${pid} runs in container "${id}"`);
    return foreground === undefined ? 0 : await foreground.wait(pid);
  } catch (error) {
    for (const pid of heard.children) {
      // Our child, not reaped yet: the pid is still its own.
      syscall('kill', pid, SIGKILL);
      waitForChild(pid);
    }
    throw inDocument(error, given);
  } finally {
    await foreground?.stop();
    descriptors.closeAll();
  }
}

interface Beginning {
  readonly options: ExecOptions;
  readonly record: ContainerRecord;
  readonly target: ExecTarget;
  readonly given: ExecProcess;
  readonly config: Config;
  readonly descriptors: Descriptors;
  readonly heard: Heard;
  readonly extras: ExecExtras | undefined;
  /** The program waits until somebody attends to it. */
  readonly waits: boolean;
  readonly resourceClass: ExecInputs['resourceClass'];
  readonly filtering: Filtering | undefined;
  readonly labels: LabelSteps | undefined;
}

/** Returns what waits until the program has been executed. */
function begin({
  options,
  record,
  target: opened,
  given,
  config,
  descriptors,
  heard,
  extras,
  waits,
  resourceClass,
  filtering,
  labels,
}: Beginning): (does: Omit<ExecListener, 'beforeFilter'>) => Promise<void> {
  const { root, id, preserveFds, cgroup, log } = options;
  const { pid, target, root: rootOfInit } = opened;
  const { process, exactInteger } = given;
  const entered = openCgroups(record.cgroups, cgroup, pid);
  const [ours, theirs] = packetPair();
  descriptors.own(ours);
  const { unified, initsOwn } = entered;
  const hasHome = !lacksHome(process.env);
  const inputs: ExecInputs = {
    config,
    id,
    channel: descriptors.inherit(theirs, 'runtime'),
    cgroups: {
      entries: entered.tasks.map(({ controllers, path, fd }) => ({
        controllers,
        file: descriptors.inherit(fd, `${path}/tasks`),
      })),
      ...(unified === null ? {} : { directory: descriptors.inherit(unified.fd, unified.path) }),
    },
    ...(initsOwn === null ? {} : { initsCgroup: descriptors.inherit(initsOwn.fd, initsOwn.path) }),
    target,
    ...(target.namespaces.includes('user')
      ? {
          userNamespace: {
            kind: 'joined',
            isCallerRoot: isHostRoot(),
            setgroups: 'unknown',
            treesBy: 'launcher',
            trees: [],
          },
        }
      : {}),
    preserveFds,
    newKeyring: record.newKeyring,
    caller: callersProcess(),
    ...(hasHome ? {} : { home: homeBelow(rootOfInit, process.user?.uid ?? 0) }),
    ...(extras?.terminal === undefined
      ? { streamsToGive: streamsToGive(process.user?.uid ?? 0) }
      : { terminal: extras.terminal }),
    waits,
    ...(resourceClass === undefined ? {} : { resourceClass }),
    ...(filtering === undefined ? {} : { seccomp: filtering.filter }),
    ...(labels === undefined ? {} : { labels }),
    exactInteger,
  };
  const plan = compileExec(inputs);
  filtering?.check(plan);
  const { initial = '' } = process.execCPUAffinity ?? {};
  // Whoever looks for it in the log looks for runc's words.
  if (initial !== '') log.debug(`launcher (runc: nsexec): affinity: ${maskText(processorMask(initial))}`);
  const launcher = launch({ root, id, preserveFds }, plan, descriptors);
  heard.children.push(launcher.pid);
  const beforeFilter = processesBeforeFilter(inputs);
  return (does) => hearOfProgram(ours, plan, launcher.image, heard, { ...does, beforeFilter });
}

/** What is loaded only where it is asked for. */
function asksForExtras({ consoleSocket, pidfdSocket }: ExecOptions, { process }: ExecProcess): boolean {
  return process.terminal === true || consoleSocket !== undefined || pidfdSocket !== undefined;
}
