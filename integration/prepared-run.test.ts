// `run` of a bundle that was run before: no engine runs, and the container is the same.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupsOf, check, ok, waitFor } from '../conformance/harness/index.ts';
import { bundleOf, runAs, skip, traced } from './bundles.ts';
import { childrenOf, directoryIn, inBackground, waitUntilOld } from './support.ts';

check(
  'the third run of a bundle needs no engine, whatever the id; nor does the end of the container',
  { skip },
  (box) => {
    const container = bundleOf(box, 'echo "ran in $(hostname)"; exit 7');
    const engines = [1, 2, 3, 4].map((round) => {
      const result = traced(box, (options) => runAs(box, container, `${container.id}-${'x'.repeat(round)}`, options));
      assert.deepEqual([result.stdout, result.stderr, result.status], ['ran in conformance\n', '', 7]);
      return result.engines.length;
    });
    assert.deepEqual(engines, [1, 1, 0, 0]);
    box.assertNothingLeft();
  },
);

check('it is the same container: namespaces, mounts, rights, limits, cgroups, streams, keyring', { skip }, (box) => {
  const script = `umask; pwd; env | sort; ulimit -a; cat /proc/self/mountinfo | cut -d" " -f4-; ls -l /dev /proc/self/fd | cut -c1-10,40-
    grep -E "^(Uid|Gid|Groups|Cap|NoNew|Seccomp|Sig[BIC])" /proc/self/status; cat /proc/self/cgroup /proc/self/oom_score_adj /proc/keys
    cat /proc/sys/kernel/hostname; grep -c . /proc/net/dev; id; cat /proc/sys/net/ipv4/ip_forward; for f in user mnt pid net uts ipc cgroup; do readlink /proc/self/ns/$f | cut -d: -f1; done`;
  const container = bundleOf(box, script, (config) => {
    config.process.user = { uid: 1000, gid: 7, additionalGids: [9, 11] };
    config.process.env = ['PATH=/bin', 'A=x=y'];
    config.process.rlimits = [{ type: 'RLIMIT_CORE', soft: 5, hard: 6 }];
    config.process.oomScoreAdj = 77;
    config.linux.sysctl = { 'net.ipv4.ip_forward': '1' };
    config.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['chroot'], action: 'SCMP_ACT_ERRNO' }],
    };
    config.mounts.push({
      destination: '/tmp/bound',
      type: 'bind',
      source: directoryIn(box, 'data'),
      options: ['bind', 'ro'],
    });
  });
  mkdirSync(join(container.rootfs, 'etc'), { recursive: true });
  writeFileSync(join(container.rootfs, 'etc/passwd'), 'u:x:1000:7::/home/of/u:\n');
  waitUntilOld(join(container.rootfs, 'etc/passwd'));
  const seen = [1, 2, 3].map((round) => {
    const id = `${container.id}-${round}`;
    const errors = join(box.directory, `errors-${round}`);
    const prelude = `trap "" HUP USR1; ulimit -n 1100; exec 9</dev/null 2>${errors}; umask 027`;
    const { stdout, status, engines } = traced(box, (options) => runAs(box, container, id, options), { prelude });
    const stderr = readFileSync(errors, 'utf8');
    // A stream of the caller's becomes the user's.
    assert.equal(statSync(errors).uid, 1000);
    assert.equal(status, 0, stderr);
    // Keys and pids have numbers, and times.
    const plain = stdout
      .replaceAll(id, 'ID')
      .replace(/^[0-9a-f]{8} .*keyring +/gm, '')
      .replace(/ -> .*/g, '');
    return { plain, engines: engines.length };
  });
  assert.match(seen[0]?.plain ?? '', /HOME=\/home\/of\/u/);
  assert.deepEqual(
    seen.map(({ engines }) => engines),
    [1, 1, 0],
  );
  assert.equal(seen[2]?.plain, seen[0]?.plain);
});

