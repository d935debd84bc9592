// What the tests of this directory share: inputs made by hand, and init carried out against a kernel that is made up. Its descriptors
// have names (`root/proc`, `mount:tmpfs`), so that a call in the trace says what it was made on.

import type { ErrnoName } from '../linux/errno.ts';
import { ERRNO, errnoName } from '../linux/errno.ts';
import { parseMountOptions } from '../linux/mount-options.ts';
import type { Config } from '../spec/generated/types.ts';
import { compileInit } from './compile.ts';
import type { InitInputs, PreparedMount } from './inputs.ts';
import { interpretWith, type World } from './machine/reference.ts';
import type { CallOperation, Operand, Plan } from './plan.ts';
import { SLOTS } from './plan.ts';

/** A small config of Linux with other properties. */
export function configOf(change: Partial<Config> = {}): Config {
  return {
    ociVersion: '1.3.0',
    process: { cwd: '/', args: ['/bin/true'], env: ['HOME=/'] },
    root: { path: 'rootfs' },
    ...change,
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }], ...change.linux },
  };
}

/** Descriptors: 3 the channel, 4 the start socket, 5 the root, 6 and 7 those of hooks, from 10 on the rest. */
export function inputsOf(config: Config, change: Partial<InitInputs> = {}): InitInputs {
  let next = 10;
  const namespaces = config.linux?.namespaces ?? [];
  const mounts = (config.mounts ?? []).map((mount): PreparedMount => {
    const place = { destination: mount.destination, present: 0 };
    const isBind = mount.type === 'bind' || parseMountOptions(mount.options ?? []).bind !== undefined;
    if (!isBind) return { kind: 'filesystem', type: mount.type ?? '', ...place };
    return { kind: 'bind', tree: { fd: next++, text: mount.source ?? '' }, isDirectory: true, ...place };
  });
  return {
    config,
    id: 'box',
    channel: { fd: 3, text: 'runtime' },
    start: { order: { fd: 4, text: 'start' }, answer: { fd: 4, text: 'started' } },
    root: { tree: { fd: 5, text: 'root' }, path: '/bundle/rootfs' },
    mounts,
    namespaces: {
      joined: namespaces.flatMap(({ type, path }, index) =>
        path === undefined
          ? []
          : [{ type, descriptor: { fd: next++, text: path }, pointer: `/linux/namespaces/${index}/path` }],
      ),
      created: namespaces.flatMap(({ type, path }, index) =>
        path === undefined ? [{ type, pointer: `/linux/namespaces/${index}` }] : [],
      ),
    },
    cgroups: { entries: [] },
    preserveFds: 0,
    newKeyring: true,
    caller: { openFiles: { soft: 1024n, hard: 4096n }, ignoredSignals: [] },
    kcore: false,
    ...(config.hooks === undefined
      ? {}
      : {
          hooks: {
            state: { fd: 6, text: 'state' },
            output: { fd: 7, text: 'output' },
          },
        }),
    exactInteger: () => undefined,
    ...change,
  };
}

export function planOf(change: Partial<Config> = {}, inputs: Partial<InitInputs> = {}): Plan {
  const config = configOf(change);
  return compileInit(inputsOf(config, inputs));
}

/** The sentences of the plan's steps, in order, each once where it is repeated. */
export function sentences(plan: Plan): string[] {
  const all = plan.operations.flatMap(({ step }) => (step === undefined ? [] : [step.sentence]));
  return all.filter((sentence, index) => sentence !== all[index - 1]);
}

export interface TracedCall {
  readonly at: number;
  readonly name: string;
  readonly args: readonly string[];
  readonly sentence: string;
}

/** What the made-up kernel answers: an error, a value, or undefined for what usually happens. `write` is put to data. */
export type Answer =
  | ErrnoName
  | number
  | undefined
  | { readonly result: number; readonly write: { readonly argument: number; readonly bytes: Uint8Array } };

export interface Run {
  readonly trace: readonly TracedCall[];
  /** How it ended: the program was executed, init left by itself, or a step failed. */
  readonly end: 'executed' | 'exited' | { readonly sentence: string; readonly errno: string };
}

const OPENING = new Set(['openat', 'openat2', 'open_tree', 'fsopen', 'fsmount', 'accept4', 'socket']);

