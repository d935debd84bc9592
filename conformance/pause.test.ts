// pause and resume, which the specification does not have: as runc has them.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import {
  type Container,
  check,
  freezeFile,
  makeCgroupsBelow,
  ok,
  refused,
  type Sandbox,
  waitFor,
} from './harness/index.ts';

/** A container that counts in /count of its root file system, which the host sees, and starts a process for each number. */
function counting(box: Sandbox): Container {
  const container = box.container((config) => {
    config.process.args = ['/bin/sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i >/count; /bin/true; done'];
    config.root.readonly = false;
  });
  ok(container.create());
  ok(container.start());
  count(container);
  return container;
}

/** The number that it has come to; waits until there is one. */
const count = (container: Container): number =>
  waitFor('a number', () => {
    try {
      return Number(readFileSync(`${container.rootfs}/count`, 'utf8'));
    } catch {
      return undefined;
    }
  });

const goesOn = (container: Container): void => {
  const before = readFileSync(`${container.rootfs}/count`, 'utf8');
  waitFor('another number', () => readFileSync(`${container.rootfs}/count`, 'utf8') !== before);
};

check('pause stops every process before it returns, and resume lets them go on', (box) => {
  const container = counting(box);
  goesOn(container);
  ok(container.pause());
  const before = readFileSync(`${container.rootfs}/count`, 'utf8');
  const { pid } = container.state();
  assert.equal(container.state().status, 'paused');
  // Each of these takes longer than a number.
  for (let look = 0; look < 5; look++) ok(container.stateResult());
  assert.equal(readFileSync(`${container.rootfs}/count`, 'utf8'), before);
  ok(container.resume());
  assert.equal(container.state().status, 'running');
  assert.equal(container.state().pid, pid);
  goesOn(container);
});

check('list says paused', (box) => {
  const container = counting(box);
  ok(container.pause());
  const [listed] = JSON.parse(ok(box.command(['list', '--format', 'json'], {})).stdout);
  assert.equal(listed.status, 'paused');
  assert.equal(listed.pid, container.pid());
});

check('a paused container can not be paused, and is left as it is', (box) => {
  const container = counting(box);
  ok(container.pause());
  refused(container.pause(), /container not running/);
  assert.equal(container.state().status, 'paused');
});

check('what is not paused can not be resumed', (box) => {
  const container = counting(box);
  refused(container.resume(), /not paused/);
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
  refused(container.resume(), /not paused/);
});

check('a stopped container can not be paused', (box) => {
  const container = counting(box);
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
  refused(container.pause(), /not running/);
  assert.equal(container.state().status, 'stopped');
});

for (const operation of ['pause', 'resume']) {
  check(`${operation} of a container that does not exist is an error`, (box) => {
    refused(box.command([operation, `${box.token}-none`], {}), /exist/);
  });
  check(`${operation} without an id is an error`, (box) => {
    refused(box.command([operation], {}));
  });
}

check('one container is paused, its neighbour goes on', (box) => {
  const container = counting(box);
  const neighbour = counting(box);
  ok(container.pause());
  assert.equal(neighbour.state().status, 'running');
  goesOn(neighbour);
});

check('a paused container can not be started again', (box) => {
  const container = counting(box);
  ok(container.pause());
  refused(container.start());
  assert.equal(container.state().status, 'paused');
});

check('a created container can be paused: it is not started before it is resumed', (box) => {
  const container = box.container();
  ok(container.create());
  ok(container.pause());
  assert.equal(container.state().status, 'paused');
  refused(container.start());
  assert.equal(container.stdout(), '');
  ok(container.resume());
  assert.equal(container.state().status, 'created');
  ok(container.start());
  container.waitForOutput(/the program ran/);
});

check('delete refuses a paused container; with --force it is killed and removed', (box) => {
  const container = counting(box);
  ok(container.pause());
  refused(container.delete(), /paused/);
  assert.equal(container.state().status, 'paused');
  ok(container.delete({ flags: ['--force'] }));
  refused(container.stateResult(), /exist/);
  box.assertNothingLeft();
});

check('a paused container dies of KILL, and can be deleted then', (box) => {
  const container = counting(box);
  ok(container.pause());
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
  ok(container.delete());
  box.assertNothingLeft();
});

check('another signal waits until the paused container is resumed', (box) => {
  const container = box.container((config) => {
    config.process.args = [
      '/bin/sh',
      '-c',
      "trap 'echo signalled; exit 0' USR1; echo ready; while :; do sleep 0.01; done",
    ];
  });
  ok(container.create());
  ok(container.start());
  container.waitForOutput(/ready/);
  ok(container.pause());
  ok(container.kill('USR1'));
  assert.equal(container.state().status, 'paused');
  ok(container.resume());
  container.waitForOutput(/signalled/);
  container.waitForStatus('stopped');
});

check('processes in cgroups below that of the container are paused too', (box) => {
  const container = counting(box);
  const pid = container.pid();
  const { file } = freezeFile(pid);
  for (const directory of makeCgroupsBelow(pid, 'below')) writeFileSync(`${directory}/cgroup.procs`, String(pid));
  ok(container.pause());
  const before = readFileSync(`${container.rootfs}/count`, 'utf8');
  for (let look = 0; look < 5; look++) ok(container.stateResult());
  assert.equal(readFileSync(`${container.rootfs}/count`, 'utf8'), before);
  writeFileSync(file, file.endsWith('freezer.state') ? 'THAWED' : '0');
  goesOn(container);
});

check(
  'a container whose pause was broken off half-way is resumed, killed and deleted like one that is paused',
  (box) => {
    const container = counting(box);
    const { file, frozen } = freezeFile(container.pid());
    writeFileSync(file, frozen);
    container.waitForStatus('paused');
    ok(container.resume());
    goesOn(container);
    writeFileSync(file, frozen);
    ok(container.delete({ flags: ['--force'] }));
    box.assertNothingLeft();
  },
);
