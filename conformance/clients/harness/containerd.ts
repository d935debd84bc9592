// containerd of the run's own, and `ctr`, its command line: the shim of runc calls the runtime under test.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  abbreviate,
  type CommandOptions,
  ok,
  type Result,
  run,
  type Session,
  talkTo,
  underTerminal,
} from './command.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { findProgram, overlayWorks } from './host.ts';
import { makeImageArchive, makeRootfsTar } from './image.ts';
import type { Scenario } from './scenario.ts';
import { scope } from './scope.ts';
import { waitFor } from './wait.ts';

export const IMAGE = 'clients.test/image:latest';

const CRI = 'grpc.v1.cri';
/** Of containerd's plugins, those that reach beyond the run's directory, and the one that not everybody needs. */
const DISABLED = [
  CRI,
  'internal.v1.opt',
  ...['aufs', 'btrfs', 'devmapper', 'zfs'].map((name) => `snapshotter.v1.${name}`),
];

export interface ContainerdDaemon {
  readonly address: string;
  readonly pid: number;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface ContainerdOptions {
  /** A program that gives it other surroundings. */
  readonly wrapper?: readonly string[];
  /** Tables of its configuration, by name, for the plugin that a kubelet speaks to; by default there is no such plugin. */
  readonly cri?: Readonly<Record<string, readonly string[]>>;
}

/** A containerd, started, for `ctr`, for Docker, or for a kubelet. */
export async function startContainerd(name: string, options: ContainerdOptions = {}): Promise<ContainerdDaemon> {
  const { wrapper = [], cri } = options;
  const directory = join(scope.directory, name);
  mkdirSync(directory);
  const address = join(directory, 'c.sock');
  const config = join(directory, 'config.toml');
  const disabled = cri === undefined ? DISABLED : DISABLED.filter((plugin) => plugin !== CRI);
  const lines = [
    'version = 2',
    `root = ${JSON.stringify(join(directory, 'root'))}`,
    `state = ${JSON.stringify(join(directory, 'state'))}`,
    `disabled_plugins = ${JSON.stringify(disabled.map((plugin) => `io.containerd.${plugin}`))}`,
    '[grpc]',
    `address = ${JSON.stringify(address)}`,
    ...Object.entries(cri ?? {}).flatMap(([table, settings]) => [
      `[plugins."io.containerd.${CRI}"${table}]`,
      ...settings,
    ]),
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const program = findProgram('containerd') ?? 'containerd';
  const ctr = findProgram('ctr') ?? 'ctr';
  const launch = () =>
    startDaemon(name, [...wrapper, program, '--config', config], async () => {
      return (await run([ctr, '--address', address, 'version'])).status === 0;
    });
  let daemon: Daemon = await launch();
  return {
    address,
    get pid() {
      return daemon.pid;
    },
    start: async () => {
      daemon = await launch();
    },
    stop: () => daemon.stop(),
  };
}

export interface Ctr {
  ctr(args: readonly string[], options?: CommandOptions): Promise<Result>;
  /** `ctr run --rm`: the program in the foreground. */
  once(
    context: Scenario,
    options: readonly string[],
    program: readonly string[],
    command?: CommandOptions,
  ): Promise<Result>;
  /** What it wrote to stdout, without the line end; it has to end with 0. */
  output(context: Scenario, options: readonly string[], program: readonly string[]): Promise<string>;
  shell(context: Scenario, options: readonly string[], script: string): Promise<string>;
  session(context: Scenario, options: readonly string[], program: readonly string[], terminal: boolean): Session;
  /** `ctr run --detach`: a container of the scenario, removed when that ends; its id. */
  detached(context: Scenario, options: readonly string[], program: readonly string[]): Promise<string>;
  exec(id: string, options: readonly string[], program: readonly string[], command?: CommandOptions): Promise<Result>;
  /**
   * The same for a program whose output is of interest. ctr opens the FIFOs of the output beside its work, and loses what was written into them by a
   * program that had ended before: this one waits until ctr has shown a first line, which is left out.
   */
  execHeard(id: string, options: readonly string[], program: readonly string[]): Promise<Result>;
  execTerminal(id: string, program: readonly string[]): Session;
  /** The task's pid and status, as `tasks ls` has them. */
  task(id: string): Promise<{ pid: number; status: string } | undefined>;
  waitForStatus(id: string, status: string): Promise<void>;
  removeAll(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

let execs = 0;

export async function startCtr(): Promise<Ctr> {
  const daemon = await startContainerd('containerd');
  const client = [findProgram('ctr') ?? 'ctr', '--address', daemon.address, '--namespace', scope.token];
  const snapshotter = overlayWorks() ? 'overlayfs' : 'native';
  const fifos = ['--fifo-dir', join(scope.directory, 'fifos')];
  const runtime = [
    '--runc-binary',
    scope.runtime,
    '--runc-root',
    join(scope.directory, 'runtime-state'),
    '--snapshotter',
    snapshotter,
    ...fifos,
  ];
  abbreviate([...client, 'run', ...runtime], 'ctr run');
  abbreviate(client, 'ctr');
  const ctr: Ctr['ctr'] = (args, options) => run([...client, ...args], options);
  const archive = await makeImageArchive(IMAGE, await makeRootfsTar());
  ok(await ctr(['images', 'import', '--snapshotter', snapshotter, archive]));

  const runArgs = (id: string, options: readonly string[], program: readonly string[]) => {
    const [source, rest] = options.includes('--config') ? [[], options] : [[IMAGE], options];
    return ['run', ...runtime, ...rest, ...source, id, ...program];
  };
  const remove = async (id: string) => {
    await ctr(['tasks', 'delete', '--force', id]);
    await ctr(['containers', 'delete', id]);
  };
  const newId = (context: Scenario) => {
    const id = context.name();
    context.afterwards(() => remove(id));
    return id;
  };
  const once: Ctr['once'] = (context, options, program, command) =>
    ctr(runArgs(newId(context), ['--rm', ...options], program), command);
  const output: Ctr['output'] = async (context, options, program) =>
    ok(await once(context, options, program)).stdout.trimEnd();
  const execArgs = (id: string, options: readonly string[], program: readonly string[]) => {
    execs += 1;
    return [...client, 'tasks', 'exec', '--exec-id', `e${execs}`, ...fifos, ...options, id, ...program];
  };
  const task: Ctr['task'] = async (id) => {
    const { stdout } = ok(await ctr(['tasks', 'ls']));
    const words = stdout
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .find(([name]) => name === id);
    return words === undefined ? undefined : { pid: Number(words[1]), status: words[2] ?? '' };
  };
  return {
    ctr,
    once,
    output,
    shell: (context, options, script) => output(context, options, ['sh', '-c', script]),
    session: (context, options, program, terminal) => {
      const argv = [...client, ...runArgs(newId(context), ['--rm', ...options], program)];
      return terminal ? underTerminal(argv) : talkTo(argv);
    },
    detached: async (context, options, program) => {
      const id = newId(context);
      ok(await ctr(runArgs(id, ['--detach', ...options], program)));
      return id;
    },
    exec: (id, options, program, command) => run(execArgs(id, options, program), command),
    execHeard: async (id, options, program) => {
      const waiting = ['sh', '-c', 'echo heard; echo heard >&2; read -r _; exec "$@"', 'sh', ...program];
      const session = talkTo(execArgs(id, options, waiting));
      const heard = /^heard\n/;
      await Promise.all([session.waitForOutput(heard), session.waitForOutput(heard, 'err')]);
      session.write('\n');
      session.end();
      const result = await session.finished();
      return { ...result, stdout: result.stdout.replace(heard, ''), stderr: result.stderr.replace(heard, '') };
    },
    execTerminal: (id, program) => underTerminal(execArgs(id, ['--tty'], program)),
    task,
    waitForStatus: async (id, status) => {
      await waitFor(`${id} to be ${status}`, async () => (await task(id))?.status === status);
    },
    removeAll: async () => {
      const { stdout } = ok(await ctr(['containers', 'ls', '--quiet']));
      for (const id of stdout.split('\n').filter(Boolean)) await remove(id);
      const left = ok(await ctr(['containers', 'ls', '--quiet'])).stdout.trim();
      if (left !== '') throw new Error(`can't be removed: ${left.replaceAll('\n', ', ')}`);
    },
    restart: async () => {
      await daemon.stop();
      await daemon.start();
    },
    stop: () => daemon.stop(),
  };
}
