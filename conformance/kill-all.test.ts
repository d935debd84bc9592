// Ends of containers: kill and delete reach every process in the container's cgroups, whatever namespaces it is in.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import {
  type Container,
  cgroupsOf,
  check,
  freezeFile,
  isV2,
  makeCgroupsBelow,
  membershipsOf,
  ok,
  refused,
  type Sandbox,
  waitFor,
  withoutNamespace,
} from './harness/index.ts';

/** A container with a process in a session of its own and one that no signal but KILL ends; in the host's pid namespace or its own. */
function family(box: Sandbox, ownPidNamespace: boolean): Container {
  const container = box.container((config) => {
    const stubborn = "sh -c 'trap : TERM INT HUP; while :; do sleep 300; done'";
    config.process.args = ['/bin/sh', '-c', `setsid sleep 300 & ${stubborn} & sleep 300 & echo ready; wait`];
    if (!ownPidNamespace) withoutNamespace(config, 'pid');
  });
  ok(container.create());
  ok(container.start());
  container.waitForOutput(/ready/);
  // Each has executed its own program, and the stubborn one its first child.
  waitFor('five processes', () => members(directoriesOf(container)).length >= 5);
  return container;
}

/** The processes of the container's cgroups, read from the kernel. */
function members(directories: readonly string[]): number[] {
  const pids = directories.flatMap((directory) =>
    existsSync(`${directory}/cgroup.procs`)
      ? readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n').filter(Boolean).map(Number)
      : [],
  );
  return [...new Set(pids)];
}

const directoriesOf = (container: Container): string[] =>
  membershipsOf(container.pid()).map(({ directory }) => directory);

const alive = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

const gone = (pids: readonly number[]): void => void waitFor('their end', () => !pids.some((pid) => tryAlive(pid)));

function tryAlive(pid: number): boolean {
  try {
    return alive(pid);
  } catch {
    return false; // it ended between the look and the reading
  }
}

for (const own of [true, false]) {
  const where = own ? 'with a pid namespace' : 'without a pid namespace';
  for (const flags of [[], ['--all']]) {
    const old = own || flags.length > 0 ? {} : { knownToFail: { runc: '1.1 asks for --all' } };
    check(`kill ${['KILL', ...flags].join(' ')} ends every process of a container ${where}`, old, (box) => {
      const container = family(box, own);
      const directories = directoriesOf(container);
      const pids = members(directories);
      assert.ok(pids.length >= 5, String(pids));
      ok(container.kill('KILL', { flags }));
      gone(pids);
      container.waitForStatus('stopped');
      ok(container.delete());
      box.assertNothingLeft();
    });
  }

  check(`delete --force ends every process of a container ${where}`, (box) => {
    const container = family(box, own);
    const pids = members(directoriesOf(container));
    ok(container.delete({ flags: ['--force'] }));
    assert.deepEqual(pids.filter(tryAlive), []);
    box.assertNothingLeft();
  });

  check(`processes in cgroups that a container ${where} made below its own end too`, (box) => {
    const container = family(box, own);
    const pids = members(directoriesOf(container));
    const pid = container.pid();
    const below = makeCgroupsBelow(pid, 'below');
    const deep = makeCgroupsBelow(pid, 'below/deep');
    pids.forEach((member, index) => {
      for (const directory of index % 2 === 0 ? below : deep)
        writeFileSync(`${directory}/cgroup.procs`, String(member));
    });
    ok(container.kill('KILL', { flags: ['--all'] }));
    gone(pids);
    ok(container.delete());
    box.assertNothingLeft();
  });

  // A container that may write to its cgroups can freeze its own processes: that must not save them.
  const frozenBelow = isV2 ? {} : { knownToFail: { runc: 'thaws only the cgroup of the container itself' } };
  check(`processes that are frozen in a cgroup below that of a container ${where} end too`, frozenBelow, (box) => {
    const container = family(box, own);
    const pid = container.pid();
    const pids = members(directoriesOf(container));
    for (const directory of makeCgroupsBelow(pid, 'below'))
      for (const member of pids) if (member !== pid) writeFileSync(`${directory}/cgroup.procs`, String(member));
    const { file, frozen } = freezeFile(pid, '/below');
    writeFileSync(file, frozen);
    ok(container.delete({ flags: ['--force'] }));
    assert.deepEqual(pids.filter(tryAlive), []);
    box.assertNothingLeft();
  });
}

// runc 1.2 and later signal init alone; --all is kept for callers of older ones.
check('kill --all reaches every process with any signal', (box) => {
  const container = box.container((config) => {
    const waiting = (name: string) => `sh -c 'trap "echo ${name}; exit" USR1; echo up; while :; do sleep 0.01; done'`;
    config.process.args = [
      '/bin/sh',
      '-c',
      `trap : USR1; ${waiting('first')} & ${waiting('second')} & wait; wait; sleep 300`,
    ];
  });
  ok(container.create());
  ok(container.start());
  container.waitForOutput(/up\nup\n/);
  ok(container.kill('USR1', { flags: ['--all'] }));
  container.waitForOutput(/first/);
  container.waitForOutput(/second/);
  assert.equal(container.state().status, 'running');
});

