// User namespaces as data: who does what, in which order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../spec/generated/types.ts';
import type { InitInputs, UserNamespaceInputs } from './inputs.ts';
import type { Plan } from './plan.ts';
import {
  type Answer,
  during,
  lines,
  planOf,
  type Run,
  run as runOn,
  sentences,
  type TracedCall,
} from './test-support.ts';

const namespaces = ['user', 'mount', 'pid', 'network', 'ipc', 'uts'].map((type) => ({ type }));
const linux = { namespaces, uidMappings: [], gidMappings: [] } as unknown as NonNullable<Config['linux']>;
const tree = {
  path: '/src',
  recursive: true,
  into: { fd: 20, text: 'tree' },
  changes: [{ set: 1, clear: 0, propagation: 0, recursive: false }],
  step: { sentence: 'copy /src', pointer: '/mounts/0/source' },
};

function user(change: Partial<UserNamespaceInputs> = {}): Partial<InitInputs> {
  return {
    userNamespace: {
      kind: 'created',
      isCallerRoot: true,
      setgroups: 'allow',
      treesBy: 'launcher',
      trees: [tree],
      rootPlace: { fd: 21, text: 'place' },
      ...change,
    },
  };
}

const NUMBERS: Readonly<Record<string, readonly [number, number]>> = {
  null: [1, 3],
  zero: [1, 5],
  full: [1, 7],
  random: [1, 8],
  urandom: [1, 9],
  tty: [5, 0],
};

/** What statx(2) says of the host's devices; `mode`: their kind. */
function devicesOfHost(mode: number): (call: TracedCall) => Answer {
  return ({ name, sentence }) => {
    if (name !== 'statx') return undefined;
    const [major, minor] = NUMBERS[/make the device \/dev\/(\w+)/.exec(sentence)?.[1] ?? ''] ?? [0, 0];
    const bytes = Buffer.alloc(256);
    bytes.writeUInt16LE(mode, 28);
    bytes.writeUInt32LE(major, 128);
    bytes.writeUInt32LE(minor, 132);
    return { result: 0, write: { argument: 4, bytes } };
  };
}

/** Carries a plan out on a host with the usual devices. */
function run(plan: Plan, answer: (call: TracedCall) => Answer = () => undefined): Run {
  const devices = devicesOfHost(0o020666);
  return runOn(plan, (call) => answer(call) ?? devices(call));
}

/** Position of the first call whose line matches. */
function position(all: readonly string[], pattern: RegExp): number {
  const at = all.findIndex((line) => pattern.test(line));
  assert.notEqual(at, -1, `${pattern} in\n${all.join('\n')}`);
  return at;
}

