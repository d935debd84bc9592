// `runt plan`: what init would do, without doing any of it. Descriptors get numbers that stand for those of a real create.

import { existsSync, realpathSync, statSync } from 'node:fs';
import { hasLimits } from '../cgroup/has-limits.ts';
import { detectCgroups } from '../cgroup/host.ts';
import { planCgroups } from '../cgroup/paths.ts';
import { recordCgroups } from '../cgroup/record.ts';
import { compileInit } from '../init/compile.ts';
import type { Descriptor, IdMap, InitInputs, LateTree, PreparedMount, UserNamespaceInputs } from '../init/inputs.ts';
import type { HostStep, Plan } from '../init/plan.ts';
import { parseMountOptions } from '../linux/mount-options.ts';
import { cleanPath, resolvePath, stripRoot } from '../linux/paths.ts';
import { type Log, silentLog } from '../log.ts';
import type { Config, Mount, Seccomp } from '../spec/generated/types.ts';
import { type LoadedConfig, loadConfig } from '../spec/load.ts';
import { bindChanges, isCopiedInTurn, isRootShared } from './bind-attributes.ts';
import { copySteps, plannedSource } from './copy-up-plan.ts';
import { mountPointOf } from './host-mounts.ts';
import { createIdMaps } from './mapped-mounts.ts';
import { presentComponents } from './mount-point.ts';
import { asksForLabels, asksForScheduling } from './parts.ts';
import { innerSource } from './prepare-bind.ts';
import { streamsToGive } from './streams.ts';
import { terminalSettings } from './terminal.ts';
import { copiesTrees } from './user-namespace.ts';

/** Beyond the numbers of the other descriptors. */
const RESCTRL_FD = 1000;

export interface PlanOptions {
  /** Absolute. */
  readonly bundle: string;
  readonly id?: string;
  /** As with --systemd-cgroup. */
  readonly systemdCgroup?: boolean;
  /** Is told what `create` would warn of in the config. */
  readonly log?: Log;
}

/** Throws what `create` would throw for the config. Needs no privilege and changes nothing. */
export async function planContainer(options: PlanOptions): Promise<Plan> {
  const loaded = await loadConfig(options.bundle);
  for (const { message, pointer } of loaded.warnings) options.log?.warning(`${loaded.file}: ${pointer}: ${message}`);
  return planConfig(loaded, options);
}

/** The same for a config that was loaded. */
export async function planConfig(
  { config, exactInteger }: Pick<LoadedConfig, 'config' | 'exactInteger'>,
  options: PlanOptions,
): Promise<Plan> {
  const { bundle, id = 'container', systemdCgroup } = options;
  if (Object.keys(config.linux?.netDevices ?? {}).length > 0)
    (await import('./network-devices.ts')).checkNetworkDevices(config, true);
  const asked = config.linux?.cgroupsPath;
  const path = systemdCgroup === true ? (await import('../cgroup/systemd/unit.ts')).scopePath(asked, id) : asked;
  const placed =
    path === undefined || path === asked ? config : { ...config, linux: { ...config.linux, cgroupsPath: path } };
  const labels = asksForLabels(config) ? { labels: (await import('./labels.ts')).plannedLabels(config) } : {};
  const imagined = imaginedInputs(placed, bundle, id, exactInteger);
  const rdt = config.linux?.intelRdt;
  const resctrl = rdt === undefined ? undefined : (await import('./resource-class.ts')).imaginedResourceClass(rdt, id);
  const inputs: InitInputs = {
    ...imagined,
    ...labels,
    ...(systemdCgroup === true ? { config, cgroups: { entries: [], movedByRuntime: true } as const } : {}),
    ...(resctrl === undefined
      ? {}
      : { resourceClass: resctrl.paths.map((path, index) => ({ fd: RESCTRL_FD + index, text: path })) }),
  };
  const plan =
    config.linux?.seccomp === undefined ? compileInit(inputs) : await filteredPlan(config.linux.seccomp, inputs);
  const limits = hasLimits(config.linux?.resources) ? await limitSteps(placed, options, exactInteger) : [];
  const scheduling = asksForScheduling(config.process)
    ? (await import('./scheduling.ts')).schedulingSteps(config.process, exactInteger)
    : [];
  const host = [...limits, ...(resctrl?.host ?? []), ...copySteps(inputs.mounts), ...scheduling.map(hostStep)];
  return host.length === 0 ? plan : { host, ...plan };
}

async function filteredPlan(profile: Seccomp, inputs: InitInputs): Promise<Plan> {
  const { MACHINE, refuseSelfDefeating } = await import('./seccomp.ts');
  const { compileSeccomp } = await import('../seccomp/compile.ts');
  const { exactInteger } = inputs;
  const seccomp = compileSeccomp(profile, { machine: MACHINE, exactInteger });
  const plan = compileInit({ ...inputs, seccomp });
  refuseSelfDefeating(plan, profile, seccomp, silentLog);
  return plan;
}

