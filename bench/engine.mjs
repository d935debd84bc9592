// Docker as the benchmark uses it: a daemon and a containerd of its own, below the scratch directory, without a network.

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findOnPath, RuntimeFailure, wait } from './runtime.mjs';

const IMAGE = 'runt-bench';
const PROGRAMS = ['containerd', 'dockerd', 'docker'];
const PATIENCE = 60_000;
const CGROUP = `runt-bench-docker-${process.pid}`;
/** Of containerd: what reaches beyond its directory. */
const DISABLED = ['io.containerd.grpc.v1.cri', 'io.containerd.internal.v1.opt'];

/**
 * The engine with all these runtimes to choose from, and an image that has `/true`, from the bundle's root file system. Throws RuntimeFailure:
 * `n/a` where a program is missing.
 */
export function startDocker(runtimes, { scratch, bundle }) {
  const [containerd, dockerd, docker] = PROGRAMS.map((name) => {
    const path = findOnPath(name);
    if (path === undefined) throw new RuntimeFailure(`n/a: ${name} is not installed`);
    return path;
  });
  const directory = join(scratch, 'docker');
  mkdirSync(directory);
  const file = (name) => join(directory, name);
  const started = [];
  const client = (...args) => {
    const options = ['--config', file('client'), '--host', `unix://${file('d.sock')}`];
    return spawnSync(docker, [...options, ...args], { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const stop = () => {
    for (const { child, name } of started.reverse()) endProcess(child, name);
    // The daemon leaves the host's network for containers, and its directory, mounted.
    for (const path of ['exec/netns/default', 'data']) spawnSync('umount', [file(path)], { stdio: 'ignore' });
    removeCgroups();
  };
  try {
    const config = ['version = 2', `root = "${file('c')}"`, `state = "${file('c.state')}"`];
    config.push(`disabled_plugins = ${JSON.stringify(DISABLED)}`, '[grpc]', `address = "${file('c.sock')}"`);
    writeFileSync(file('containerd.toml'), `${config.join('\n')}\n`);
    started.push(startProcess(directory, containerd, ['--config', file('containerd.toml')]));
    waitUntil(started, () => existsSync(file('c.sock')));
    // Debian's 20.10 makes a key below /etc/docker if it is not told another place; later ones know neither.
    const major = Number(/version (\d+)/.exec(spawnSync(dockerd, ['--version'], { encoding: 'utf8' }).stdout)?.[1]);
    writeFileSync(file('daemon.json'), JSON.stringify(major <= 20 ? { 'deprecated-key-path': file('key.json') } : {}));
    const options = [
      `--config-file=${file('daemon.json')}`,
      `--data-root=${file('data')}`,
      `--exec-root=${file('exec')}`,
      `--pidfile=${file('pid')}`,
      `--host=unix://${file('d.sock')}`,
      `--containerd=${file('c.sock')}`,
      ...runtimes.map(({ name, path }) => `--add-runtime=bench-${name}=${path}`),
      `--cgroup-parent=/${CGROUP}`,
      '--exec-opt=native.cgroupdriver=cgroupfs',
      '--storage-driver=vfs',
      '--bridge=none',
      ...['iptables', 'ip6tables', 'ip-forward', 'ip-masq', 'userland-proxy'].map((name) => `--${name}=false`),
    ];
    started.push(startProcess(directory, dockerd, options));
    waitUntil(started, () => client('version').status === 0);
    const tar = file('image.tar');
    const packed = spawnSync('tar', ['-C', join(bundle, 'rootfs'), '-cf', tar, '.'], { encoding: 'utf8' });
    if (packed.status !== 0) throw new RuntimeFailure(`tar: ${packed.stderr}`);
    succeed('import', client('import', '--change', 'CMD ["/true"]', tar, IMAGE));
  } catch (error) {
    stop();
    throw error;
  }
  return {
    stop,
    /** Milliseconds of a whole `docker run --rm`. */
    time(runtime) {
      const before = process.hrtime.bigint();
      const result = client('run', '--rm', '--network', 'none', '--runtime', `bench-${runtime.name}`, IMAGE);
      const after = process.hrtime.bigint();
      succeed('run', result);
      return Number(after - before) / 1e6;
    },
  };
}

/** Some runtimes leave the parent of their containers' cgroups. */
function removeCgroups() {
  for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
    const [, mounted, type] = line.split(' ');
    const path = `${mounted}/${CGROUP}`;
    if ((type === 'cgroup' || type === 'cgroup2') && existsSync(path)) rmdirSync(path);
  }
}

function succeed(what, { status, stderr, error }) {
  if (status !== 0) throw new RuntimeFailure(`docker ${what}: ${error?.message ?? stderr.trim().slice(-300)}`);
}

function startProcess(directory, program, args) {
  const name = program.slice(program.lastIndexOf('/') + 1);
  const path = join(directory, `${name}.log`);
  const log = openSync(path, 'a');
  const child = spawn(program, args, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  child.unref();
  return { child, name, log: path };
}

/** Alive, and no zombie: nothing here gives the event loop its turn, so Node.js does not know. */
function lives({ pid }) {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function waitUntil(started, isSo) {
  const { child, name, log } = started.at(-1);
  for (const end = Date.now() + PATIENCE; !isSo(); wait(20)) {
    if (lives(child) && Date.now() < end) continue;
    throw new RuntimeFailure(`${name} does not start: ${readFileSync(log, 'utf8').trim().split('\n').at(-1)}`);
  }
}

function endProcess(child, name) {
  if (!lives(child)) return;
  process.kill(child.pid, 'SIGTERM');
  for (const end = Date.now() + PATIENCE; lives(child); wait(20)) {
    if (Date.now() < end) continue;
    process.kill(child.pid, 'SIGKILL');
    console.error(`${name} did not end after SIGTERM`);
    return;
  }
}