check('its state is the same, but for numbers; the other commands know it', { skip }, (box) => {
  const container = bundleOf(box, 'sleep 300');
  const states = [1, 2, 3].map((round) => {
    const id = `${container.id}-${round}`;
    const run = inBackground(box, ['run', '--bundle', container.bundle, id]);
    const state = waitFor('the container', () => {
      const { status, stdout } = box.command(['state', id], {});
      return status === 0 && JSON.parse(stdout).status === 'running' ? JSON.parse(stdout) : undefined;
    });
    assert.ok(Math.abs(Date.parse(state.created) - Date.now()) < 60_000, state.created);
    assert.match(state.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const kept = JSON.parse(readFileSync(join(box.root, id, 'state.json'), 'utf8'));
    assert.equal(kept.init.pid, state.pid);
    for (const { path, inode } of kept.cgroups.cgroups) assert.equal(statSync(path).ino, inode, path);
    assert.equal(ok(box.command(['exec', id, '/bin/echo', 'added'], {})).stdout, 'added\n');
    assert.match(ok(box.command(['ps', id], {})).stdout, /sleep 300/);
    ok(box.command(['pause', id], {}));
    ok(box.command(['resume', id], {}));
    ok(box.command(['kill', id, 'KILL'], {}));
    assert.equal(run.status(), 137);
    const text = JSON.stringify(kept)
      .replaceAll(id, 'ID')
      .replace(/"(pid|startTime|inode|operation)":\d+/g, '"$1":0')
      .replace(/"(created|image)":"[^"]*"/g, '"$1":""');
    return text;
  });
  assert.equal(states[2], states[0]);
  box.assertNothingLeft();
});

check('limits and rules for devices are in force', { skip }, (box) => {
  const container = bundleOf(box, 'cat /tmp/null; cat /tmp/kmsg; sleep 300', (config) => {
    config.root.readonly = false;
    config.linux.resources = {
      devices: [{ allow: false, access: 'rwm' }],
      pids: { limit: 33 },
      memory: { limit: 30_000_000, swap: 30_000_000 },
      cpu: { shares: 333, quota: 50_000, period: 100_000 },
    };
    config.linux.devices = [
      { path: '/tmp/null', type: 'c', major: 1, minor: 3, fileMode: 0o666 },
      { path: '/tmp/kmsg', type: 'c', major: 1, minor: 11, fileMode: 0o666 },
    ];
  });
  const files = [
    'pids.max',
    'memory.max',
    'memory.limit_in_bytes',
    'cpu.shares',
    'cpu.weight',
    'cpu.max',
    'cpu.cfs_quota_us',
  ];
  const seen = [1, 2, 3].map(() => {
    const output = join(box.directory, 'output');
    rmSync(output, { force: true });
    const shell = ['sh', '-c', `exec "$@" >${output} 2>&1`, 'sh'];
    const run = inBackground(box, ['run', '--bundle', container.bundle, container.id], shell);
    waitFor('the program', () =>
      existsSync(output) && readFileSync(output, 'utf8').includes('kmsg') ? true : undefined,
    );
    const limits = cgroupsOf(container.id).flatMap((line) =>
      files.flatMap((name) => {
        const file = join(line.replace(/^cgroup /, ''), name);
        return existsSync(file) ? [`${name} ${readFileSync(file, 'utf8')}`] : [];
      }),
    );
    ok(container.kill('KILL'));
    run.status();
    return { output: readFileSync(output, 'utf8'), limits };
  });
  assert.match(seen[2]?.output ?? '', /kmsg.*Operation not permitted/);
  assert.ok(seen[2]?.limits.includes('pids.max 33\n'), `${seen[2]?.limits}`);
  assert.ok((seen[2]?.limits.length ?? 0) >= 4);
  assert.deepEqual(seen[2], seen[0]);
});

check('where the state lies on a file system without execution it is executed from memory', { skip }, (box) => {
  const container = bundleOf(box, 'echo ran');
  const root = join(box.directory, 'noexec');
  mkdirSync(root);
  // Three runs in one mount namespace.
  const script = `mount -t tmpfs -o noexec,mode=700 tmpfs ${root} && "$@" && "$@" && exec strace -f -qq -e trace=execve,execveat -o ${box.directory}/trace "$@"`;
  const prelude = `set -- unshare --mount sh -c '${script}' sh "$@"`;
  const { stdout } = ok(box.command(['--root', root, 'run', '--bundle', container.bundle, container.id], { prelude }));
  assert.equal(stdout, 'ran\n'.repeat(3));
  const trace = readFileSync(join(box.directory, 'trace'), 'utf8');
  assert.doesNotMatch(trace, /runt-engine/);
  assert.match(trace, /EACCES/);
});

check('a signal for the program reaches it, and what waits is small', { skip }, (box) => {
  const container = bundleOf(box, 'trap "exit 9" USR1; echo ready; while :; do sleep 0.1; done');
  for (let round = 0; round < 3; round++) {
    const run = inBackground(box, ['run', '--bundle', container.bundle, container.id]);
    const pid = waitFor('the program', () => childrenOf(run.pid).find(({ name }) => name === 'sh'))?.pid ?? 0;
    const SIGUSR1 = 1n << 9n;
    waitFor('the trap', () => {
      const caught = /^SigCgt:\s+(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      return (BigInt(`0x${caught}`) & SIGUSR1) === 0n ? undefined : true;
    });
    const memory = readFileSync(`/proc/${run.pid}/smaps_rollup`, 'utf8');
    const own = Number(/^Anonymous:\s+(\d+) kB/m.exec(memory)?.[1]);
    assert.ok(own > 0 && own <= 64, memory);
    process.kill(run.pid, 'SIGUSR1');
    assert.equal(run.status(), 9);
  }
});