test('init is born in the user, pid and mount namespaces, becomes root, and then makes the others', () => {
  const { trace, end } = run(planOf({ linux }, user()));
  assert.equal(end, 'executed');
  const all = lines(trace);
  const birth = position(all, /^clone3/);
  assert.match(
    all[birth] ?? '',
    /flags=CLONE_PARENT\|CLONE_NEWUSER\|CLONE_NEWNS\|CLONE_NEWPID\|CLONE_FILES\|CLONE_PIDFD\}/,
  );
  const steps = [
    /^read\(3, /,
    /^setgroups\(0, 0\)/,
    /^setresgid\(0, 0, 0\)/,
    /^setresuid\(0, 0, 0\)/,
    /^prctl\(PR_SET_DUMPABLE, 0/,
    /^unshare\(CLONE_NEWNET\|CLONE_NEWIPC\|CLONE_NEWUTS\)/,
    /^setsid/,
  ];
  let last = birth;
  for (const pattern of steps) {
    const at = last + 1 + position(all.slice(last + 1), pattern);
    last = at;
  }
});

test('the launcher copies the trees in the mount namespace of init, with the rights of the host’s root', () => {
  // Here clone3 answers the launcher.
  const { trace, end } = run(planOf({ linux }, user()), ({ name, args }) =>
    name === 'clone3' && args[0]?.includes('CLONE_PARENT') === true ? 4711 : undefined,
  );
  assert.equal(end, 'exited');
  const after = lines(trace).slice(lines(trace).findIndex((line) => line.startsWith('clone3')) + 1);
  assert.deepEqual(
    after.map((line) => line.slice(0, line.indexOf('('))),
    ['write', 'setns', 'open_tree', 'mount_setattr', 'dup3', 'close', 'openat', 'dup3', 'close', 'exit_group'],
  );
  assert.match(after[1] ?? '', /CLONE_NEWNS/);
  assert.match(after[2] ?? '', /"\/src".*AT_RECURSIVE/);
  assert.match(after[4] ?? '', /tree, O_CLOEXEC/);
});

test('init itself copies nothing that the launcher has copied', () => {
  const { trace } = run(planOf({ linux }, user()));
  assert.deepEqual(during(trace, 'copy /src'), []);
});

test('init copies the trees of a caller without privileges while it still is that caller', () => {
  const { trace, end } = run(planOf({ linux }, user({ isCallerRoot: false, setgroups: 'deny', treesBy: 'init' })));
  assert.equal(end, 'executed');
  const all = lines(trace);
  assert.ok(position(all, /open_tree\(AT_FDCWD, "\/src"/) < position(all, /^setresuid\(0, 0, 0\)/));
  assert.equal(
    all.some((line) => line.startsWith('setgroups')),
    false,
  );
});

test('init waits for its maps before it does anything, and ends when the runtime is gone', () => {
  const plan = planOf({ linux }, user());
  const { trace, end } = run(plan, ({ name }) => (name === 'read' ? 0 : undefined));
  assert.equal(end, 'exited');
  const all = lines(trace);
  assert.deepEqual(
    all.slice(position(all, /^clone3/) + 1).map((line) => line.slice(0, line.indexOf('('))),
    ['read', 'exit_group'],
  );
});

test('CVE-2016-9962: no process is looked into between a join and the program but by who may', () => {
  const joined = namespaces.map(({ type }) => (type === 'user' ? { type, path: '/u' } : { type }));
  for (const isCallerRoot of [true, false]) {
    const inputs = user({ kind: 'joined', isCallerRoot, setgroups: 'unknown', treesBy: 'init' });
    const all = lines(run(planOf({ linux: { ...linux, namespaces: joined } as typeof linux }, inputs)).trace);
    assert.ok(position(all, /^prctl\(PR_SET_DUMPABLE, 0/) < position(all, /^setns/));
  }
  // Only a caller without privileges gets the sight of init, when init has nothing any more.
  const root = lines(run(planOf({ linux }, user())).trace);
  assert.equal(
    root.some((line) => line.startsWith('prctl(PR_SET_DUMPABLE, 1')),
    false,
  );
  const rootless = lines(run(planOf({ linux }, user({ isCallerRoot: false }))).trace);
  assert.ok(position(rootless, /^prctl\(PR_SET_DUMPABLE, 1/) > position(rootless, /^pivot_root/));
});

test('what belongs to another user namespace is joined before the one that is joined, pid last of each', () => {
  const joinedTypes = ['pid', 'network', 'ipc', 'user'].map((type) => ({ type, path: `/${type}` }));
  const config = { linux: { ...linux, namespaces: joinedTypes } as typeof linux };
  const joined = (['pid', 'network', 'ipc', 'user'] as const).map((type, index) => ({
    type,
    descriptor: { fd: 30 + index, text: type },
    pointer: `/linux/namespaces/${index}/path`,
    ...(type === 'network' ? { beforeUser: true } : {}),
  }));
  const plan = planOf(config, {
    ...user({ kind: 'joined', treesBy: 'init', trees: [], setgroups: 'unknown' }),
    namespaces: { joined, created: [{ type: 'mount', pointer: '/linux/namespaces/0' }] },
  });
  const order = lines(run(plan).trace, 'setns').map((line) => /^setns\((\w+)/.exec(line)?.[1]);
  assert.deepEqual(order, ['network', 'user', 'ipc', 'pid']);
});

test('a namespace that is joined may deny setgroups, one that is made may not fail so', () => {
  const denied = (inputs: Partial<InitInputs>) =>
    run(planOf({ linux }, inputs), ({ name }) => (name === 'setgroups' ? 'EPERM' : undefined)).end;
  assert.equal(denied(user({ setgroups: 'unknown' })), 'executed');
  assert.deepEqual(denied(user()), { sentence: 'become root of the user namespace', errno: 'EPERM' });
});

test('devices are bound from the host after a look at what they are', () => {
  const plan = planOf({ linux }, user());
  const good = run(plan);
  assert.equal(good.end, 'executed');
  const bound = during(good.trace, 'make the device /dev/null').map(({ name }) => name);
  assert.deepEqual(bound, ['mknodat', 'openat', 'open_tree', 'statx', 'mount_setattr', 'move_mount']);
  const file = run(plan, devicesOfHost(0o100666));
  assert.ok(typeof file.end === 'object' && file.end.errno === 'ENODEV', JSON.stringify(file.end));
  assert.match(file.end.sentence, /\/dev\/null.*character device 1:3/);
});

test('a pipe is made, not bound', () => {
  const devices = [{ path: '/dev/pipe', type: 'p', uid: 3, gid: 4 }];
  const plan = planOf({ linux: { ...linux, devices } as typeof linux }, user());
  const calls = plan.operations.filter(({ step }) => step?.sentence === 'make the device /dev/pipe');
  assert.deepEqual(calls.flatMap((operation) => (operation.kind === 'call' ? [operation.name] : [])).slice(0, 2), [
    'mknodat',
    'fchownat',
  ]);
});

test('sysctls are written while a whole proc is in sight', () => {
  const sysctl = { 'net.ipv4.ip_forward': '1' };
  const order = sentences(planOf({ linux: { ...linux, sysctl } as typeof linux }, user()));
  const at = (pattern: RegExp) => order.findIndex((sentence) => pattern.test(sentence));
  assert.ok(at(/sysctl net/) < at(/change the root/));
});

test('limits are left to a caller who is root, and set by init for any other', () => {
  const process = {
    cwd: '/',
    args: ['/bin/true'],
    rlimits: [{ type: 'RLIMIT_NPROC', soft: 5, hard: 6 }],
  } as unknown as NonNullable<Config['process']>;
  const limited = (inputs: Partial<InitInputs>) =>
    sentences(planOf({ process, linux }, inputs)).some((sentence) => /NPROC/.test(sentence));
  assert.equal(limited(user()), false);
  assert.equal(limited(user({ isCallerRoot: false })), true);
  assert.equal(limited(user({ kind: 'inherited', treesBy: 'init' })), true);
});

test('without a user namespace none of it is in the plan', () => {
  const all = sentences(planOf({ linux: { namespaces: namespaces.slice(1) } as typeof linux }));
  assert.equal(
    all.some((sentence) => /user namespace|ids are mapped|place of the root/.test(sentence)),
    false,
  );
});