function hostStep({ sentence, pointer }: HostStep): HostStep {
  return { sentence, ...(pointer === undefined ? {} : { pointer }) };
}

/** The limits as `create` would write them. A file that this kernel has under another name is named as it is first looked for. */
async function limitSteps(
  config: Config,
  { id = 'container', systemdCgroup, log }: PlanOptions,
  exactInteger: InitInputs['exactInteger'],
): Promise<HostStep[]> {
  const { planLimits } = await import('../cgroup/limits.ts');
  const { directoryOf } = await import('../cgroup/resources/apply.ts');
  const host = detectCgroups();
  const { cgroups } = recordCgroups(planCgroups(host, { cgroupsPath: config.linux?.cgroupsPath, id }));
  const asked = planLimits(config.linux?.resources ?? {}, host, exactInteger);
  const { writes, warnings } =
    systemdCgroup === true ? (await import('../cgroup/systemd/scope-limits.ts')).limitsOfScope(asked) : asked;
  for (const { message, pointer } of warnings) log?.warning(`${message} [${pointer}]`);
  return writes.map((write) => ({
    sentence: `write ${JSON.stringify(write.value)} to ${directoryOf(write, cgroups)}/${write.file}`,
    pointer: write.pointer,
  }));
}

/** As container/prepare.ts would find them. */
export function imaginedInputs(
  config: Config,
  bundle: string,
  id: string,
  exactInteger: InitInputs['exactInteger'] = () => undefined,
): InitInputs {
  let next = 3;
  const descriptor = (text: string): Descriptor => ({ fd: next++, text });
  const host = detectCgroups();
  const paths = planCgroups(host, { cgroupsPath: config.linux?.cgroupsPath, id });
  const namespaces = config.linux?.namespaces ?? [];
  const rootPath = realPath(resolvePath(bundle, config.root?.path ?? ''));
  const mounts: PreparedMount[] = [];
  const places: string[] = [];
  /** By the tree of the mount: those that are mapped when the tree is copied. */
  const mapped = new Map<Descriptor, IdMap>();
  const mount = (of: Mount, index: number): PreparedMount => {
    const destination = stripRoot(rootPath, cleanPath(of.destination));
    const isSeen = !mounts.some((earlier) => earlier.destination === '/');
    const present = presentComponents(destination, isSeen && existsSync(rootPath + destination), mounts);
    const { bind } = parseMountOptions(of.options ?? []);
    if (bind !== undefined || of.type === 'bind') {
      const source = resolvePath(bundle, of.source ?? '');
      const recursive = bind?.recursive ?? false;
      const inside = destination === '/proc' ? undefined : innerSource([rootPath], source, recursive, places);
      if (inside !== undefined)
        return { kind: 'innerBind', source: inside, recursive, changes: bindChanges(config, of), destination, present };
      const kept = { destination, present, isDirectory: isDirectory(source) };
      if (users === undefined && isCopiedInTurn(config, { source, recursive, destination, roots: [rootPath] }))
        return { kind: 'hostBind', ...kept, source, recursive, changes: bindChanges(config, of) };
      return { kind: 'bind', ...kept, tree: descriptor(source) };
    }
    if (of.options?.includes('tmpcopyup') === true) {
      const source = plannedSource(rootPath, { mount: of, index, destination, earlier: mounts });
      if (source !== undefined) return { kind: 'copyUp', destination, present, tree: descriptor(source) };
    }
    if (of.type !== 'cgroup') return { kind: 'filesystem', type: of.type ?? '', destination, present };
    if (host.mode === 'v2') {
      // As ownCgroup2 in prepare-mounts.ts has it.
      const own = users === undefined || ownsCgroups ? undefined : unified;
      if (own === undefined) return { kind: 'cgroup2', destination, present };
      return { kind: 'bind', destination, present, isDirectory: true, tree: descriptor(own.path) };
    }
    return {
      kind: 'cgroup1',
      destination,
      present,
      hierarchies: paths
        .filter(({ version }) => version === 1)
        .map(({ controllers, path }) => ({ name: controllers.replace(/^name=/, ''), path })),
    };
  };
  const users = namespaces.find(({ type }) => type === 'user');
  const ownsCgroups = namespaces.some(({ type, path = '' }) => type === 'cgroup' && path === '');
  const unified = paths.find(({ version }) => version === 2);
  const kind = (users?.path ?? '') === '' ? ('created' as const) : ('joined' as const);
  const idMaps = createIdMaps({
    config,
    makeNamespace: (_, index) => descriptor(`ids of mount ${index}`),
    user: users === undefined ? undefined : { kind, isCallerRoot: process.geteuid?.() === 0 },
    joined: kind === 'joined' ? descriptor(users?.path ?? '') : undefined,
  });
  for (const of of config.mounts ?? []) {
    const made = mount(of, mounts.length);
    places.push(made.destination);
    const source =
      made.kind === 'bind' ? { source: made.tree.text } : made.kind === 'hostBind' ? { source: made.source } : {};
    const idMap = idMaps.of(of, mounts.length, { kind: made.kind, destination: made.destination, ...source });
    if (idMap === undefined) mounts.push(made);
    else {
      if (users !== undefined && made.kind === 'bind') mapped.set(made.tree, idMap);
      mounts.push(users !== undefined && made.kind === 'bind' ? made : { ...made, idMap });
    }
  }
  const { prestart, createRuntime, createContainer, startContainer } = config.hooks ?? {};
  const hasHooks = [prestart, createRuntime, createContainer, startContainer].some((list) => (list ?? []).length > 0);
  const hasHome = (config.process?.env ?? []).some((entry) => entry.startsWith('HOME='));
  const root = {
    tree: descriptor(rootPath),
    path: rootPath,
    ...(isRootShared(config) ? { parentMount: mountPointOf(rootPath) } : {}),
  };
  return {
    config,
    id,
    channel: descriptor('runtime'),
    start: { order: descriptor('start'), answer: descriptor('started') },
    root,
    mounts,
    namespaces: {
      joined: namespaces.flatMap(({ type, path }, index) =>
        path === undefined || path === ''
          ? []
          : [{ type, descriptor: descriptor(path), pointer: `/linux/namespaces/${index}/path` }],
      ),
      created: namespaces.flatMap(({ type, path }, index) =>
        path === undefined || path === '' ? [{ type, pointer: `/linux/namespaces/${index}` }] : [],
      ),
    },
    cgroups: {
      entries: paths
        .filter(({ version }) => version === 1)
        .map(({ controllers, path }) => ({ controllers, file: descriptor(`${path}/tasks`) })),
      ...(unified === undefined ? {} : { directory: descriptor(unified.path) }),
    },
    ...(namespaces.some(({ type }) => type === 'user')
      ? { userNamespace: imaginedUserNamespace({ config, root, mounts, mapped, descriptor }) }
      : {}),
    preserveFds: 0,
    newKeyring: true,
    caller: { openFiles: { soft: 1024n, hard: 1048576n }, ignoredSignals: [] },
    kcore: existsSync('/proc/kcore'),
    ...(hasHome || config.process === undefined ? {} : { home: '/' }),
    ...(hasHooks ? { hooks: { state: descriptor('state'), output: descriptor('output') } } : {}),
    // As for a container that was created from here.
    streamsToGive: config.process?.terminal === true ? [] : streamsToGive(config.process?.user?.uid ?? 0),
    ...(config.process?.terminal === true
      ? { terminal: { socket: descriptor('console'), ...terminalSettings(config.process) } }
      : {}),
    exactInteger,
  };
}

