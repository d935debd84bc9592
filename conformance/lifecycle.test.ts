// runtime.md of the specification: the state, the lifecycle, the five operations.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { check, invokeTogether, ok, ran, refused, type Sandbox, waitFor } from './harness/index.ts';

/** A container whose program runs until it is killed. */
const lasting = (box: Sandbox) =>
  box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
  });

/** A container whose program says so and ends, with status 0. */
const speaking = (box: Sandbox) =>
  box.container((config) => {
    config.process.args = ['/bin/echo', 'the program ran'];
  });

const processExists = (pid: number) => existsSync(`/proc/${pid}`);

// runtime.md, State
check('the state of a created container has ociVersion, id, status, pid, bundle and annotations', (box) => {
  const container = box.container((config) => {
    config.annotations = { 'org.example.key': 'a "value"', empty: '' };
  });
  ok(container.create());
  const state = container.state();
  assert.match(state.ociVersion, /^\d+\.\d+\.\d+/);
  assert.equal(state.id, container.id);
  assert.equal(state.status, 'created');
  assert.equal(state.bundle, container.bundle);
  assert.deepEqual(state.annotations, { 'org.example.key': 'a "value"', empty: '' });
  assert.ok(Number.isInteger(state.pid) && (state.pid ?? 0) > 0);
});

// runtime.md, State: bundle is "the absolute path"
check('the state has the absolute path of a bundle that was given by a relative one', (box) => {
  const container = lasting(box);
  ok(
    box.command(['create', '--bundle', 'bundle-1', container.id], { cwd: box.directory }, `${container.bundle}/output`),
  );
  assert.equal(container.state().bundle, container.bundle);
});

check('the working directory is the bundle where none is given', (box) => {
  const container = lasting(box);
  ok(box.command(['create', container.id], { cwd: container.bundle }, `${container.bundle}/output`));
  assert.equal(container.state().bundle, container.bundle);
});

// runtime.md, State: pid "as seen by the runtime"
check('the pid of the state is the one that the host sees, and stays the same when the program runs', (box) => {
  const container = lasting(box);
  ok(container.create());
  const created = container.pid();
  assert.ok(readFileSync(`/proc/${created}/mountinfo`, 'utf8').includes(box.token));
  ok(container.start());
  assert.equal(container.pid(), created);
  waitFor('the program', () => readFileSync(`/proc/${created}/cmdline`, 'utf8') === '/bin/sleep\u0000300\u0000');
});

// runtime.md, State and Lifecycle 6 to 10
check('the status goes from created to running to stopped', (box) => {
  const container = lasting(box);
  ok(container.create());
  assert.equal(container.state().status, 'created');
  ok(container.start());
  assert.equal(container.state().status, 'running');
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
});

check('a container whose program has ended by itself is stopped', (box) => {
  const container = speaking(box);
  ok(container.create());
  ok(container.start());
  container.waitForStatus('stopped');
  assert.equal(container.stdout(), 'the program ran\n');
});

check('a container whose init was killed from outside before start is stopped', (box) => {
  const container = lasting(box);
  ok(container.create());
  process.kill(container.pid(), 'SIGKILL');
  container.waitForStatus('stopped');
  refused(container.start());
  ok(container.delete());
  box.assertNothingLeft();
});

// runtime.md, Query State: it is asked for, and changes nothing
check('asking for the state leaves the container as it is', (box) => {
  const container = lasting(box);
  ok(container.create());
  assert.deepEqual(container.state(), container.state());
  ok(container.start());
  assert.deepEqual(container.state(), container.state());
});

// runtime.md, Create: args "MUST NOT be applied until triggered by the start operation"
check('create does not run the program, start does', (box) => {
  const container = speaking(box);
  ok(container.create());
  assert.equal(container.stdout(), '');
  assert.notEqual(readFileSync(`/proc/${container.pid()}/comm`, 'utf8'), 'echo\n');
  ok(container.start());
  container.waitForOutput(/the program ran/);
});

// runtime.md, Create: changes to config.json "after this operation will not have an effect"
check('changes of config.json after create have no effect', (box) => {
  const container = speaking(box);
  ok(container.create());
  container.configure((config) => {
    config.process.args = ['/bin/echo', 'another program ran'];
    config.process.env = [];
    config.hostname = 'changed';
    config.annotations = { changed: 'yes' };
  });
  assert.equal(container.state().annotations?.['changed'], undefined);
  ok(container.start());
  container.waitForStatus('stopped');
  assert.equal(container.stdout(), 'the program ran\n');
});

