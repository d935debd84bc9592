// dockerd with a containerd of its own: directories, sockets, cgroups and configuration of the run, no network, nothing of the system's.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ok, run } from './command.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { type Engine, makeEngine } from './engine.ts';
import { findProgram, overlayWorks } from './host.ts';
import { makeRootfsTar } from './image.ts';
import { scope } from './scope.ts';

export const IMAGE = 'clients-image';

export interface DockerOptions {
  /** Part of the directories' names. */
  readonly name: string;
  /** More options of dockerd. */
  readonly flags?: readonly string[];
  /** What both daemons are started by: a program that gives them other surroundings. */
  readonly wrapper?: readonly string[];
}

export interface Docker {
  readonly engine: Engine;
  /** Ends dockerd and starts it again; containerd goes on. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** The private containerd of Docker or of `ctr`. */
export async function startContainerd(
  name: string,
  wrapper: readonly string[] = [],
): Promise<Daemon & { address: string }> {
  const directory = join(scope.directory, name);
  mkdirSync(directory, { recursive: true });
  const address = join(directory, 'c.sock');
  const config = join(directory, 'config.toml');
  const lines = [
    'version = 2',
    `root = ${JSON.stringify(join(directory, 'root'))}`,
    `state = ${JSON.stringify(join(directory, 'state'))}`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.opt"]',
    '[grpc]',
    `address = ${JSON.stringify(address)}`,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const program = findProgram('containerd') ?? 'containerd';
  const ctr = findProgram('ctr') ?? 'ctr';
  const daemon = await startDaemon(name, [...wrapper, program, '--config', config], async () => {
    return (await run([ctr, '--address', address, 'version'])).status === 0;
  });
  return { ...daemon, address };
}

/** Debian's and Ubuntu's 20.10 makes a key below /etc/docker if it is not told another place; later ones know neither. */
async function daemonConfig(dockerd: string, directory: string): Promise<object> {
  const { stdout } = ok(await run([dockerd, '--version']));
  const major = Number(/version (\d+)/.exec(stdout)?.[1]);
  return major <= 20 ? { 'deprecated-key-path': join(directory, 'key.json') } : {};
}

export async function startDocker({ name, flags = [], wrapper = [] }: DockerOptions): Promise<Docker> {
  const directory = join(scope.directory, name);
  mkdirSync(directory, { recursive: true });
  const dockerd = findProgram('dockerd') ?? 'dockerd';
  const config = join(directory, 'daemon.json');
  writeFileSync(config, JSON.stringify(await daemonConfig(dockerd, directory)));
  const containerd = await startContainerd(`${name}-containerd`, wrapper);
  const socket = join(directory, 'd.sock');
  const client = [
    findProgram('docker') ?? 'docker',
    '--config',
    join(directory, 'client'),
    '--host',
    `unix://${socket}`,
  ];
  const argv = [
    ...(wrapper.length === 0 ? [] : ['nsenter', `--mount=/proc/${containerd.pid}/ns/mnt`]),
    dockerd,
    `--config-file=${config}`,
    `--data-root=${join(directory, 'data')}`,
    `--exec-root=${join(directory, 'exec')}`,
    `--pidfile=${join(directory, 'pid')}`,
    `--host=unix://${socket}`,
    `--containerd=${containerd.address}`,
    `--containerd-namespace=${scope.token}`,
    `--containerd-plugins-namespace=${scope.token}-plugins`,
    `--add-runtime=tested=${scope.runtime}`,
    '--default-runtime=tested',
    `--cgroup-parent=/${scope.token}`,
    '--exec-opt=native.cgroupdriver=cgroupfs',
    `--storage-driver=${overlayWorks() ? 'overlay2' : 'vfs'}`,
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
    '--ip-masq=false',
    '--userland-proxy=false',
    ...flags,
  ];
  const start = () => startDaemon(name, argv, async () => (await run([...client, 'version'])).status === 0);
  let daemon = await start();
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
  const initProgram = findProgram('docker-init');
  const engine = makeEngine({
    kind: 'docker',
    client,
    runOptions: ['--network', 'none'],
    image: IMAGE,
    init: initProgram === undefined ? { missing: 'no docker-init on this host' } : {},
  });
  return {
    engine,
    restart: async () => {
      await daemon.stop();
      daemon = await start();
    },
    stop: async () => {
      await daemon.stop();
      // The daemon's own, for containers in the host's network: it leaves it.
      await run(['umount', join(directory, 'exec/netns/default')]);
      await containerd.stop();
    },
  };
}
