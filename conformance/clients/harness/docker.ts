// dockerd with a containerd of its own: directories, sockets, cgroups and configuration of the run, no network, nothing of the system's.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ok, run } from './command.ts';
import { startContainerd } from './containerd.ts';
import { startDaemon } from './daemon.ts';
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
  /** Ends dockerd and starts it again; containerd and the containers go on. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
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
  const containerd = await startContainerd(`${name}-containerd`, { wrapper });
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
    '--live-restore',
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
    restart: async (meanwhile) => {
      await daemon.stop();
      await meanwhile?.();
      daemon = await start();
    },
    stop: async () => {
      await daemon.stop();
      // The daemon's own, which it leaves: the host's network for containers, and its directory.
      await run(['umount', join(directory, 'exec/netns/default')]);
      await run(['umount', join(directory, 'data')]);
      await containerd.stop();
    },
  };
}