/** Carries out a plan from its beginning, as the launcher and then as init. */
export function run(plan: Plan, answer: (call: TracedCall) => Answer = () => undefined): Run {
  const world: World = {
    slots: new BigUint64Array(SLOTS),
    variable: Buffer.from(plan.variable),
    umask: 0n,
    position: 0n,
  };
  const names = new Map<bigint, string>();
  const trace: TracedCall[] = [];
  const end = plan.labels[plan.failureHandler] ?? Number.NaN;
  const shown = (operand: Operand, value: bigint): string => {
    if (operand.kind === 'slot') return names.get(value) ?? String(value);
    return /^\d+<(.*)>$/s.exec(operand.text)?.[1] ?? operand.text;
  };
  interpretWith(
    plan,
    end,
    (operation, values, _, at) => {
      const args = operation.args.map((operand, index) => shown(operand, values[index] ?? 0n));
      const call: TracedCall = { at, name: operation.name, args, sentence: operation.step.sentence };
      trace.push(call);
      const given = answer(call) ?? usual(operation, world);
      if (typeof given === 'string') return BigInt(-ERRNO[given]);
      if (given !== undefined) {
        if (typeof given === 'object') write(operation, given.write, world);
        return BigInt(typeof given === 'object' ? given.result : given);
      }
      const fd = BigInt(1000 + trace.length);
      names.set(fd, nameOf(operation.name, args));
      return OPENING.has(operation.name) ? fd : 0n;
    },
    world,
  );
  const errno = Number(world.variable.readBigUInt64LE(8));
  const failed = plan.operations[Number(world.variable.readBigUInt64LE(0))];
  if (errno !== 0) return { trace, end: { sentence: failed?.step?.sentence ?? '', errno: errnoName(errno) } };
  return { trace, end: trace.at(-1)?.name === 'execve' ? 'executed' : 'exited' };
}

function usual(operation: CallOperation, world: World): Answer {
  switch (operation.name) {
    case 'clone3':
      // The launcher's child is init.
      return 0;
    case 'clone':
      // A hook, as its parent sees it.
      return 77;
    case 'read':
    case 'ppoll':
      return 1;
    case 'getcwd':
      write(operation, { argument: 0, bytes: Buffer.from('/\0') }, world);
      return 2;
    case 'waitid':
      write(operation, { argument: 2, bytes: siginfo(1, 0) }, world);
      return 0;
    default:
      return undefined;
  }
}

function write(
  { args }: CallOperation,
  { argument, bytes }: { readonly argument: number; readonly bytes: Uint8Array },
  world: World,
): void {
  const to = args[argument];
  if (to?.kind === 'data') world.variable.set(bytes, to.offset);
}

function nameOf(name: string, args: readonly string[]): string {
  const text = (argument: string | undefined): string => (argument ?? '').replace(/^"|"$/g, '');
  if (name === 'fsopen') return `fs:${text(args[0])}`;
  if (name === 'fsmount') return `mount:${(args[0] ?? '').replace(/^fs:/, '')}`;
  if (name === 'accept4' || name === 'socket') return name === 'socket' ? 'socket' : 'start connection';
  const directory = args[0] === 'AT_FDCWD' ? 'host:' : (args[0] ?? '');
  const path = text(args[1]);
  const joined =
    path === '' || path.startsWith('/') || directory === 'host:' ? directory + path : `${directory}/${path}`;
  return name === 'open_tree' ? `copy of ${joined}` : joined;
}

/** The first bytes of a siginfo_t as waitid(2) fills it. */
export function siginfo(code: number, status: number): Uint8Array {
  const bytes = Buffer.alloc(32);
  bytes.writeInt32LE(code, 8);
  bytes.writeInt32LE(status, 24);
  return bytes;
}

/** Calls as text, `mkdirat(root, "proc", 0755)`; of those names only, where some are given. */
export function lines(trace: readonly TracedCall[], ...names: readonly string[]): string[] {
  return trace
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .map(({ name, args }) => `${name}(${args.join(', ')})`);
}

/** The calls of the steps whose sentence matches. */
export function during(trace: readonly TracedCall[], sentence: RegExp | string): TracedCall[] {
  return trace.filter((call) =>
    typeof sentence === 'string' ? call.sentence === sentence : sentence.test(call.sentence),
  );
}
