// A node of Kubernetes as its kubelet sees it: containerd by the Container Runtime Interface. The network is a plugin that does nothing but to answer.

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeNetworkPlugins } from './cni.ts';
import { ok, run } from './command.ts';
import { startContainerd } from './containerd.ts';
import { CallFailed, openCaller } from './grpc.ts';
import { findProgram, overlayWorks } from './host.ts';
import { makeImageArchive, makeRootfsTar } from './image.ts';
import type { Scenario } from './scenario.ts';
import { scope } from './scope.ts';
import { waitFor } from './wait.ts';

export const IMAGE = 'clients.test/image:latest';
/** The namespace of containerd that the plugin has for itself. */
const NAMESPACE = 'k8s.io';

/** NamespaceMode: whose namespace it is. */
export const OF = { pod: 0, container: 1, node: 2, target: 3 } as const;
/** ContainerState. */
export const STATE = { created: 0, running: 1, exited: 2 } as const;
/** PodSandboxState. */
export const READY = 0;

export type Fields = Readonly<Record<string, unknown>>;

export interface Executed {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit_code: number;
}

export interface Status {
  readonly state: number;
  readonly exit_code: number;
  readonly reason: string;
  readonly message: string;
}

export interface PodContainer {
  readonly id: string;
  start(): Promise<void>;
  /** SIGTERM, and SIGKILL after so many seconds. */
  stop(grace: number): Promise<void>;
  remove(): Promise<void>;
  status(): Promise<Status>;
  /** When it has ended. */
  ended(): Promise<Status>;
  /** Its process's on the host. */
  pid(): Promise<number>;
  /** What it wrote to stdout, or stderr, as the log has it. */
  log(stream?: 'stdout' | 'stderr'): string;
  waitForLog(pattern: RegExp): Promise<string>;
  exec(program: readonly string[], timeout?: number): Promise<Executed>;
  /** Of a shell; it has to end with 0. */
  shell(script: string): Promise<string>;
  update(resources: Fields): Promise<void>;
  /** Bytes in use, nanoseconds of processor time. */
  stats(): Promise<{ memory: number; cpu: number }>;
}

export interface ContainerOptions {
  readonly program: readonly string[];
  /** Fields of ContainerConfig, of its security context, and of its resources. */
  readonly config?: Fields;
  readonly security?: Fields;
  readonly resources?: Fields;
}

export interface Pod {
  readonly id: string;
  readonly sandbox: { pid(): Promise<number>; state(): Promise<number> };
  create(options: ContainerOptions): Promise<PodContainer>;
  /** Created and started. */
  run(options: ContainerOptions): Promise<PodContainer>;
  stop(): Promise<void>;
  remove(): Promise<void>;
}

export interface PodOptions {
  readonly hostname?: string;
  readonly sysctls?: Readonly<Record<string, string>>;
  /** NamespaceOption; as the kubelet has it by default: a network and ipc for the pod, a pid namespace for each container. */
  readonly namespaces?: Fields;
  /** It may have containers that are. */
  readonly privileged?: boolean;
}

