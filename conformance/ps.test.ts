// ps, which the specification does not have: as runc has it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import {
  type Container,
  check,
  makeCgroupsBelow,
  ok,
  refused,
  type Sandbox,
  waitFor,
  writeIn,
} from './harness/index.ts';

const needsPs = spawnSync('ps', ['-ef'], { stdio: 'ignore' }).status === 0 ? false : 'needs ps of procps on the host';
const crunTable = { crun: 'prints pids only' };

/** A container with three processes. */
function family(box: Sandbox): Container {
  const container = box.container((config) => {
    config.process.args = ['/bin/sh', '-c', 'sleep 301 & sleep 302 & echo ready; wait'];
  });
  ok(container.create());
  ok(container.start());
  container.waitForOutput(/ready/);
  // Each child has executed its own program.
  waitFor('two sleeps', () => pidsOf(box, container).filter(sleeps).length === 2);
  return container;
}

const sleeps = (pid: number): boolean => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep');

const pidsOf = (box: Sandbox, container: Container): number[] =>
  JSON.parse(ok(box.command(['ps', '--format', 'json', container.id], {})).stdout);

check('ps --format json is a list of the pids that the host sees', (box) => {
  const container = family(box);
  const neighbour = family(box);
  const pids = pidsOf(box, container);
  assert.equal(pids.length, 3);
  assert.ok(pids.includes(container.pid()));
  assert.ok(!pids.includes(neighbour.pid()));
  assert.ok(pids.every((pid) => Number.isInteger(pid)));
});

check('processes in cgroups below that of the container are listed too', (box) => {
  const container = family(box);
  const before = pidsOf(box, container).sort();
  const pid = container.pid();
  for (const directory of makeCgroupsBelow(pid, 'below')) writeFileSync(`${directory}/cgroup.procs`, String(pid));
  assert.deepEqual(pidsOf(box, container).sort(), before);
});

check('a created container has its init, a paused one all of them', (box) => {
  const container = family(box);
  const pids = pidsOf(box, container);
  ok(container.pause());
  assert.deepEqual(pidsOf(box, container), pids);
  const created = box.container();
  ok(created.create());
  assert.deepEqual(pidsOf(box, created), [created.pid()]);
});

check(
  "the table is that of the host's ps -ef, less the processes of others",
  { skip: needsPs, knownToFail: crunTable },
  (box) => {
    const container = family(box);
    const [head = '', ...lines] = ok(box.command(['ps', container.id], {}))
      .stdout.trimEnd()
      .split('\n');
    assert.match(head, /^UID +PID +PPID +C +STIME +TTY +TIME +CMD$/);
    assert.equal(lines.length, 3);
    assert.deepEqual(lines.map((line) => line.replace(/^.* \d\d:\d\d:\d\d /, '')).sort(), [
      '/bin/sh -c sleep 301 & sleep 302 & echo ready; wait',
      'sleep 301',
      'sleep 302',
    ]);
    assert.equal(ok(box.command(['ps', '-f', 'table', container.id], {})).stdout.split('\n').length, 5);
  },
);

check('what follows the id are options of ps', { skip: needsPs, knownToFail: crunTable }, (box) => {
  const container = family(box);
  const lines = (...options: string[]) =>
    ok(box.command(['ps', container.id, ...options], {}))
      .stdout.trimEnd()
      .split('\n');
  assert.match(lines('-e', '-x')[0] ?? '', /PID +TTY +STAT +TIME +COMMAND/);
  assert.equal(lines('-e', '-x').length, 4);
  assert.deepEqual(
    lines('-e', '-o', 'pid,comm')
      .slice(1)
      .map((line) => line.trim().split(/\s+/)[1])
      .sort(),
    ['sh', 'sleep', 'sleep'],
  );
  assert.equal(lines('aux').length, 4);
});

check(
  'options by which ps shows no pids, and those that it does not know, are errors',
  { skip: needsPs, knownToFail: crunTable },
  (box) => {
    const container = family(box);
    refused(box.command(['ps', container.id, '-e', '-o', 'comm'], {}), /couldn't find PID field in ps output/);
    refused(box.command(['ps', container.id, '--no-such-option'], {}), /no-such-option|unknown/);
  },
);

check('the column of the pid is where the head has it', { knownToFail: crunTable }, (box) => {
  const container = family(box);
  const pid = container.pid();
  const directory = `${box.directory}/bin`;
  mkdirSync(directory);
  writeIn(
    box,
    'bin/ps',
    `#!/bin/sh\necho 'PID   USER     COMMAND'\necho '    1 ${pid}     init'\necho ' ${pid} root     sh'\n`,
    0o755,
  );
  const { stdout } = ok(
    box.command(['ps', container.id], { env: { ...process.env, PATH: `${directory}:/usr/bin:/bin` } }),
  );
  assert.equal(stdout, `PID   USER     COMMAND\n ${pid} root     sh\n`);
});

check('a stopped container has no processes', { skip: needsPs, knownToFail: crunTable }, (box) => {
  const container = family(box);
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
  assert.equal(
    ok(box.command(['ps', container.id], {}))
      .stdout.trimEnd()
      .split('\n').length,
    1,
  );
  assert.deepEqual(pidsOf(box, container) ?? [], []);
});

check('ps of a container that does not exist, without an id, and with an unknown format is an error', (box) => {
  const container = family(box);
  refused(box.command(['ps', `${box.token}-none`], {}), /exist/);
  refused(box.command(['ps'], {}));
  refused(box.command(['ps', '--format', 'xml', container.id], {}), /format/);
});