check('kill of a stopped container is an error, with --all it is none', (box) => {
  const container = family(box, true);
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
  refused(container.kill('0'), /container not running/);
  refused(container.kill('KILL'), /container not running/);
  ok(container.kill('0', { flags: ['--all'] }));
  ok(container.kill('KILL', { flags: ['--all'] }));
});

for (const operation of ['kill KILL', 'kill KILL --all', 'delete', 'delete --force'] as const) {
  check(
    `${operation} ends the processes that outlived the init of a container without a pid namespace`,
    outlived(operation),
    (box) => {
      const container = family(box, false);
      const init = container.pid();
      const pids = members(directoriesOf(container)).filter((pid) => pid !== init);
      assert.ok(pids.length >= 4);
      process.kill(init, 'SIGKILL');
      container.waitForStatus('stopped');
      assert.deepEqual(
        pids.filter((pid) => !tryAlive(pid)),
        [],
      );
      if (operation === 'kill KILL') ok(container.kill('KILL'));
      else if (operation === 'kill KILL --all') ok(container.kill('KILL', { flags: ['--all'] }));
      else ok(container.delete(operation === 'delete' ? {} : { flags: ['--force'] }));
      gone(pids);
      if (operation.startsWith('kill')) ok(container.delete());
      assert.deepEqual(cgroupsOf(container.id), []);
      box.assertNothingLeft();
    },
  );
}

function outlived(operation: string): { knownToFail?: { runc: string } } {
  if (operation === 'kill KILL') return { knownToFail: { runc: '1.1 asks for --all' } };
  return {};
}

check('a paused container without a pid namespace is killed and deleted', (box) => {
  for (const force of [false, true]) {
    const container = family(box, false);
    const pids = members(directoriesOf(container));
    ok(container.pause());
    if (!force) {
      ok(container.kill('KILL', { flags: ['--all'] }));
      gone(pids);
      container.waitForStatus('stopped');
    }
    ok(container.delete(force ? { flags: ['--force'] } : {}));
    assert.deepEqual(pids.filter(tryAlive), []);
  }
  box.assertNothingLeft();
});

check('a process that starts others all the time does not outrun kill and delete', (box) => {
  const container = box.container((config) => {
    const breed = 'while :; do sleep 300 & done';
    config.process.args = [
      '/bin/sh',
      '-c',
      `(${breed}) & (while :; do (sleep 1 &) ; sleep 0.001; done) & echo ready; wait`,
    ];
    withoutNamespace(config, 'pid');
    config.process.user = { uid: 4242, gid: 4242 };
    config.process.rlimits = [{ type: 'RLIMIT_NPROC', soft: 200, hard: 200 }];
  });
  ok(container.create());
  ok(container.start());
  container.waitForOutput(/ready/);
  waitFor('many processes', () => members(directoriesOf(container)).length > 50);
  ok(container.delete({ flags: ['--force'] }));
  box.assertNothingLeft();
});

check('a neighbour in the same pid namespace survives', (box) => {
  const container = family(box, false);
  const neighbour = family(box, false);
  const pids = members(directoriesOf(neighbour));
  ok(container.kill('KILL', { flags: ['--all'] }));
  container.waitForStatus('stopped');
  ok(container.delete());
  assert.deepEqual(
    pids.filter((pid) => !tryAlive(pid)),
    [],
  );
  assert.equal(neighbour.state().status, 'running');
});

const lastPid = '/proc/sys/kernel/ns_last_pid';
const needsLastPid = existsSync(lastPid) ? false : `needs ${lastPid} (CONFIG_CHECKPOINT_RESTORE)`;

/** Starts a process that gets this pid; undefined where others are always faster. */
function strangerWith(pid: number): number | undefined {
  for (let attempt = 0; attempt < 300; attempt++) {
    const script = `echo ${pid - 1} >${lastPid}; sleep 300 >/dev/null 2>&1 & echo $!`;
    const got = Number(spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).stdout);
    if (got === pid) return got;
    process.kill(got, 'SIGKILL');
  }
  return undefined;
}

// The class of attacks by pid reuse: the state of a container may name a pid that somebody else has by now.
check(
  'a process that got the pid of a dead init is spared by kill and delete',
  { skip: needsLastPid },
  (box, context) => {
    const container = box.container((config) => {
      config.process.args = ['/bin/sleep', '300'];
      withoutNamespace(config, 'pid');
    });
    ok(container.create());
    ok(container.start());
    const pid = container.pid();
    process.kill(pid, 'SIGKILL');
    waitFor('the pid to be free', () => !existsSync(`/proc/${pid}`));
    const stranger = strangerWith(pid);
    if (stranger === undefined) return context.skip('the pid was always given to another process');
    try {
      assert.equal(container.state().status, 'stopped');
      refused(container.kill('0'), /not running/);
      container.kill('KILL');
      container.kill('KILL', { flags: ['--all'] });
      ok(container.delete({ flags: ['--force'] }));
      assert.ok(alive(stranger), 'the stranger lives');
    } finally {
      process.kill(stranger, 'SIGKILL');
    }
  },
);