export interface Node {
  version(): Promise<Fields>;
  pod(context: Scenario, options?: PodOptions): Promise<Pod>;
  /** Ids of pods, and of containers. */
  pods(): Promise<string[]>;
  containers(): Promise<string[]>;
  removeAll(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startNode(): Promise<Node> {
  const quoted = (text: string) => JSON.stringify(text);
  const network = writeNetworkPlugins(scope.directory);
  const snapshotter = overlayWorks() ? 'overlayfs' : 'native';
  const daemon = await startContainerd('containerd', {
    cri: {
      // Who may not lower a score of the kernel for want of memory still starts pods.
      '': [`sandbox_image = ${quoted(IMAGE)}`, 'restrict_oom_score_adj = true', 'disable_apparmor = true'],
      '.cni': [`bin_dir = ${quoted(network.bin)}`, `conf_dir = ${quoted(network.conf)}`],
      '.containerd': [`snapshotter = ${quoted(snapshotter)}`, 'default_runtime_name = "tested"'],
      '.containerd.runtimes.tested': ['runtime_type = "io.containerd.runc.v2"'],
      '.containerd.runtimes.tested.options': [
        `BinaryName = ${quoted(scope.runtime)}`,
        `Root = ${quoted(join(scope.directory, 'runtime-state'))}`,
      ],
    },
  });
  const archive = await makeImageArchive(IMAGE, await makeRootfsTar(), ['/bin/sleep', '100000']);
  const ctr = [findProgram('ctr') ?? 'ctr', '--address', daemon.address, '--namespace', NAMESPACE];
  ok(await run([...ctr, 'images', 'import', '--snapshotter', snapshotter, archive]));
  const caller = openCaller(daemon.address);
  const call = (method: string, request: Fields = {}) => caller.call('runtime.v1.RuntimeService', method, request);
  // It learns of the image by an event.
  await waitFor('the image', async () => {
    const known = await caller.call('runtime.v1.ImageService', 'ImageStatus', { image: { image: IMAGE } });
    return known['image'] !== undefined && known['image'] !== null;
  });
  const node: Node = {
    version: () => call('Version'),
    pod: (context, options = {}) => makePod(call, context, options),
    pods: () => idsOf(call, 'ListPodSandbox', 'items'),
    containers: () => idsOf(call, 'ListContainers', 'containers'),
    removeAll: async () => {
      for (const id of await node.pods()) await removePod(call, id);
      const left = [...(await node.pods()), ...(await node.containers())];
      if (left.length > 0) throw new Error(`can't be removed: ${left.join(', ')}`);
    },
    restart: async () => {
      await daemon.stop();
      caller.close();
      await daemon.start();
      // Until its plugin has looked at what there is.
      await waitFor('the plugin', async () => {
        try {
          await call('Version');
          return true;
        } catch (error) {
          if (error instanceof CallFailed) return false;
          throw error;
        }
      });
    },
    stop: async () => {
      caller.close();
      await daemon.stop();
    },
  };
  return node;
}

export const sleeper = ['sleep', '1000'];
/** With a handler for SIGTERM, which is in place when it has said so. */
export const listener = ['sh', '-c', 'trap "echo told; exit 5" TERM; echo ready; while :; do sleep 0.02; done'];

/** A pod with a container in it. */
export async function started(node: Node, context: Scenario, program: readonly string[] = sleeper) {
  const pod = await node.pod(context);
  return { pod, container: await pod.run({ program }) };
}

type Call = (method: string, request?: Fields) => Promise<Record<string, unknown>>;

async function idsOf(call: Call, method: string, field: string): Promise<string[]> {
  return ((await call(method))[field] as { id: string }[]).map(({ id }) => id);
}

/** Where it is not gone. */
async function removePod(call: Call, id: string): Promise<void> {
  if (!(await idsOf(call, 'ListPodSandbox', 'items')).includes(id)) return;
  await call('StopPodSandbox', { pod_sandbox_id: id });
  await call('RemovePodSandbox', { pod_sandbox_id: id });
}

/** What the plugin tells of the process, in JSON. */
function pidOf(answer: Record<string, unknown>): number {
  const { info } = answer as { info?: Record<string, string> };
  return Number((JSON.parse(info?.['info'] ?? '{}') as { pid?: number }).pid ?? 0);
}

async function makePod(call: Call, context: Scenario, options: PodOptions): Promise<Pod> {
  const { hostname, sysctls = {}, namespaces = { pid: OF.container }, privileged = false } = options;
  const name = context.name();
  const logs = join(scope.directory, `logs-${name}`);
  mkdirSync(logs);
  const config = {
    metadata: { name, uid: `${scope.token}-${name}`, namespace: 'default', attempt: 0 },
    // As kubelets do: one that has the host's network has its name, too.
    ...(namespaces['network'] === OF.node ? {} : { hostname: hostname ?? name }),
    log_directory: logs,
    linux: {
      cgroup_parent: `/${scope.token}`,
      security_context: { namespace_options: namespaces, privileged },
      sysctls,
    },
  };
  const { pod_sandbox_id } = (await call('RunPodSandbox', { config })) as { pod_sandbox_id: string };
  const id = pod_sandbox_id;
  context.afterwards(() => removePod(call, id));
  const status = (verbose: boolean) => call('PodSandboxStatus', { pod_sandbox_id: id, verbose });
  let count = 0;
  const pod: Pod = {
    id,
    sandbox: {
      pid: async () => pidOf(await status(true)),
      state: async () => ((await status(false)) as { status: { state: number } }).status.state,
    },
    create: async ({ program, config: more = {}, security = {}, resources = {} }) => {
      count += 1;
      const file = `${count}.log`;
      const { container_id } = (await call('CreateContainer', {
        pod_sandbox_id: id,
        config: {
          metadata: { name: `${name}-${count}`, attempt: 0 },
          image: { image: IMAGE },
          command: program,
          log_path: file,
          linux: { resources, security_context: { namespace_options: namespaces, ...security } },
          ...more,
        },
        sandbox_config: config,
      })) as { container_id: string };
      return makeContainer(call, container_id, join(logs, file));
    },
    run: async (about) => {
      const container = await pod.create(about);
      await container.start();
      return container;
    },
    stop: async () => void (await call('StopPodSandbox', { pod_sandbox_id: id })),
    remove: async () => void (await call('RemovePodSandbox', { pod_sandbox_id: id })),
  };
  return pod;
}

/** Lines of the log of a container: a time, the stream, whether it is whole, the text. */
function readLog(path: string, stream: string): string {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  return lines
    .map((line) => /^\S+ (stdout|stderr) ([FP]) (.*)$/.exec(line))
    .map((match) => (match?.[1] === stream ? `${match[3]}${match[2] === 'F' ? '\n' : ''}` : ''))
    .join('');
}

function makeContainer(call: Call, id: string, log: string): PodContainer {
  const about = { container_id: id };
  const status = async () => ((await call('ContainerStatus', about)) as { status: Status }).status;
  const container: PodContainer = {
    id,
    start: async () => void (await call('StartContainer', about)),
    stop: async (grace) => void (await call('StopContainer', { ...about, timeout: grace })),
    remove: async () => void (await call('RemoveContainer', about)),
    status,
    ended: () =>
      waitFor(`the end of ${id}`, async () => {
        const now = await status();
        return now.state === STATE.exited ? now : undefined;
      }),
    pid: async () => pidOf(await call('ContainerStatus', { ...about, verbose: true })),
    log: (stream = 'stdout') => readLog(log, stream),
    waitForLog: (pattern) =>
      waitFor(`${pattern} in the log`, async () => {
        const text = container.log();
        if (pattern.test(text)) return text;
        const { state } = await status();
        if (state === STATE.exited && !pattern.test(container.log()))
          throw new Error(`ended without ${pattern}: ${text}${container.log('stderr')}`);
        return undefined;
      }),
    exec: async (program, timeout = 0) =>
      (await call('ExecSync', { ...about, cmd: program, timeout })) as unknown as Executed,
    shell: async (script) => {
      const { stdout, stderr, exit_code } = await container.exec(['sh', '-c', script]);
      if (exit_code !== 0) throw new Error(`${script}: ended with ${exit_code}: ${stderr}`);
      return stdout.trimEnd();
    },
    update: async (resources) => void (await call('UpdateContainerResources', { ...about, linux: resources })),
    stats: async () => {
      const { stats } = (await call('ContainerStats', about)) as {
        stats: {
          memory?: { working_set_bytes?: { value: number } };
          cpu?: { usage_core_nano_seconds?: { value: number } };
        };
      };
      return {
        memory: stats.memory?.working_set_bytes?.value ?? 0,
        cpu: stats.cpu?.usage_core_nano_seconds?.value ?? 0,
      };
    },
  };
  return container;
}