check('a config.json that is gone after create does no harm', (box) => {
  const container = speaking(box);
  ok(container.create());
  container.configure(() => 'no longer a config');
  ok(container.start());
  container.waitForStatus('stopped');
  ok(container.delete());
  assert.equal(container.stdout(), 'the program ran\n');
});

// runtime.md, Create: an id that is "not unique … MUST generate an error and a new container MUST NOT be created"
check('create refuses the id of another container and leaves that one alone', (box) => {
  const container = lasting(box);
  const other = lasting(box);
  ok(container.create());
  const before = container.state();
  for (const start of [false, true]) {
    if (start) ok(container.start());
    refused(box.command(['create', '--bundle', other.bundle, container.id], {}), /exist/);
    refused(box.command(['run', '--bundle', other.bundle, container.id], {}), /exist/);
    assert.deepEqual(container.state(), { ...before, status: start ? 'running' : 'created' });
  }
  assert.ok(processExists(before.pid ?? 0));
});

const oneWins = { knownToFail: { runc: 'race: a loser removes the state of the winner (seen with 1.1.5)' } };
check('of several concurrent creates with one id exactly one wins', oneWins, (box) => {
  for (let round = 0; round < 4; round++) {
    const container = lasting(box);
    const bundles = [container, ...Array.from({ length: 5 }, () => lasting(box))].map(({ bundle }) => bundle);
    const results = invokeTogether(
      bundles.map((bundle) => ['--root', box.root, 'create', '--bundle', bundle, container.id]),
      box.directory,
    );
    const winners = bundles.filter((_, index) => results[index]?.status === 0);
    assert.equal(winners.length, 1, results.map((result) => result.stderr).join(''));
    for (const result of results) if (result.status !== 0) refused(result);
    assert.equal(container.state().bundle, winners[0]);
    ok(container.start());
    ok(container.kill('KILL'));
    container.waitForStatus('stopped');
    ok(container.delete());
    box.assertNothingLeft();
  }
});

check('containers with different ids do not disturb each other', (box) => {
  const one = lasting(box);
  const two = lasting(box);
  ok(one.create());
  ok(two.create());
  ok(one.start());
  assert.equal(two.state().status, 'created');
  ok(one.kill('KILL'));
  one.waitForStatus('stopped');
  ok(one.delete());
  assert.equal(two.state().status, 'created');
  ok(two.start());
  assert.equal(two.state().status, 'running');
});

// runtime.md, each operation: "MUST generate an error if it is not provided the ID"
for (const operation of ['create', 'start', 'state', 'kill', 'delete', 'run']) {
  check(`${operation} without an id is an error`, (box) => {
    const container = lasting(box);
    refused(box.command([operation], { cwd: container.bundle }));
    assert.deepEqual(readdirSync(box.root), []);
    assert.deepEqual(box.leftovers(), []);
  });
}

// runtime.md: querying "a container that does not exist MUST generate an error"; the others have no container either
for (const operation of ['start', 'state', 'kill', 'delete']) {
  check(`${operation} of a container that does not exist is an error`, (box) => {
    refused(box.command([operation, `${box.token}-none`], {}), /exist/);
    assert.deepEqual(readdirSync(box.root), []);
  });
}

// runtime.md, Start: an attempt on a container that is not created "MUST have no effect … and MUST generate an error"
check('start of a running container is an error without effect', (box) => {
  const container = lasting(box);
  ok(container.create());
  ok(container.start());
  const before = container.state();
  refused(container.start());
  assert.deepEqual(container.state(), before);
});

check('start of a stopped container is an error without effect', (box) => {
  const container = speaking(box);
  ok(container.create());
  ok(container.start());
  container.waitForStatus('stopped');
  refused(container.start());
  assert.equal(container.state().status, 'stopped');
  assert.equal(container.stdout(), 'the program ran\n');
});

// runtime.md, Start: "MUST generate an error if process was not set"
check('a container without a process cannot be started', (box) => {
  const container = box.container((config) => ({ ...config, process: undefined }));
  const created = container.create();
  if (created.status === 0) {
    refused(container.start());
    assert.equal(container.state().status, 'created');
    return;
  }
  refused(created, /process/i);
  box.assertNothingLeft();
});

// runtime.md, Kill: "MUST send the specified signal to the container process"
check('kill sends the signal to the program', (box) => {
  const container = box.container((config) => {
    config.process.args = [
      '/bin/sh',
      '-c',
      'trap "echo got HUP" HUP; trap "echo got USR1; exit 0" USR1; echo ready; while :; do sleep 0.02; done',
    ];
  });
  ok(container.create());
  ok(container.start());
  container.waitForOutput(/ready/);
  ok(container.kill('HUP'));
  container.waitForOutput(/got HUP/);
  assert.equal(container.state().status, 'running');
  ok(container.kill('USR1'));
  container.waitForStatus('stopped');
  assert.match(container.stdout(), /got USR1/);
});

