// What only the host can do or know, done before init is compiled: namespaces opened, sources of mounts copied, facts looked up. It becomes
// the compiler's input (init/inputs.ts).

import { existsSync, fstatSync, realpathSync, statSync } from 'node:fs';
import { fail } from '../error.ts';
import type { InitInputs, JoinedNamespace } from '../init/inputs.ts';
import { pointer } from '../json-pointer.ts';
import { AT_FDCWD, O_CLOEXEC, O_RDONLY } from '../linux/mount-constants.ts';
import { NAMESPACES } from '../linux/namespaces.ts';
import { resolvePath } from '../linux/paths.ts';
import { mustSyscall, syscall } from '../linux/syscall.ts';
import type { Config } from '../spec/generated/types.ts';
import { isRootShared } from './bind-attributes.ts';
import { callersProcess } from './caller.ts';
import type { Descriptors } from './descriptors.ts';
import { homeOf } from './home.ts';
import { fullyVisibleMounts, mountPointOf } from './host-mounts.ts';
import { copyTree } from './prepare-bind.ts';
import { type PrepareOptions, prepareMounts, rootAfter } from './prepare-mounts.ts';
import { streamsToGive } from './streams.ts';

const NS_GET_NSTYPE = 0xb703;
const ENOTTY = 25;

export type Prepared = Pick<
  InitInputs,
  | 'root'
  | 'mounts'
  | 'namespaces'
  | 'cgroups'
  | 'userNamespace'
  | 'caller'
  | 'kcore'
  | 'home'
  | 'noPivot'
  | 'streamsToGive'
>;

/** Throws RuntErrors that name the config's field. */
export function prepare(options: PrepareOptions): Prepared {
  const { config, descriptors, cgroups, noPivot } = options;
  const { late } = options;
  const root = prepareRoot(options);
  const opened = prepareNamespaces(config, descriptors);
  const namespaces = late === undefined ? opened : { ...opened, joined: late.markJoined(opened.joined) };
  const idMaps = options.mappedMounts?.createIdMaps({
    config,
    makeNamespace: options.mappedMounts.namespaceMaker(descriptors, options.directory),
    user: late?.user,
    joined: opened.joined.find(({ type }) => type === 'user')?.descriptor,
  });
  const given = resolvePath(options.bundle, config.root?.path ?? '');
  const paths = given === root.path ? [given] : [given, root.path];
  const mounts = prepareMounts(options, { fd: root.tree.fd, paths }, idMaps);
  const home = homeOf(config, options.bundle, rootAfter(mounts, root.tree.fd));
  return {
    root,
    mounts,
    namespaces,
    cgroups: {
      entries: cgroups.tasks.map(({ controllers, path, fd }) => ({
        controllers,
        file: descriptors.inherit(fd, `${path}/tasks`),
      })),
      ...(options.movedByRuntime === true ? { movedByRuntime: true as const } : {}),
      ...(cgroups.unified === null ? {} : { directory: descriptors.inherit(cgroups.unified.fd, cgroups.unified.path) }),
    },
    ...(late === undefined ? {} : { userNamespace: late.inputs(namespaces.created) }),
    caller: callersProcess(),
    kcore: existsSync('/proc/kcore'),
    streamsToGive: config.process?.terminal === true ? [] : streamsToGive(config.process?.user?.uid ?? 0),
    ...(home === undefined ? {} : { home }),
    ...(noPivot ? { noPivot: { fullyVisible: fullyVisibleMounts(root.path) } } : {}),
  };
}

function prepareRoot({ config, bundle, descriptors, late }: PrepareOptions): InitInputs['root'] {
  const pointer = '/root/path';
  const given = config.root?.path;
  if (given === undefined) fail({ code: 'config', message: 'root.path is missing', pointer: '/root' });
  const path = resolvePath(bundle, given);
  const doing = `find the root file system "${path}"`;
  // Without a mount namespace of its own init opens the path itself, and nothing is attached there; the copy serves for looking.
  const fd = (late?.open ?? copyTree)(path, true, doing, pointer);
  const tree = descriptors.inherit(fd, path);
  if (!fstatSync(fd).isDirectory()) {
    fail({ code: 'config', message: `the root file system "${path}" is not a directory`, pointer });
  }
  const real = realpathSync(path);
  late?.place(real);
  const shared = isRootShared(config);
  return { tree, path: real, ...(shared ? { parentMount: mountPointOf(real) } : {}) };
}

function prepareNamespaces(config: Config, descriptors: Descriptors): InitInputs['namespaces'] {
  const joined: JoinedNamespace[] = [];
  const created: InitInputs['namespaces']['created'][number][] = [];
  (config.linux?.namespaces ?? []).forEach(({ type, path }, index) => {
    const pointer = `/linux/namespaces/${index}`;
    if (path === undefined || path === '') {
      created.push({ type, pointer });
      return;
    }
    const at = `${pointer}/path`;
    const doing = { message: `open the ${type} namespace "${path}"`, pointer: at };
    const fd = mustSyscall(doing, 'openat', AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    joined.push({ type, descriptor: descriptors.inherit(fd, path), pointer: at });
    const kind = syscall('ioctl', fd, NS_GET_NSTYPE, 0);
    if (kind === NAMESPACES[type].flag) {
      refuseHostSysctls(config, type, fd, path);
      return;
    }
    const found = Object.entries(NAMESPACES).find(([, { flag }]) => flag === kind)?.[0];
    fail({
      code: 'config',
      message:
        kind === -ENOTTY || found === undefined
          ? `"${path}" is not a namespace`
          : `"${path}" is a ${found} namespace, not a ${type} namespace`,
      pointer: at,
    });
  });
  return { joined, created };
}

/** A joined namespace may be the host's own by another name: its settings are not the container's to change (CVE-2022-0811). */
function refuseHostSysctls(config: Config, type: string, fd: number, path: string): void {
  if (type !== 'network' || config.linux?.sysctl === undefined) return;
  const key = Object.keys(config.linux.sysctl).find((name) => /^net[./]/.test(name));
  if (key === undefined || fstatSync(fd).ino !== statSync('/proc/self/ns/net').ino) return;
  fail({
    code: 'config',
    message: `sysctl "${key}" is not allowed: the network namespace "${path}" is the host's`,
    pointer: pointer('linux', 'sysctl', key),
  });
}
