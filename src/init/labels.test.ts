// Labels of AppArmor and SELinux in the plan: where they are written, when, and what happens where the kernel answers something else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROC_SUPER_MAGIC } from '../linux/mount-constants.ts';
import type { Config } from '../spec/generated/types.ts';
import { compileExec } from './compile-exec.ts';
import type { Labels } from './labels.ts';
import type { Plan } from './plan.ts';
import { labelSteps } from './steps/labels.ts';
import { type Answer, configOf, inputsOf, lines, planOf, type Run, run, type TracedCall } from './test-support.ts';

const label = 'system_u:system_r:container_t:s0:c1,c2';
const hooks = { createContainer: [{ path: '/host/hook' }], startContainer: [{ path: '/image/hook' }] };
const cgroups = { destination: '/sys/fs/cgroup', type: 'cgroup2', source: 'cgroup' };

function plan(labels: Labels, change: Partial<Config> = {}): Plan {
  return planOf(change, { labels: labelSteps(labels) });
}

/** What pread64 answers. */
const kept = (text: string) => ({ result: text.length, write: { argument: 1, bytes: Buffer.from(text) } });
/** A kernel that keeps what is written, in its own words. */
const kernel = (words = (text: string) => text): ((call: TracedCall) => Answer) =>
  (() => {
    let written = '';
    return ({ name, args }) => {
      if (name === 'write') written = (args[1] ?? '').replace(/^"(exec )?|"$/g, '');
      return name === 'pread64' ? kept(words(written)) : undefined;
    };
  })();
const apparmor = () => kernel((name) => `${name} (enforce)\n`);

const at = ({ trace }: Run, test: (line: string) => boolean): number => lines(trace).findIndex(test);

