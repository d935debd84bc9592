// The straight line of a create, from the first record of the container to an init that waits for `start`. What fails throws; create.ts undoes it.

import { type CgroupHandles, closeHandles } from '../cgroup/create.ts';
import { fail } from '../error.ts';
import { compileInit } from '../init/compile.ts';
import type { InitInputs } from '../init/inputs.ts';
import { GO } from '../init/messages.ts';
import { makeFifo } from '../linux/fifo.ts';
import { memoryFile } from '../linux/memfd.ts';
import { packetPair, sendPacket } from '../linux/sockets.ts';
import type { LoadedConfig } from '../spec/load.ts';
import { converse } from './converse.ts';
import type { Descriptors } from './descriptors.ts';
import { firstRecord } from './first-record.ts';
import { writeFrontRecord } from './front-record.ts';
import { launch } from './launch.ts';
import { type Compiled, listenerOf, settled, writeInit } from './listener.ts';
import { enforce, makeCgroups, planControls, startScope } from './make-cgroups.ts';
import { type Construction, type Controls, keep, type Making } from './making.ts';
import { writePidFile } from './pid-file.ts';
import { type Prepared, prepare } from './prepare.ts';
import { saveConfig } from './saved-config.ts';
import { startSteps } from './start-steps.ts';
import { type ContainerRecord, directoryOf, startFifos, writeRecord } from './store.ts';

/** A created container, and what it was made from. */
export interface Constructed {
  readonly record: ContainerRecord;
  readonly making: Making;
  readonly inputs: InitInputs;
}

/** Throws RuntErrors of every kind. */
export function construct(construction: Construction): Constructed {
  const { options, loaded, descriptors, progress, opened, parts } = construction;
  const { scope, users, scheduling } = parts;
  const controls = planControls(construction);
  const record = beginRecord(construction, controls);
  // What fails there has undone itself, and must not be undone again: the cgroup may be somebody else's.
  const handles = makeCgroups(construction, controls);
  const making: Making = { ...construction, controls, record };
  keep(making, { cgroups: handles.record });
  if (handles.record.cgroups.length === 0 && !record.ownPidNamespace) {
    options.log.warning(
      'without control groups and a pid namespace of its own, processes that the container leaves are not found',
    );
  }
  const compiled = compile(making, prepareWith(making, handles));
  const { channel, plan } = compiled;

  const launcher = launch(options, plan, descriptors);
  progress.launcher = launcher.pid;
  if (scope !== undefined) {
    startScope(making, launcher.pid);
    sendPacket(channel, GO);
  }
  // While the launcher and init are at work.
  const spawned = { ...compiled, launcher, steps: startSteps(plan) };
  const init = converse(channel, plan, listenerOf(making, spawned));
  scheduling?.applyScheduling(init, loaded.config, loaded.exactInteger);
  opened?.created(init);
  if (options.pidFile !== undefined) {
    progress.pidFile = options.pidFile;
    writePidFile(options.pidFile, init);
  }
  if (users?.user !== undefined) users.support.limitResources(init, loaded.config, loaded.exactInteger, users.user);
  writeInit(making, spawned, init, true);
  if (!options.foreground) writeFrontRecord(options.root, making.record);
  // Until now init would end with us; from now on it waits for `start`.
  if (sendPacket(channel, GO) < 0) fail({ code: 'init', message: 'init ended before the container was created' });
  return { record: settled(making), making, inputs: compiled.inputs };
}

/** Before anything is made: whoever finds this record can remove it all. */
function beginRecord({ options, loaded, parts }: Construction, { cgroups }: Controls): ContainerRecord {
  const { root, id } = options;
  let record = firstRecord(options, loaded.config, cgroups);
  if (parts.scope !== undefined) record = { ...record, scope: parts.scope.record };
  if (parts.extras?.notifies === true) record = { ...record, notifies: true };
  if (parts.resourceClass !== undefined) record = { ...record, resourceClass: parts.resourceClass.record };
  saveConfig(root, id, loaded.text);
  writeRecord(root, record);
  return record;
}

type ResourceClass = InitInputs['resourceClass'];
interface Preparation {
  readonly prepared: Prepared;
  readonly resourceClass: ResourceClass;
}

/** What only the host can do. */
function prepareWith(making: Making, handles: CgroupHandles): Preparation {
  const { options, loaded, descriptors, parts } = making;
  const { scope, users, copyUp, labels, mappedMounts } = parts;
  try {
    const resourceClass = parts.resourceClass?.make(descriptors, (made) => keep(making, { resourceClass: made }));
    if (scope === undefined) enforce(making, handles);
    const late = users?.user === undefined ? undefined : users.support.createLateTrees(descriptors, users.user);
    const prepared = prepare({
      ...options,
      config: loaded.config,
      descriptors,
      cgroupHost: parts.cgroupHost,
      cgroups: handles,
      directory: directoryOf(options.root, options.id),
      ...(scope === undefined ? {} : ({ movedByRuntime: true } as const)),
      ...(late === undefined ? {} : { late }),
      ...(copyUp === undefined ? {} : { copyUp }),
      ...(labels === undefined ? {} : { labels }),
      ...(mappedMounts === undefined ? {} : { mappedMounts }),
    });
    return { prepared, resourceClass };
  } catch (error) {
    closeHandles(handles);
    throw error;
  }
}

function compile(making: Making, { prepared, resourceClass }: Preparation): Compiled {
  const { options, loaded, descriptors, opened, parts } = making;
  const { filtering, labels } = parts;
  const { root, id, log } = options;
  const mapIds = parts.mappedMounts?.idsByRuntime(prepared.mounts, descriptors);
  const [channel, theirs] = packetPair();
  descriptors.own(channel);
  const hooks = prepareHooks(loaded, descriptors);
  const fifos = startFifos(root, id);
  const inputs: InitInputs = {
    ...prepared,
    config: loaded.config,
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
    ...(labels === undefined ? {} : { labels }),
    ...(resourceClass === undefined ? {} : { resourceClass }),
    exactInteger: loaded.exactInteger,
  };
  const plan = compileInit(inputs);
  filtering?.check(plan);
  log.debug(`init's plan has ${plan.operations.length} operations`);
  return { plan, channel, inputs, mapIds };
}

function prepareHooks({ config }: LoadedConfig, descriptors: Descriptors): InitInputs['hooks'] {
  const { prestart = [], createRuntime = [], createContainer = [], startContainer = [] } = config.hooks ?? {};
  if (prestart.length + createRuntime.length + createContainer.length + startContainer.length === 0) return undefined;
  return {
    state: descriptors.share(memoryFile('runt:hook-state'), 'state'),
    output: descriptors.share(memoryFile('runt:hook-output'), 'output'),
  };
}