interface Imagined {
  readonly config: Config;
  readonly root: { readonly tree: Descriptor; readonly path: string };
  readonly mounts: readonly PreparedMount[];
  readonly mapped: ReadonlyMap<Descriptor, IdMap>;
  readonly descriptor: (text: string) => Descriptor;
}

/** As container/user-namespace.ts has it: root has the launcher copy the trees, a caller without privileges init. */
function imaginedUserNamespace({ config, root, mounts, mapped, descriptor }: Imagined): UserNamespaceInputs {
  const { namespaces = [], gidMappings = [] } = config.linux ?? {};
  const joins = namespaces.some(({ type, path = '' }) => type === 'user' && path !== '');
  const ownMounts = namespaces.some(({ type, path = '' }) => type === 'mount' && path === '');
  const isCallerRoot = process.geteuid?.() === 0;
  const kind = joins ? 'joined' : 'created';
  const step = (path: string, pointer: string) => ({ sentence: `find ${path}`, pointer });
  const trees: LateTree[] = mounts.flatMap((mount, index) => {
    const of = config.mounts?.[index];
    if (mount.kind !== 'bind' || of === undefined) return [];
    const recursive = parseMountOptions(of.options ?? []).bind?.recursive === true;
    const { tree } = mount;
    const changes = bindChanges(config, of);
    const idMap = mapped.get(tree);
    const found =
      of.type === 'cgroup'
        ? { sentence: `find the container's control group "${tree.text}"`, pointer: `/mounts/${index}` }
        : step(tree.text, `/mounts/${index}/source`);
    const late = { path: tree.text, recursive, into: tree, changes, step: found };
    return [idMap === undefined ? late : { ...late, idMap }];
  });
  const rootStep = step(root.path, '/root/path');
  trees.unshift({ path: root.path, recursive: true, into: root.tree, changes: [], step: rootStep });
  return {
    kind,
    isCallerRoot,
    setgroups: joins ? 'unknown' : isCallerRoot || gidMappings.length > 1 ? 'allow' : 'deny',
    treesBy: copiesTrees({ kind, isCallerRoot, ownMounts }),
    trees: ownMounts ? trees : [],
    ...(ownMounts ? { rootPlace: descriptor(`place of ${root.path}`) } : {}),
  };
}

/** A root that is not there (yet) is taken for one that no link leads to. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** A source that is not there (yet) is taken for a directory. */
function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return true;
  }
}