check('kill works on a created container', (box) => {
  const container = lasting(box);
  ok(container.create());
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
  ok(container.delete());
  box.assertNothingLeft();
});

// runtime.md, Kill: on a container "neither created nor running MUST have no effect … and MUST generate an error"
check('kill of a stopped container is an error without effect', (box) => {
  const container = speaking(box);
  ok(container.create());
  ok(container.start());
  container.waitForStatus('stopped');
  refused(container.kill('KILL'));
  refused(container.kill('TERM'));
  assert.equal(container.state().status, 'stopped');
});

// runtime.md, Delete: "that is not stopped MUST have no effect on the container and MUST generate an error"
check('delete of a running container is an error without effect', (box) => {
  const container = lasting(box);
  ok(container.create());
  ok(container.start());
  const before = container.state();
  refused(container.delete());
  assert.deepEqual(container.state(), before);
  assert.ok(processExists(before.pid ?? 0));
});

// The specification refuses it; runc and crun delete it, and engines rely on that. Either is fine, but not half of it.
check('delete of a created container is refused without effect, or removes all of it', (box) => {
  const container = lasting(box);
  ok(container.create());
  const before = container.state();
  const result = container.delete();
  if (result.status === 0) {
    refused(container.stateResult());
    box.assertNothingLeft();
    return;
  }
  refused(result);
  assert.deepEqual(container.state(), before);
  ok(container.start());
});

// runtime.md, Delete: "MUST delete the resources that were created during the create step"
check('delete removes everything, and the id can be used again', (box) => {
  const container = speaking(box);
  for (let round = 0; round < 2; round++) {
    ok(container.create());
    ok(container.start());
    container.waitForStatus('stopped');
    ok(container.delete());
    refused(container.stateResult(), /exist/);
    refused(container.delete(), /exist/);
    box.assertNothingLeft();
  }
});

// runtime.md, Delete: what was "not created by this container, MUST NOT be deleted"
check('delete leaves the bundle and its root file system alone', (box) => {
  const container = speaking(box);
  const before = readdirSync(container.rootfs).sort();
  ran(container.run());
  assert.deepEqual(readdirSync(container.rootfs).sort(), before);
  assert.ok(existsSync(`${container.bundle}/config.json`));
});

check('delete --force stops and removes a running container', (box) => {
  const container = lasting(box);
  ok(container.create());
  ok(container.start());
  const pid = container.pid();
  ok(container.delete({ flags: ['--force'] }));
  refused(container.stateResult());
  box.assertNothingLeft();
  assert.ok(!processExists(pid) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
});

check('delete --force removes created and stopped containers', (box) => {
  const created = lasting(box);
  const stopped = speaking(box);
  ok(created.create());
  ok(stopped.create());
  ok(stopped.start());
  stopped.waitForStatus('stopped');
  ok(created.delete({ flags: ['--force'] }));
  ok(stopped.delete({ flags: ['-f'] }));
  box.assertNothingLeft();
});

check('delete --force of a container that does not exist succeeds', (box) => {
  const none = `${box.token}-none`;
  refused(box.command(['delete', none], {}), /exist/);
  ok(box.command(['delete', '--force', none], {}));
  assert.deepEqual(readdirSync(box.root), []);
});

check('delete --force ends every process of the container', (box) => {
  const container = box.container((config) => {
    config.process.args = [
      '/bin/sh',
      '-c',
      'sleep 300 & setsid sleep 300 2>/dev/null & (trap "" TERM HUP; sleep 300) & echo ready; wait',
    ];
  });
  ok(container.create());
  ok(container.start());
  container.waitForOutput(/ready/);
  ok(container.delete({ flags: ['--force'] }));
  box.assertNothingLeft();
});

check('run creates, starts, waits and removes', (box) => {
  const container = speaking(box);
  const result = ok(container.run());
  assert.equal(result.stdout, 'the program ran\n');
  refused(container.stateResult(), /exist/);
  box.assertNothingLeft();
});

// runtime.md, Errors: as if "the operation were never attempted"
check('a create that fails leaves nothing, and its id can be used', (box) => {
  const container = box.container((config) => {
    config.mounts.push({ destination: '/data', type: 'bind', source: `/nonexistent-${box.token}`, options: ['bind'] });
  });
  refused(container.create(), /nonexistent/);
  refused(container.stateResult(), /exist/);
  box.assertNothingLeft();
  container.configure();
  ok(container.create());
});
