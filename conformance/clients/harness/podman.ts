// Podman and Buildah with storage, configuration and cgroups of the run: nothing of the system's.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ok, run } from './command.ts';
import { type Engine, makeEngine } from './engine.ts';
import { findProgram, overlayWorks } from './host.ts';
import { makeRootfsTar } from './image.ts';
import { scope } from './scope.ts';

export const IMAGE = 'localhost/clients-image';

export interface Podman {
  readonly engine: Engine;
  /** The client of Buildah with the same storage, if it is installed. */
  readonly buildah: readonly string[] | undefined;
  readonly stop: () => Promise<void>;
}

/** Found by podman in its environment, and by the podman that conmon runs when a container has ended. */
function configure(directory: string, init: string | undefined): void {
  const toml = (value: string) => JSON.stringify(value);
  const containers = [
    '[containers]',
    'log_driver = "k8s-file"',
    // Podman's own default is a million of each, which a root without CAP_SYS_RESOURCE can't give.
    'default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]',
    ...(init === undefined ? [] : [`init_path = ${toml(init)}`]),
    '[engine]',
    'cgroup_manager = "cgroupfs"',
    'events_logger = "file"',
    // Not the one in /dev/shm, which all of the host's podmans share.
    'lock_type = "file"',
    `conmon_path = [${toml(findProgram('conmon') ?? 'conmon')}]`,
    `volume_path = ${toml(join(directory, 'volumes'))}`,
    `tmp_dir = ${toml(join(directory, 'tmp'))}`,
    'conmon_env_vars = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]',
  ];
  const path = (name: string) => join(directory, name);
  writeFileSync(path('containers.conf'), `${containers.join('\n')}\n`);
  const storage = [
    '[storage]',
    `driver = "vfs"`,
    `graphroot = ${toml(path('root'))}`,
    `runroot = ${toml(path('run'))}`,
  ];
  writeFileSync(path('storage.conf'), `${storage.join('\n')}\n`);
  writeFileSync(path('registries.conf'), 'unqualified-search-registries = []\n');
  process.env['CONTAINERS_CONF'] = path('containers.conf');
  process.env['CONTAINERS_STORAGE_CONF'] = path('storage.conf');
  process.env['CONTAINERS_REGISTRIES_CONF'] = path('registries.conf');
}

export async function startPodman(): Promise<Podman> {
  const directory = join(scope.directory, 'podman');
  mkdirSync(directory);
  const init = ['catatonit', 'docker-init', 'tini-static'].map(findProgram).find((path) => path !== undefined);
  configure(directory, init);
  const storage = ['--root', join(directory, 'root'), '--runroot', join(directory, 'run')];
  const driver = ['--storage-driver', overlayWorks() ? 'overlay' : 'vfs'];
  const client = [
    findProgram('podman') ?? 'podman',
    ...storage,
    ...driver,
    '--tmpdir',
    join(directory, 'tmp'),
    '--network-config-dir',
    join(directory, 'networks'),
    '--runtime',
    scope.runtime,
  ];
  const buildah = findProgram('buildah');
  ok(
    await run([
      ...client,
      'import',
      '--change',
      'CMD ["sh"]',
      '--change',
      'ENV PATH=/bin',
      await makeRootfsTar(),
      IMAGE,
    ]),
  );
  const engine = makeEngine({
    kind: 'podman',
    client,
    runOptions: ['--network', 'none', '--cgroup-parent', `/${scope.token}`],
    image: IMAGE,
    init: init === undefined ? { missing: 'no catatonit, docker-init or tini-static on this host' } : {},
  });
  return {
    engine,
    buildah: buildah === undefined ? undefined : [buildah, ...storage, ...driver],
    // There is no daemon; the storage is a mount of its own, for as long as the host is up.
    stop: async () => {
      await run(['umount', join(directory, 'root/overlay')]);
    },
  };
}
