// config.md: the container, its root, mounts and hooks.

import type { Row } from './row.ts';

const MAPPED_MOUNTS = 'conformance/id-mapped-mounts.test.ts';
const MOUNTS = 'conformance/mounts.test.ts';
const HOOKS = 'conformance/hooks.test.ts';

export const CONTAINER: readonly Row[] = [
  {
    properties: ['/ociVersion'],
    honouredBy: 'src/spec/semantics/version.ts',
    test: ['conformance/bad-input.test.ts', 'a config with … is refused'],
  },
  {
    properties: ['/root', '/root/path'],
    honouredBy: 'src/container/prepare.ts',
    test: [
      'conformance/rootfs.test.ts',
      'the container sees the directory of root.path as its /, and nothing of the host',
    ],
  },
  {
    properties: ['/root/readonly'],
    honouredBy: 'src/init/steps/root.ts',
    test: ['conformance/rootfs.test.ts', 'a read-only root cannot be written'],
  },
  {
    properties: ['/hostname'],
    honouredBy: 'src/init/steps/kernel-settings.ts',
    test: ['conformance/namespaces.test.ts', 'hostname is set in the container and not on the host'],
  },
  {
    properties: ['/domainname'],
    honouredBy: 'src/init/steps/kernel-settings.ts',
    test: ['conformance/namespaces.test.ts', 'domainname is set in the container and not on the host'],
  },
  {
    properties: ['/annotations'],
    honouredBy: 'src/container/state.ts',
    test: [
      'conformance/lifecycle.test.ts',
      'the state of a created container has ociVersion, id, status, pid, bundle and annotations',
    ],
  },
  {
    properties: ['/linux'],
    honouredBy: 'src/container/prepare.ts',
    test: ['conformance/namespaces.test.ts', 'each namespace that is listed without a path is a new one'],
  },
  {
    properties: ['/{solaris,windows,vm,zos,freebsd}'],
    ignoredBy: 'src/spec/semantics/platform.ts',
    because: 'it means nothing on Linux, which is a warning',
    test: ['integration/ignored.test.ts', '… is ignored, with a warning'],
  },
];

export const MOUNTS_ROWS: readonly Row[] = [
  {
    properties: ['/mounts'],
    honouredBy: 'src/init/steps/mounts.ts',
    test: [MOUNTS, 'mounts are made in the listed order'],
  },
  {
    properties: ['/mounts/*/destination'],
    honouredBy: 'src/init/steps/mounts.ts',
    test: [MOUNTS, 'a directory is bound, with the missing directories of its destination'],
  },
  {
    properties: ['/mounts/*/type'],
    honouredBy: 'src/init/steps/mounts.ts',
    test: [MOUNTS, 'proc, sysfs, mqueue, devpts and tmpfs are mounted as what they are'],
  },
  {
    properties: ['/mounts/*/source'],
    honouredBy: 'src/container/prepare-mounts.ts',
    test: [MOUNTS, 'a missing source is an error that names it'],
  },
  {
    properties: ['/mounts/*/options'],
    honouredBy: 'src/linux/mount-options.ts',
    test: [MOUNTS, "the options of a … mount are those in the container's mount table"],
  },
  {
    properties: ['/mounts/*/{uidMappings,gidMappings}'],
    honouredBy: 'src/container/mapped-mounts.ts',
    test: [MAPPED_MOUNTS, 'the owners of a bind mount are mapped as its mappings say'],
  },
  {
    properties: ['/mounts/*/{uidMappings,gidMappings}/*/{containerID,hostID,size}'],
    honouredBy: 'src/container/id-maps.ts',
    test: [MAPPED_MOUNTS, 'several ranges, for users and for groups'],
  },
];

export const HOOKS_ROWS: readonly Row[] = [
  {
    properties: ['/hooks'],
    honouredBy: 'src/container/listener.ts',
    test: [HOOKS, 'the hooks run in the order of the lifecycle, each within its operation'],
  },
  {
    properties: ['/hooks/{prestart,createRuntime}'],
    honouredBy: 'src/container/listener.ts',
    test: [HOOKS, 'prestart and createRuntime hooks find the new namespaces by the pid of the state'],
  },
  {
    properties: ['/hooks/createContainer'],
    honouredBy: 'src/init/compile.ts',
    test: [HOOKS, 'a createContainer hook sees the host’s files and the mounts of the container'],
  },
  {
    properties: ['/hooks/startContainer'],
    honouredBy: 'src/init/steps/program.ts',
    test: [HOOKS, 'the path of a startContainer hook is looked up in the container'],
  },
  {
    properties: ['/hooks/poststart'],
    honouredBy: 'src/container/start.ts',
    test: [HOOKS, 'poststart hooks run when the program has been executed'],
  },
  {
    properties: ['/hooks/poststop'],
    honouredBy: 'src/container/delete.ts',
    test: [HOOKS, 'a poststop hook that fails is a warning; the others run, and the container is deleted'],
  },
  {
    properties: ['/hooks/startContainer/*/path'],
    honouredBy: 'src/init/steps/hooks.ts',
    test: [HOOKS, 'the path of a startContainer hook is looked up in the container'],
  },
  {
    properties: ['/hooks/createContainer/*/path', '/hooks/{createContainer,startContainer}/*/args'],
    honouredBy: 'src/init/steps/hooks.ts',
    test: [HOOKS, 'a hook is the program at its path, and has its arguments as they are written'],
  },
  {
    properties: ['/hooks/{prestart,createRuntime,poststart,poststop}/*/{path,args}'],
    honouredBy: 'src/container/hooks.ts',
    test: [HOOKS, 'a hook is the program at its path, and has its arguments as they are written'],
  },
  {
    properties: ['/hooks/{createContainer,startContainer}/*/env'],
    honouredBy: 'src/init/steps/hooks.ts',
    test: [
      HOOKS,
      'the environment of a hook is the one configured for it, neither that of the caller nor of the container',
    ],
  },
  {
    properties: ['/hooks/{prestart,createRuntime,poststart,poststop}/*/env'],
    honouredBy: 'src/container/hooks.ts',
    test: [
      HOOKS,
      'the environment of a hook is the one configured for it, neither that of the caller nor of the container',
    ],
  },
  {
    properties: ['/hooks/{createContainer,startContainer}/*/timeout'],
    honouredBy: 'src/init/steps/hooks.ts',
    test: [HOOKS, 'a … hook that outlives its timeout is ended, and has failed'],
  },
  {
    properties: ['/hooks/{prestart,createRuntime,poststart,poststop}/*/timeout'],
    honouredBy: 'src/container/hooks.ts',
    test: [HOOKS, 'a … hook that outlives its timeout is ended, and has failed'],
  },
];
