// config-linux.md, "Seccomp": what a filter lets a program do, what it answers, and what the runtime itself can still do under it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Config, check, ok, refused, runtimeKind, type Sandbox } from './harness/index.ts';
import { waitFor } from './harness/wait.ts';

interface Rule {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: { index: number; value: number; valueTwo?: number; op: string }[];
}
interface Profile {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  flags?: string[];
  listenerPath?: string;
  listenerMetadata?: string;
  syscalls?: Rule[];
}

function withProfile(profile: Profile, noNewPrivileges = true): (config: Config) => void {
  return (config) => {
    config.root.readonly = false;
    config.process.noNewPrivileges = noNewPrivileges;
    (config.linux as Config['linux'] & { seccomp: Profile }).seccomp = profile;
  };
}

const allowBut = (...syscalls: Rule[]): Profile => ({ defaultAction: 'SCMP_ACT_ALLOW', syscalls });
const refuseMkdir = (errnoRet?: number): Profile =>
  allowBut({ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', ...(errnoRet === undefined ? {} : { errnoRet }) });

/** What static busybox and a runtime need; what a program may do in a profile that refuses by default. */
const NEEDED =
  'read write close execve exit exit_group brk mmap munmap mprotect arch_prctl set_tid_address set_robust_list rseq prlimit64 readlink readlinkat getrandom uname fstat newfstatat stat lstat statx open openat fcntl dup dup2 dup3 ioctl getuid geteuid getgid getegid getpid getppid rt_sigaction rt_sigprocmask rt_sigreturn wait4 clone clone3 vfork fork futex lseek faccessat faccessat2 access capset capget prctl setgid setuid setgroups setresuid setresgid chdir getcwd umask epoll_ctl epoll_pwait epoll_create1 eventfd2 nanosleep clock_nanosleep madvise mincore sigaltstack tgkill gettid pipe2 recvfrom recvmsg sendto sendmsg getsockname fchdir fstatfs statfs pidfd_send_signal pidfd_open waitid setsid close_range sched_yield sched_getaffinity getdents64 poll ppoll select pselect6'.split(
    ' ',
  );

/** The script's output, under the profile. */
const under = (box: Sandbox, profile: Profile, script: string, noNewPrivileges = true): string =>
  box.shell(`exec 2>&1; ${script}; true`, withProfile(profile, noNewPrivileges));

for (const noNewPrivileges of [true, false]) {
  const way = noNewPrivileges ? 'with noNewPrivileges' : 'without noNewPrivileges';

  check(`the program runs under the filter: mode 2, one filter (${way})`, (box) => {
    const status = under(box, refuseMkdir(), 'grep -i seccomp /proc/self/status', noNewPrivileges);
    assert.match(status, /^Seccomp:\t2$/m);
    assert.match(status, /^Seccomp_filters:\t1$/m);
  });

  check(`a rule refuses with its errno, EPERM where it has none (${way})`, (box) => {
    assert.match(under(box, refuseMkdir(), 'mkdir /a', noNewPrivileges), /Operation not permitted/);
    assert.match(under(box, refuseMkdir(100), 'mkdir /a', noNewPrivileges), /Network is down/);
  });

  check(`what no rule allows gets the default errno (${way})`, (box) => {
    const profile = {
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [{ names: [...NEEDED, 'openat2'], action: 'SCMP_ACT_ALLOW' }],
    };
    assert.match(under(box, profile, 'mkdir /a', noNewPrivileges), /Operation not permitted/);
    const other = { ...profile, defaultErrnoRet: 6 };
    assert.match(under(box, other, 'mkdir /a', noNewPrivileges), /No such device or address/);
  });

  check(`a profile that answers newer calls with ENOSYS does not keep the container from starting (${way})`, (box) => {
    const names = 'close_range fsopen fsconfig fspick openat2 open_tree move_mount mount_setattr clone3'.split(' ');
    const profile = allowBut({ names, action: 'SCMP_ACT_ERRNO', errnoRet: 38 });
    assert.equal(under(box, profile, 'echo started', noNewPrivileges), 'started\n');
  });

  check(`the capabilities and the user are the configured ones (${way})`, (box) => {
    const edit = (config: Config): void => {
      withProfile(refuseMkdir(), noNewPrivileges)(config);
      config.process.user = { uid: 1000, gid: 1000 };
      config.process.capabilities = {
        bounding: ['CAP_CHOWN', 'CAP_KILL'],
        permitted: ['CAP_KILL'],
        effective: ['CAP_KILL'],
        inheritable: ['CAP_KILL'],
        ambient: ['CAP_KILL'],
      };
    };
    const status = box.shell('grep -E "^(Cap|Uid|NoNewPrivs)" /proc/self/status', edit);
    assert.match(status, /^Uid:\t1000\t1000\t1000\t1000$/m);
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'])
      assert.match(status, new RegExp(`^${set}:\t0{14}20$`, 'm'));
    assert.match(status, new RegExp(`^NoNewPrivs:\t${noNewPrivileges ? 1 : 0}$`, 'm'));
  });

  check(`startContainer hooks run under the filter (${way})`, { knownToFail: { crun: 'runs them without' } }, (box) => {
    const container = box.container((config) => {
      withProfile(allowBut({ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_KILL' }), noNewPrivileges)(config);
      config.hooks = { startContainer: [{ path: '/bin/mkdir', args: ['mkdir', '/tmp/hook'] }] };
    });
    const result = container.run();
    refused(result, /error running (startContainer )?hook/);
    assert.match(result.stderr, /bad system call/);
    assert.ok(!existsSync(join(container.rootfs, 'tmp/hook')));
  });
}

check('arguments decide: one rule needs all its conditions, several rules are alternatives', (box) => {
  const eq = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' });
  // kill(2): only by signal 9 of process 1 is refused, and everything by signal 10.
  const profile = allowBut(
    { names: ['kill'], action: 'SCMP_ACT_ERRNO', errnoRet: 100, args: [eq(0, 1), eq(1, 9)] },
    { names: ['kill'], action: 'SCMP_ACT_ERRNO', errnoRet: 101, args: [eq(1, 10)] },
  );
  const output = under(box, profile, 'kill -9 1; kill -0 1 && echo fine; sleep 100 & kill -10 $!; kill -9 $!');
  assert.match(output, /Network is down/);
  assert.match(output, /fine/);
  assert.match(output, /Network is unreachable/);
});

check('an argument is compared as its operator says', (box) => {
  const by = (op: string, value: number, errnoRet: number, valueTwo?: number): Rule => ({
    names: ['kill'],
    action: 'SCMP_ACT_ERRNO',
    errnoRet,
    args: [{ index: 1, op, value, ...(valueTwo === undefined ? {} : { valueTwo }) }],
  });
  const signals = [0, 8, 9, 10, 17, 25];
  /** Which of the signals the rule refuses. 100: "Network is down". */
  const refusedBy = (rule: Rule): number[] => {
    const script = signals.map((signal) => `kill -${signal} 999999 2>&1 | sed 's/^/${signal} /'`).join('; ');
    const output = under(box, allowBut(rule), script);
    return [...output.matchAll(/^(\d+) .*Network is down/gm)].map(([, signal]) => Number(signal));
  };
  assert.deepEqual(refusedBy(by('SCMP_CMP_EQ', 9, 100)), [9]);
  assert.deepEqual(refusedBy(by('SCMP_CMP_NE', 9, 100)), [0, 8, 10, 17, 25]);
  assert.deepEqual(refusedBy(by('SCMP_CMP_LT', 9, 100)), [0, 8]);
  assert.deepEqual(refusedBy(by('SCMP_CMP_LE', 9, 100)), [0, 8, 9]);
  assert.deepEqual(refusedBy(by('SCMP_CMP_GT', 9, 100)), [10, 17, 25]);
  assert.deepEqual(refusedBy(by('SCMP_CMP_GE', 9, 100)), [9, 10, 17, 25]);
  // Mask and value: the bits 8 and 1 are to be 8 and 1.
  assert.deepEqual(refusedBy(by('SCMP_CMP_MASKED_EQ', 9, 100, 9)), [9, 25]);
  assert.deepEqual(refusedBy(by('SCMP_CMP_MASKED_EQ', 9, 100, 8)), [8, 10]);
});

check('a program that makes a call with SCMP_ACT_KILL is killed', (box) => {
  const profile = allowBut({ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_KILL_PROCESS' });
  assert.match(under(box, profile, 'sh -c "exec mkdir /a"; echo $?'), /^159$/m);
});

// Machine code that makes one call, newer than any profile here (4000), and ends with its errno.
const PROBE = Buffer.from('b8a00f00000f05f7d889c7b83c0000000f05', 'hex');
/** The same in 32-bit mode: getpid by int 0x80, ends with 0 if that went well, else with its errno. */
const PROBE32 = Buffer.from('b814000000cd8085c0780431dbeb04f7d889c3b801000000cd80', 'hex');

function executable(code: Buffer): Buffer {
  const header = Buffer.alloc(120);
  header.write('\x7fELF\x02\x01\x01', 0, 'latin1');
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(62, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(0x400078n, 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64);
  header.writeUInt32LE(5, 68);
  header.writeBigUInt64LE(0x400000n, 80);
  header.writeBigUInt64LE(BigInt(120 + code.length), 96);
  header.writeBigUInt64LE(BigInt(120 + code.length), 104);
  header.writeBigUInt64LE(0x1000n, 112);
  return Buffer.concat([header, code]);
}

function probe(box: Sandbox, code: Buffer, profile: Profile): string {
  return box.shell('/probe; echo $?', (config, { rootfs }) => {
    writeFileSync(join(rootfs, 'probe'), executable(code), { mode: 0o755 });
    withProfile(profile)(config);
  });
}

const notX64 = process.arch === 'x64' ? false : 'the probes are machine code of x86-64';

check(
  'calls newer than all that the profile names get ENOSYS, not the default',
  { skip: notX64, knownToFail: { crun: 'answers the default' } },
  (box) => {
    const syscalls = [{ names: [...NEEDED, 'openat2'], action: 'SCMP_ACT_ALLOW' }];
    // Named, since older versions of runc do it for those that are.
    const architectures = ['SCMP_ARCH_X86_64'];
    assert.equal(probe(box, PROBE, { defaultAction: 'SCMP_ACT_ERRNO', architectures, syscalls }), '38\n');
    assert.equal(probe(box, PROBE, { defaultAction: 'SCMP_ACT_KILL_PROCESS', architectures, syscalls }), '38\n');
  },
);

check(
  '32-bit calls are filtered where the profile lists their architecture, and fatal where not',
  { skip: notX64 },
  (box) => {
    const profile = (errnoRet: number): Profile => ({
      ...allowBut({ names: ['getpid'], action: 'SCMP_ACT_ERRNO', errnoRet }),
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
    });
    assert.equal(probe(box, PROBE32, profile(77)), '77\n');
    assert.equal(probe(box, PROBE32, { ...profile(77), architectures: ['SCMP_ARCH_X86_64'] }), '159\n');
  },
);

check('an architecture that this machine has not, and a call that no architecture has, change nothing', (box) => {
  const profile = { ...refuseMkdir(), architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_MIPSEL64'] };
  profile.syscalls?.push({ names: ['no_such_call'], action: 'SCMP_ACT_KILL' });
  assert.match(under(box, profile, 'mkdir /a'), /Operation not permitted/);
});

// S38 of the known attacks: a runtime that waits for ever for an init that its own profile has killed.
const own = runtimeKind === 'runt' ? false : 'looks at how this runtime refuses profiles that defeat it';
for (const action of ['SCMP_ACT_KILL', 'SCMP_ACT_ERRNO', 'SCMP_ACT_TRAP']) {
  check(
    `a profile that refuses what init still needs is refused by the call's name, at once (${action})`,
    { skip: own },
    (box) => {
      for (const [name, noNewPrivileges] of [
        ['execve', true],
        ['execve', false],
        ['write', false],
        ['read', false],
        ['close', false],
        ['capset', false],
        ['faccessat', false],
      ] as const) {
        const container = box.container(withProfile(allowBut({ names: [name], action }), noNewPrivileges));
        const begin = Date.now();
        refused(container.create(), new RegExp(`the seccomp profile refuses ${name}.*/linux/seccomp/syscalls/0`, 's'));
        assert.ok(Date.now() - begin < 5000, name);
        box.assertNothingLeft();
      }
    },
  );
}

check('a program that can’t be executed is reported by start, also under a filter', (box) => {
  for (const noNewPrivileges of [true, false]) {
    const container = box.container((config) => {
      withProfile(refuseMkdir(), noNewPrivileges)(config);
      config.process.args = ['/bin/missing'];
    });
    refused(container.run(), /no such file or directory/);
  }
});

// --- SCMP_ACT_NOTIFY ----------------------------------------------------------------------------------------------------

interface Agent {
  readonly socket: string;
  /** The container process state that it got. */
  state(): { received: string; state: Record<string, unknown> };
  stop(): void;
}

function startAgent(box: Sandbox, name: string): Agent {
  const socket = join(box.directory, `${name}.sock`);
  const output = join(box.directory, `${name}.json`);
  const program = fileURLToPath(new URL('harness/seccomp-agent.js', import.meta.url));
  const child = spawn(process.execPath, [program, socket, output], { stdio: ['ignore', 'ignore', 'inherit'] });
  waitFor('the agent', () => {
    // Not reaped while this thread waits.
    const hasEnded = /\) Z /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8'));
    if (hasEnded) throw new Error('the seccomp agent ended; what it said is on standard error');
    return existsSync(`${output}.ready`);
  });
  return {
    socket,
    // The runtime does not wait until the agent has read what it was sent.
    state: () =>
      waitFor('what the agent was sent', () => existsSync(output) && JSON.parse(readFileSync(output, 'utf8'))),
    stop: () => void child.kill('SIGKILL'),
  };
}

const notifying = (socket: string, names = ['mkdir', 'mkdirat']): Profile => ({
  ...allowBut({ names, action: 'SCMP_ACT_NOTIFY' }),
  listenerPath: socket,
  listenerMetadata: 'some metadata',
});

for (const noNewPrivileges of [true, false]) {
  const way = noNewPrivileges ? 'with noNewPrivileges' : 'without noNewPrivileges';
  check(`the agent gets the listener and the state of the container, and answers for the kernel (${way})`, (box) => {
    const agent = startAgent(box, 'agent');
    try {
      const container = box.container((config) => {
        withProfile(notifying(agent.socket), noNewPrivileges)(config);
        config.annotations = { 'org.example': 'yes' };
        config.process.args = ['/bin/sh', '-c', 'mkdir /tmp/a 2>&1; grep Seccomp: /proc/self/status'];
      });
      ok(container.create());
      const { received, state } = agent.state();
      // One descriptor, by SCM_RIGHTS.
      assert.equal(received, '20 1 1');
      assert.equal(state['metadata'], 'some metadata');
      assert.deepEqual(state['fds'], ['seccompFd']);
      assert.equal(state['pid'], container.pid());
      const inner = state['state'] as Record<string, unknown>;
      assert.equal(inner['id'], container.id);
      assert.equal(inner['status'], 'creating');
      assert.equal(inner['pid'], container.pid());
      assert.equal(inner['bundle'], container.bundle);
      assert.deepEqual(inner['annotations'], { 'org.example': 'yes' });
      assert.equal(typeof state['ociVersion'], 'string');
      ok(container.start());
      assert.match(container.waitForOutput(/Seccomp:/), /No medium found/);
      container.waitForStatus('stopped');
    } finally {
      agent.stop();
    }
  });

  check(`the agent may be asked about calls that the runtime makes itself (${way})`, (box) => {
    const agent = startAgent(box, 'agent');
    try {
      const names = ['execve', 'openat', 'open', 'read', 'close', 'fcntl'];
      ok(box.container(withProfile(notifying(agent.socket, names), noNewPrivileges)).run());
    } finally {
      agent.stop();
    }
  });
}

check('without an agent the create fails, and nothing is left', (box) => {
  const container = box.container(withProfile(notifying(join(box.directory, 'nobody'))));
  refused(container.create(), /failed to connect with seccomp agent/);
  box.assertNothingLeft();
});

check('SCMP_ACT_NOTIFY is refused for write, as the default and without listenerPath', (box) => {
  const create = (profile: Profile) => box.container(withProfile(profile)).create();
  refused(create(notifying('/agent', ['mkdir', 'write'])), /SCMP_ACT_NOTIFY cannot be used for the write syscall/);
  refused(
    create({ ...notifying('/agent'), defaultAction: 'SCMP_ACT_NOTIFY' }),
    /SCMP_ACT_NOTIFY cannot be used as default action/,
  );
  refused(create(notifying('')));
});

check('listenerPath is ignored where no rule notifies', (box) => {
  const profile = { ...refuseMkdir(), listenerPath: join(box.directory, 'nobody') };
  assert.match(under(box, profile, 'mkdir /a'), /Operation not permitted/);
});
