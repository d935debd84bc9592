// The compiler: what a config becomes, as data, and what init does with it against a kernel that is made up. No root, no container.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultConfig } from '../spec/default-config.ts';
import { compileInit } from './compile.ts';
import { encodeImage } from './image.ts';
import { during, inputsOf, lines, planOf, run, sentences, siginfo, type TracedCall } from './test-support.ts';

const names = (trace: readonly TracedCall[]): string[] => trace.map(({ name }) => name);
const proc = { destination: '/proc', type: 'proc', source: 'proc' };

test('a file system gets its attributes before it is attached anywhere', () => {
  const { trace } = run(
    planOf({ mounts: [{ destination: '/t', type: 'tmpfs', options: ['nosuid', 'noexec', 'size=1m'] }] }),
  );
  const made = during(trace, /^mount tmpfs on \/t/);
  const fsmount = made.findIndex(({ name }) => name === 'fsmount');
  assert.match(lines(made, 'fsmount')[0] ?? '', /MOUNT_ATTR_NOSUID\|MOUNT_ATTR_NOEXEC/);
  assert.ok(fsmount < made.findIndex(({ name }) => name === 'move_mount'));
  assert.ok(lines(made, 'fsconfig').some((line) => line.includes('"size", "1m"')));
});

test('an option that the file system refuses is named with its own pointer', () => {
  const plan = planOf({ mounts: [{ destination: '/t', type: 'tmpfs', options: ['nosuid', 'sizze=1m'] }] });
  const { end } = run(plan, ({ args }) => (args.includes('"sizze"') ? 'EINVAL' : undefined));
  assert.ok(typeof end === 'object');
  assert.match(end.sentence, /the option "sizze=1m"$/);
  const step = plan.operations.find((operation) => operation.step?.sentence === end.sentence)?.step;
  assert.equal(step?.pointer, '/mounts/0/options/1');
});

test('proc and sysfs are never mounted through a link', () => {
  const { trace } = run(planOf({ mounts: [proc, { destination: '/sys', type: 'sysfs', source: 'sysfs' }] }));
  const targets = trace.filter(({ name, sentence }) => name === 'openat2' && /^mount (proc|sysfs)/.test(sentence));
  assert.equal(targets.length >= 2, true);
  for (const { args } of targets) assert.match(args.join(), /RESOLVE_NO_SYMLINKS/);
});

test('every path of the container is resolved in its root, and through no magic link', () => {
  const plan = planOf({
    mounts: [proc, { destination: '/a/b', type: 'tmpfs' }, { destination: '/c', source: '/src', options: ['bind'] }],
    linux: { maskedPaths: ['/proc/kcore'], readonlyPaths: ['/proc/sys'], namespaces: [{ type: 'mount' }] },
  });
  let seen = 0;
  for (const { name, args } of run(plan).trace) {
    if (name !== 'openat2') continue;
    seen += 1;
    assert.match(args.join(), /RESOLVE_IN_ROOT/);
    assert.match(args.join(), /RESOLVE_NO_MAGICLINKS/);
  }
  assert.ok(seen >= 5, `${seen} paths`);
});

test('a read-only path is bound on itself, read-only before it is attached; a missing one is left', () => {
  const plan = planOf({ linux: { readonlyPaths: ['/there', '/missing'], namespaces: [{ type: 'mount' }] } });
  const { trace, end } = run(plan, ({ name, args }) =>
    name === 'openat2' && args[1] === '"/missing"' ? 'ENOENT' : undefined,
  );
  assert.equal(end, 'executed');
  const calls = during(trace, 'make /there read-only');
  assert.deepEqual(names(calls), ['openat2', 'open_tree', 'mount_setattr', 'move_mount']);
  assert.match(lines(calls, 'mount_setattr')[0] ?? '', /attr_set=MOUNT_ATTR_RDONLY/);
  assert.deepEqual(names(during(trace, 'make /missing read-only')), ['openat2']);
});