test('an AppArmor profile is written to the file of AppArmor alone, through a procfs that is attached nowhere', () => {
  const done = run(plan({ apparmorProfile: 'docker-default' }), apparmor());
  assert.equal(done.end, 'executed');
  const opened = lines(done.trace, 'openat2').filter((line) => line.includes('self/attr'));
  assert.equal(opened.length, 1);
  assert.match(opened[0] ?? '', /^openat2\(mount:proc, "self\/attr\/apparmor\/exec", /);
  for (const flag of ['RESOLVE_BENEATH', 'RESOLVE_NO_XDEV', 'RESOLVE_NO_MAGICLINKS'])
    assert.ok(opened[0]?.includes(flag), flag);
  assert.deepEqual(
    lines(done.trace, 'write').filter((line) => line.includes('attr')),
    ['write(mount:proc/self/attr/apparmor/exec, "exec docker-default", 19)'],
  );
  assert.deepEqual(
    lines(done.trace, 'move_mount').filter((line) => line.includes('mount:proc')),
    [],
  );
});

test('a kernel without that file has the plain one', () => {
  const answer = apparmor();
  const done = run(plan({ apparmorProfile: 'p' }), (call) =>
    call.args[1] === '"self/attr/apparmor/exec"' ? 'ENOENT' : answer(call),
  );
  assert.equal(done.end, 'executed');
  assert.ok(lines(done.trace, 'write').includes('write(mount:proc/self/attr/exec, "exec p", 6)'));
});

test('a label is for what is executed next: after createContainer hooks, before the root is changed and before startContainer hooks', () => {
  for (const labels of [{ apparmorProfile: 'p' }, { selinuxLabel: label }]) {
    const answer = 'apparmorProfile' in labels ? apparmor() : kernel();
    const done = run(plan(labels, { hooks }), answer);
    const written = at(done, (line) => line.startsWith('write(mount:proc/self/attr/') && !line.includes('keycreate'));
    const clones = lines(done.trace).flatMap((line, index) => (line.startsWith('clone(') ? [index] : []));
    assert.equal(clones.length, 2);
    assert.ok((clones[0] ?? 0) < written && written < (clones[1] ?? 0));
    assert.ok(written < at(done, (line) => line.startsWith('pivot_root')));
  }
});

test('the keyring is labelled before it is joined, and not where none is joined', () => {
  const done = run(plan({ selinuxLabel: label }), kernel());
  const keys = at(done, (line) => line === `write(mount:proc/self/attr/keycreate, "${label}", ${label.length})`);
  assert.ok(keys >= 0 && keys < at(done, (line) => line.startsWith('keyctl')));
  const without = planOf({}, { labels: labelSteps({ selinuxLabel: label }), newKeyring: false });
  assert.equal(
    lines(run(without, kernel()).trace).some((line) => line.includes('keycreate')),
    false,
  );
});

const answers: [string, string, string, boolean][] = [
  ['docker-default', 'docker-default (enforce)\n', 'its mode', true],
  ['docker-default', 'docker-default', 'the name alone', true],
  ['docker-default', 'docker-default2 (enforce)\n', 'a longer name', false],
  ['docker-default', 'docker-defaulx (enforce)\n', 'another name', false],
  ['docker-default', 'docker', 'less', false],
  ['docker-default', '', 'nothing', false],
  [':ns:p', 'p (enforce)\n', 'a name without its namespace', true],
  [':ns:p', '', 'nothing for one of a namespace', false],
];
for (const [profile, answer, what, fine] of answers) {
  test(`what the kernel keeps is read back: ${what} is ${fine ? 'as it should be' : 'a failure'}`, () => {
    const { end } = run(plan({ apparmorProfile: profile }), ({ name }) =>
      name === 'pread64' ? kept(answer) : undefined,
    );
    if (fine) assert.equal(end, 'executed');
    else assert.match(typeof end === 'object' ? end.sentence : end, /the kernel keeps another$/);
  });
}

test('user and role of an SELinux label are read back; the kernel may have another name for the type', () => {
  const renamed = (text: string) => text.replace('container_t:s0:c1,c2', 'svirt_lxc_net_t:s0:c2,c1\0');
  assert.equal(run(plan({ selinuxLabel: label }), kernel(renamed)).end, 'executed');
  const other = run(plan({ selinuxLabel: label }), ({ name }) => (name === 'pread64' ? kept('sleep\n') : undefined));
  assert.match(typeof other.end === 'object' ? other.end.sentence : '', /the kernel keeps another$/);
});

test('a profile that is not loaded is told with the field', () => {
  const made = plan({ apparmorProfile: 'p' });
  const { end } = run(made, ({ args }) => (args[1] === '"exec p"' ? 'ENOENT' : undefined));
  assert.deepEqual(end, { sentence: 'apply the AppArmor profile p at the next execve', errno: 'ENOENT' });
  const step = made.operations.find((operation) => operation.step?.sentence.startsWith('apply'))?.step;
  assert.equal(step?.pointer, '/process/apparmorProfile');
});

test("where no procfs may be mounted it is the host's, if that is one", () => {
  const attempt = (magic: number, inode: number): Run => {
    const answer = apparmor();
    const bytes = (at: number, value: number) => {
      const buffer = Buffer.alloc(at + 8);
      buffer.writeBigUInt64LE(BigInt(value), at);
      return buffer;
    };
    return run(plan({ apparmorProfile: 'p' }), (call) => {
      if (call.name === 'fsmount' && call.sentence.includes('private proc')) return 'EPERM';
      if (call.name === 'fstatfs' && call.args[0] === 'host:/proc')
        return { result: 0, write: { argument: 1, bytes: bytes(0, magic) } };
      if (call.name === 'statx' && call.args[0] === 'host:/proc')
        return { result: 0, write: { argument: 4, bytes: bytes(32, inode) } };
      return answer(call);
    });
  };
  const done = attempt(PROC_SUPER_MAGIC, 1);
  assert.equal(done.end, 'executed');
  assert.ok(lines(done.trace, 'write').includes('write(host:/proc/self/attr/apparmor/exec, "exec p", 6)'));
  for (const wrong of [attempt(PROC_SUPER_MAGIC, 42), attempt(0x01021994, 1)])
    assert.deepEqual(wrong.end, { sentence: "open the host's /proc", errno: 'EXDEV' });
});

test('without mounts of its own init trusts no /proc that is there', () => {
  const made = plan({ apparmorProfile: 'p' }, { linux: { namespaces: [{ type: 'mount', path: '/proc/1/ns/mnt' }] } });
  const { end } = run(made, ({ name, args }) => (name === 'fsopen' && args[0] === '"proc"' ? 'EPERM' : undefined));
  assert.deepEqual(end, { sentence: 'mount a private proc for security labels', errno: 'EPERM' });
});

test('exec writes labels while it is on the host, the one of keys first', () => {
  const labels = labelSteps({ apparmorProfile: 'p', selinuxLabel: label });
  const { start: _, root: __, mounts: ___, namespaces: ____, ...inputs } = inputsOf(configOf());
  const target = { pidfd: { fd: 20, text: 'init' }, namespaces: ['mount', 'pid'] as const };
  const made = compileExec({ ...inputs, labels, target, waits: false });
  const answer = kernel();
  const done = run(made, (call) => (call.name === 'clone' ? 0 : answer(call)));
  assert.equal(done.end, 'executed');
  const written = lines(done.trace, 'write').flatMap(
    (line) => /^write\(mount:proc\/self\/attr\/(\S+),/.exec(line)?.[1] ?? [],
  );
  assert.deepEqual(written, ['keycreate', 'apparmor/exec', 'exec']);
  const last = done.trace.findLastIndex(({ args }) => args[0]?.startsWith('mount:proc') === true);
  assert.ok(last < at(done, (line) => line.startsWith('setns')));
});

test('a mount label is an option of the file systems that take one, commas and all, and an attribute of mqueue', () => {
  const of = (type: string, options: string[] = []) => ({ destination: `/${type}`, type, source: type, options });
  const mounts = [of('tmpfs', ['mode=755']), of('devpts'), of('proc'), of('sysfs'), of('mqueue'), cgroups];
  const bind = { destination: '/b', source: '/b', options: ['bind'] };
  const made = plan({ mountLabel: label }, { mounts: [...mounts, bind], linux: { maskedPaths: ['/a'] } });
  const { trace } = run(made);
  const labelled = trace.filter(({ name, args }) => name === 'fsconfig' && args[2] === '"context"');
  assert.deepEqual(
    labelled.map(({ args }) => [args[0], args[3]]),
    ['tmpfs', 'devpts', 'tmpfs'].map((type) => [`fs:${type}`, `"${label}"`]),
  );
  assert.deepEqual(lines(trace, 'fsetxattr'), [
    `fsetxattr(mount:mqueue/., "security.selinux", "${label}", ${label.length}, 0)`,
  ]);
  // Before it is attached anywhere.
  const put = trace.findIndex(({ name, args }) => name === 'move_mount' && args[0] === 'mount:mqueue');
  assert.ok(trace.findIndex(({ name }) => name === 'fsetxattr') < put);
});

test("a mount's own label wins, and loses its quotes", () => {
  const own = 'a:b:c:s0:c1,c2';
  const mounts = [{ destination: '/t', type: 'tmpfs', source: 'tmpfs', options: [`rootcontext="${own}"`, 'size="1"'] }];
  const options = run(plan({ mountLabel: label }, { mounts })).trace.filter(({ args }) => args[2] !== '"source"');
  assert.deepEqual(
    options.filter(({ name, args }) => name === 'fsconfig' && args[3] !== '0').map(({ args }) => args.slice(2, 4)),
    [
      ['"rootcontext"', `"${own}"`],
      ['"size"', '"\\"1\\""'],
    ],
  );
});