test('the pointer of each step leads into the config, at least to the parent of a value that is absent', () => {
  const config = { ...defaultConfig({ rootless: false }) };
  const pointers = compileInit(inputsOf(config)).operations.flatMap(({ step }) => step?.pointer ?? []);
  assert.ok(new Set(pointers).size > 20);
  for (const pointer of new Set(pointers)) {
    let value: unknown = config;
    for (const part of pointer.slice(1).split('/').slice(0, -1)) value = (value as Record<string, unknown>)?.[part];
    assert.notEqual(value, undefined, pointer);
  }
});

test('a mount point that turns out to lie in a procfs is refused', () => {
  const statfs = Buffer.alloc(8);
  statfs.writeBigUInt64LE(0x9fa0n);
  const { end, trace } = run(planOf({ mounts: [{ destination: '/a', type: 'tmpfs' }] }), ({ name }) =>
    name === 'fstatfs' ? { result: 0, write: { argument: 1, bytes: statfs } } : undefined,
  );
  assert.ok(typeof end === 'object' && /it lies inside \/proc$/.test(end.sentence), JSON.stringify(end));
  assert.equal(names(during(trace, /^mount tmpfs on \/a/)).includes('move_mount'), false);
});

test('a mount point that is missing is made below its parent, component by component', () => {
  let made = 0;
  const { trace, end } = run(planOf({ mounts: [{ destination: '/a/b', type: 'tmpfs' }] }), ({ name, args }) => {
    if (name === 'mkdirat') made += 1;
    return name === 'openat2' && made < 2 && args[1] === '"/a/b"' ? 'ENOENT' : undefined;
  });
  assert.equal(end, 'executed');
  assert.deepEqual(
    lines(during(trace, /^mount tmpfs on \/a\/b/), 'mkdirat').map((line) => line.replace(/^mkdirat\(.*?, /, '')),
    ['"a", 0755)', '"b", 0755)'],
  );
});

test('a component that somebody else has just made is taken; one that can’t be made ends init with the mount’s step', () => {
  const plan = planOf({ mounts: [{ destination: '/a', type: 'tmpfs', options: ['mode=755'] }] });
  let missing = true;
  const racing = run(plan, ({ name }) => {
    if (name === 'openat2' && missing) {
      missing = false;
      return 'ENOENT';
    }
    return name === 'mkdirat' ? 'EEXIST' : undefined;
  });
  assert.equal(racing.end, 'executed');
  let first = true;
  const failing = run(plan, ({ name }) => {
    if (name === 'openat2' && first) {
      first = false;
      return 'ENOENT';
    }
    return name === 'mkdirat' ? 'EROFS' : undefined;
  });
  assert.deepEqual(failing.end, { sentence: 'mount tmpfs on /a (mode=755)', errno: 'EROFS' });
});

test('a masked directory is covered by the empty tmpfs, a file by the host’s null device, and what is missing is left', () => {
  const plan = planOf({ linux: { maskedPaths: ['/dir', '/file', '/missing'], namespaces: [{ type: 'mount' }] } });
  const { trace, end } = run(plan, ({ name, args }) => {
    if (name !== 'openat2') return undefined;
    if (args[1] === '"/missing"') return 'ENOENT';
    return args[1] === '"/file"' && args.join().includes('O_DIRECTORY') ? 'ENOTDIR' : undefined;
  });
  assert.equal(end, 'executed');
  const cover = (path: string): string[] => lines(during(trace, `mask ${path}`), 'move_mount');
  assert.match(cover('/dir')[0] ?? '', /copy of mount:tmpfs/);
  assert.match(cover('/file')[0] ?? '', /copy of host:\/dev\/null/);
  assert.deepEqual(cover('/missing'), []);
});

test('a root that shares mounts keeps its peers and has a private parent; any other is cut off from the host', () => {
  const of = (word?: 'shared' | 'private' | 'slave') =>
    planOf(
      { linux: { namespaces: [{ type: 'mount' }], ...(word === undefined ? {} : { rootfsPropagation: word }) } },
      { root: { tree: { fd: 5, text: 'root' }, path: '/r', ...(word === 'shared' ? { parentMount: '/' } : {}) } },
    );
  const cut = (plan: ReturnType<typeof of>) =>
    lines(during(run(plan).trace, /keep mounts of the container/), 'mount_setattr');
  assert.match(cut(of())[0] ?? '', /"\/", AT_RECURSIVE, \{propagation=MS_SLAVE\}/);
  assert.match(cut(of('private'))[0] ?? '', /propagation=MS_PRIVATE/);
  assert.deepEqual(cut(of('shared')), []);
  const shared = run(of('shared')).trace;
  assert.match(lines(during(shared, /make \/ private/))[0] ?? '', /"\/", 0, \{propagation=MS_PRIVATE\}/);
  assert.match(lines(during(shared, 'set the propagation of the root'))[0] ?? '', /MS_SHARED/);
});

test('the default devices are made, but for those that the config mounts; a /dev that is bound is left alone', () => {
  const nodes = (mounts: NonNullable<Parameters<typeof planOf>[0]>['mounts']) =>
    lines(run(planOf({ mounts: mounts ?? [] })).trace, 'mknodat').flatMap(
      (line) => /"(\w+)", S_IFCHR/.exec(line)?.[1] ?? [],
    );
  assert.deepEqual(nodes([]), ['null', 'zero', 'full', 'random', 'urandom', 'tty']);
  assert.deepEqual(nodes([{ destination: '/dev/null', source: '/x', options: ['bind'] }]), [
    'zero',
    'full',
    'random',
    'urandom',
    'tty',
  ]);
  assert.deepEqual(nodes([{ destination: '/dev', source: '/dev', options: ['rbind'] }]), []);
});

test('exactly what is not in the bounding set is dropped from it', () => {
  const capabilities = { bounding: ['CAP_CHOWN', 'CAP_KILL'], permitted: ['CAP_KILL'], effective: ['CAP_KILL'] };
  const { trace } = run(planOf({ process: { cwd: '/', args: ['/x'], capabilities } }));
  const dropped = lines(trace, 'prctl').flatMap((line) => /PR_CAPBSET_DROP, (CAP_\w+)/.exec(line)?.[1] ?? []);
  assert.equal(dropped.length, 39);
  assert.equal(dropped.includes('CAP_CHOWN') || dropped.includes('CAP_KILL'), false);
  assert.match(lines(trace, 'capset')[0] ?? '', /effective=0x20, permitted=0x20, inheritable=0x0/);
});

test('an ambient capability that is not permitted and inheritable too is left out', () => {
  const capabilities = {
    bounding: ['CAP_CHOWN', 'CAP_KILL'],
    permitted: ['CAP_CHOWN', 'CAP_KILL'],
    inheritable: ['CAP_KILL'],
    ambient: ['CAP_CHOWN', 'CAP_KILL'],
  };
  const { trace } = run(planOf({ process: { cwd: '/', args: ['/x'], capabilities } }));
  assert.deepEqual(
    lines(trace, 'prctl').flatMap((line) => /AMBIENT_RAISE, (CAP_\w+)/.exec(line)?.[1] ?? []),
    ['CAP_KILL'],
  );
});

test('limits are exact beyond 2^53', () => {
  const rlimits = [{ type: 'RLIMIT_CORE', soft: 18446744073709552000, hard: 18446744073709552000 }];
  const plan = planOf({ process: { cwd: '/', args: ['/x'], rlimits } }, { exactInteger: () => 18446744073709551615n });
  const [line = ''] = lines(during(run(plan).trace, /^limit RLIMIT_CORE/));
  assert.match(line, /rlim_cur=18446744073709551615, rlim_max=18446744073709551615/);
});

test('privileges go in the order that the kernel needs', () => {
  const process = { cwd: '/', args: ['/x'], user: { uid: 7, gid: 8, additionalGids: [9] }, noNewPrivileges: true };
  const { trace } = run(planOf({ process }));
  const order = ['setgroups', 'setresgid', 'setresuid', 'capset', 'getcwd', 'umask'];
  const at = names(trace);
  assert.deepEqual(
    order.map((name) => at.lastIndexOf(name)).toSorted((a, b) => a - b),
    order.map((name) => at.lastIndexOf(name)),
  );
  assert.deepEqual(lines(trace, 'setgroups', 'setresgid', 'setresuid'), [
    'setgroups(1, [9])',
    'setresgid(8, 8, 8)',
    'setresuid(7, 7, 7)',
  ]);
  assert.ok(at.lastIndexOf('capset') < trace.findIndex(({ args }) => args[0] === 'PR_SET_NO_NEW_PRIVS'));
});

test('a working directory outside of the root is refused (CVE-2024-21626)', () => {
  const { end } = run(planOf(), ({ name }) =>
    name === 'getcwd' ? { result: 5, write: { argument: 0, bytes: Buffer.from('(unreachable)/\0') } } : undefined,
  );
  assert.ok(typeof end === 'object' && /outside of the container's root/.test(end.sentence));
});

test('PATH is searched in its order; a file that may not be executed is passed over, and told of when there is no other', () => {
  const process = { cwd: '/', args: ['prog'], env: ['HOME=/', 'PATH=/a:/b'] };
  const found = (answers: Record<string, 'ENOENT' | 'EACCES'>) =>
    run(planOf({ process }), ({ name, args }) => (name === 'faccessat' ? answers[args[1] ?? ''] : undefined));
  const second = found({ '"/a/prog"': 'EACCES' });
  assert.equal(second.end, 'executed');
  assert.match(lines(second.trace, 'execve')[0] ?? '', /"\/b\/prog"/);
  assert.deepEqual(found({ '"/a/prog"': 'EACCES', '"/b/prog"': 'ENOENT' }).end, {
    sentence: 'exec: "prog"',
    errno: 'EACCES',
  });
  assert.deepEqual(found({ '"/a/prog"': 'ENOENT', '"/b/prog"': 'ENOENT' }).end, {
    sentence: 'exec: "prog": executable file not found in $PATH',
    errno: 'ENOENT',
  });
});

test('where a user’s capabilities override permissions, they are heeded in the search', () => {
  const process = {
    cwd: '/',
    args: ['prog'],
    env: ['PATH=/a:/b'],
    user: { uid: 7, gid: 7 },
    capabilities: { effective: ['CAP_DAC_OVERRIDE'] },
  };
  const answered = (answer: 'EACCES' | undefined) =>
    run(planOf({ process }), ({ name, args }) =>
      args[1] === '"/a/prog"'
        ? name === 'faccessat'
          ? 'EACCES'
          : name === 'faccessat2'
            ? answer
            : undefined
        : undefined,
    );
  assert.match(lines(answered(undefined).trace, 'execve')[0] ?? '', /"\/a\/prog"/);
  assert.match(lines(answered('EACCES').trace, 'execve')[0] ?? '', /"\/b\/prog"/);
});

test('a hook of init that ends well lets it go on; any other end ends init with the hook’s step', () => {
  const hooks = { createContainer: [{ path: '/hook', timeout: 3 }] };
  const ended = (code: number, status: number) =>
    run(planOf({ hooks }), ({ name }) =>
      name === 'waitid' ? { result: 0, write: { argument: 2, bytes: siginfo(code, status) } } : undefined,
    ).end;
  const failed = { sentence: 'run createContainer hook #0: /hook', errno: 'ECANCELED' };
  assert.equal(ended(1, 0), 'executed');
  assert.deepEqual(ended(1, 3), failed);
  assert.deepEqual(ended(2, 9), failed);
  const late = run(planOf({ hooks }), ({ name }) => (name === 'ppoll' ? 0 : undefined));
  assert.deepEqual(late.end, failed);
  assert.ok(names(late.trace).includes('pidfd_send_signal'));
});

test('a kernel that signals no group by a descriptor is given the number of the hook’s', () => {
  const hooks = { createContainer: [{ path: '/hook', timeout: 3 }] };
  const late = run(planOf({ hooks }), ({ name, args }) =>
    name === 'ppoll' ? 0 : args.includes('PIDFD_SIGNAL_PROCESS_GROUP') ? 'EINVAL' : undefined,
  );
  // The made-up kernel's clone gives 77.
  assert.deepEqual(lines(late.trace, 'kill'), ['kill(-77, 9)']);
});

test('namespaces are joined user first and pid last, before init is cloned', () => {
  const joined = ['pid', 'uts', 'network', 'user'].map((type) => ({ type: type as 'pid', path: `/ns/${type}` }));
  const { trace } = run(planOf({ linux: { namespaces: [{ type: 'mount' }, ...joined] } }));
  assert.deepEqual(
    lines(trace, 'setns').map((line) => /ns\/(\w+)/.exec(line)?.[1]),
    ['user', 'network', 'uts', 'pid'],
  );
  assert.ok(names(trace).lastIndexOf('setns') < names(trace).indexOf('clone3'));
});

test('with --no-pivot the host’s proc and sysfs are taken away before the root is moved', () => {
  const { trace } = run(planOf({}, { noPivot: { fullyVisible: ['/proc', '/sys'] } }));
  const at = names(trace);
  assert.equal(at.includes('pivot_root'), false);
  assert.deepEqual(
    lines(during(trace, /^take the host's/), 'umount2').map((line) => /"(.*?)"/.exec(line)?.[1]),
    ['/proc', '/sys'],
  );
  assert.ok(at.includes('chroot'));
});

test('without a mount namespace of its own init mounts and attaches nothing', () => {
  const { trace, end } = run(planOf({ linux: { namespaces: [{ type: 'pid' }] } }));
  assert.equal(end, 'executed');
  for (const name of ['move_mount', 'mount', 'mount_setattr', 'pivot_root'])
    assert.equal(names(trace).includes(name), false, name);
});

test('init ends when the runtime is gone before it has written the state', () => {
  const { end, trace } = run(planOf(), ({ name }) => (name === 'read' ? 0 : undefined));
  assert.equal(end, 'exited');
  assert.equal(names(trace).at(-1), 'exit_group');
});

test('every descriptor that init opens is close-on-exec', () => {
  const { trace } = run(
    planOf({
      mounts: [proc],
      linux: { maskedPaths: ['/x'], namespaces: [{ type: 'mount' }], sysctl: { 'kernel.shmmax': '1' } },
    }),
  );
  for (const { name, args } of trace) {
    if (name === 'openat2' || name === 'open_tree') assert.match(args.join(), /CLOEXEC/, `${name}(${args})`);
    if (name === 'fsopen' || name === 'fsmount' || name === 'socket')
      assert.match(args.join(), /CLOEXEC/, `${name}(${args})`);
  }
  // What openat(2) opens is closed before init is ready, by number.
  assert.ok(names(during(trace, 'close all that preparing has opened')).includes('close_range'));
});

test('each call and each failure belongs to a step with a sentence, and the plan reads in the order of the life cycle', () => {
  const plan = compileInit(inputsOf(defaultConfig({ rootless: false })));
  for (const operation of plan.operations) {
    if (operation.kind === 'call' || operation.kind === 'fail') assert.notEqual(operation.step.sentence, '');
  }
  const all = sentences(plan);
  const order = [
    'find the socket to the runtime',
    'begin a session without a terminal',
    'change the root',
    'wait for start',
  ];
  const places = order.map((sentence) => all.indexOf(sentence));
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  assert.equal(places.includes(-1), false);
});

test('the image for the config of spec has at most 32 KiB, on both machines', () => {
  const plan = compileInit(inputsOf(defaultConfig({ rootless: false })));
  for (const architecture of ['x64', 'arm64'] as const) {
    const { length } = encodeImage(plan, architecture);
    assert.ok(length <= 32 * 1024, `${architecture}: ${length} bytes`);
  }
});

test('a string with a NUL is refused, not cut', () => {
  assert.throws(() => planOf({ hostname: 'a\0b' }), { name: 'RuntError' });
});

test('a hook may have as much time as a number can say', () => {
  for (const timeout of [2 ** 53, 2 ** 63]) planOf({ hooks: { startContainer: [{ path: '/hook', timeout }] } });
});

test('what runt itself asks of a file system is no option of the config', () => {
  const mounts = [{ destination: '/cgroup', type: 'cgroup', options: ['ro'] }];
  const prepared = {
    kind: 'cgroup1',
    destination: '/cgroup',
    present: 0,
    hierarchies: [{ name: 'pids', path: '/p' }],
  } as const;
  const pointers = planOf({ mounts }, { mounts: [prepared] }).operations.map(({ step }) => step?.pointer);
  assert.ok(pointers.includes('/mounts/0'));
  assert.ok(!pointers.some((pointer) => pointer?.startsWith('/mounts/0/options')));
});
