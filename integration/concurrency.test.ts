// Commands at the same time, on one container and on many.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  type Container,
  check,
  invokeTogether,
  ok,
  type Result,
  type Sandbox,
  waitFor,
} from '../conformance/harness/index.ts';
import { inBackground, isExecutable, lasting, lastLine, seeded } from './support.ts';

const CREATES = 20;
const MANY = isExecutable ? 50 : 20;
const ROUNDS = isExecutable ? 10 : 3;

function together(box: Sandbox, commands: readonly (readonly string[])[]): Result[] {
  return invokeTogether(
    commands.map((args) => ['--root', box.root, ...args]),
    box.directory,
  );
}

const createOf = ({ bundle, id }: Container) => ['create', '--bundle', bundle, id];
const succeeded = (results: readonly Result[]) => results.filter(({ status }) => status === 0);
const refusals = (results: readonly Result[]) =>
  results.filter(({ status }) => status !== 0).map(({ stderr }) => stderr);

check(`of ${CREATES} concurrent creates of one id exactly one wins, and the others say that the id is taken`, (box) => {
  const container = lasting(box);
  const results = together(
    box,
    Array.from({ length: CREATES }, () => createOf(container)),
  );
  assert.equal(succeeded(results).length, 1, refusals(results).join(''));
  for (const message of refusals(results)) assert.match(message, /already exists/);
  assert.equal(container.state().status, 'created', 'the losers have not harmed the winner');
  ok(container.start());
  ok(container.delete({ flags: ['--force'] }));
  box.assertNothingLeft();
});

check(`${MANY} containers are created, started, listed and deleted at once`, (box) => {
  const containers = Array.from({ length: MANY }, () => lasting(box));
  for (const result of together(box, containers.map(createOf))) ok(result);
  for (const result of together(
    box,
    containers.map(({ id }) => ['start', id]),
  ))
    ok(result);
  const listed = ok(box.command(['list', '--format', 'json'], {}));
  const states = JSON.parse(listed.stdout) as { id: string; status: string }[];
  assert.deepEqual(states.map(({ id }) => id).sort(), containers.map(({ id }) => id).sort());
  assert.ok(states.every(({ status }) => status === 'running'));
  for (const result of together(
    box,
    containers.map(({ id }) => ['delete', '--force', id]),
  ))
    ok(result);
  box.assertNothingLeft();
});

check('of two concurrent starts exactly one succeeds', (box) => {
  const container = lasting(box);
  for (let round = 0; round < ROUNDS; round++) {
    ok(container.create());
    const results = together(box, [
      ['start', container.id],
      ['start', container.id],
    ]);
    assert.equal(succeeded(results).length, 1, refusals(results).join('') || 'both succeeded');
    for (const message of refusals(results)) assert.match(message, /cannot start/);
    assert.equal(container.state().status, 'running');
    ok(container.delete({ flags: ['--force'] }));
  }
});

check(
  'concurrent deletes of one container remove it once, and none fails for another reason than that it is gone',
  (box) => {
    const container = lasting(box);
    for (let round = 0; round < ROUNDS; round++) {
      ok(container.create());
      ok(container.kill('KILL'));
      container.waitForStatus('stopped');
      const results = together(
        box,
        Array.from({ length: 6 }, () => ['delete', container.id]),
      );
      assert.ok(succeeded(results).length >= 1, refusals(results).join(''));
      for (const message of refusals(results)) assert.match(message, /does not exist|create has just begun/);
      box.assertNothingLeft();
    }
  },
);

check(
  'containers that share a cgroup that one of them has made can all be deleted at once, and it goes with the last',
  (box) => {
    const pod = `/${box.token}/pod`;
    const containers = Array.from({ length: 8 }, () =>
      box.container((config, { id }) => {
        config.process.args = ['/bin/sleep', '300'];
        config.linux.cgroupsPath = `${pod}/${id}`;
      }),
    );
    for (let round = 0; round < ROUNDS; round++) {
      for (const container of containers) ok(container.create());
      for (const container of containers) ok(container.kill('KILL'));
      for (const container of containers) container.waitForStatus('stopped');
      const results = together(
        box,
        containers.map(({ id }) => ['delete', id]),
      );
      assert.equal(refusals(results).join(''), '');
      box.assertNothingLeft();
    }
  },
);

for (const flags of [[], ['--no-subreaper']]) {
  check(`a ${['run', ...flags].join(' ')} takes with it the cgroup that it was left while its program ran`, (box) => {
    const [maker, heir] = [lasting(box), lasting(box)];
    for (const container of [maker, heir]) {
      container.configure((config) => {
        config.process.args = ['/bin/sleep', '300'];
        config.linux.cgroupsPath = `/${box.token}/pod/${container.id}`;
      });
    }
    ok(maker.create());
    const run = inBackground(box, ['run', ...flags, '--bundle', heir.bundle, heir.id]);
    waitFor('the second container', () => heir.stateResult().status === 0 && heir.state().status === 'running');
    ok(maker.delete({ flags: ['--force'] }));
    ok(heir.kill('KILL'));
    assert.equal(run.status(), 137);
    box.assertNothingLeft();
  });
}

check('concurrent forced deletes of a running container all succeed', (box) => {
  const container = lasting(box);
  for (let round = 0; round < ROUNDS; round++) {
    ok(container.create());
    ok(container.start());
    const results = together(
      box,
      Array.from({ length: 6 }, () => ['delete', '--force', container.id]),
    );
    assert.equal(refusals(results).join(''), '');
    box.assertNothingLeft();
  }
});

check('a forced delete in the middle of a create leaves either a whole container or nothing', (box) => {
  const container = lasting(box);
  const random = seeded(5);
  const span = isExecutable ? 0.04 : 0.2;
  for (let round = 0; round < ROUNDS * 2; round++) {
    const create = createOf(container).map((word) => `'${word}'`);
    const log = join(box.directory, 'create.log');
    // The shell runs in place of the runtime's caller: it starts a create, and a little later the delete.
    const pause = (random() * span).toFixed(4);
    const prelude = `"$1" --root '${box.root}' ${create.join(' ')} >'${log}' 2>&1 & creator=$!; sleep ${pause}; "$@"; status=$?; wait $creator; exit $status`;
    ok(container.delete({ flags: ['--force'], prelude }));
    const state = container.stateResult();
    if (state.status === 0) {
      // The delete came before the create, or both were done in this order.
      assert.equal((JSON.parse(state.stdout) as { status: string }).status, 'created');
      ok(container.delete({ flags: ['--force'] }));
    }
    box.assertNothingLeft();
  }
});

check('the state is whole and true at every moment of a create', (box) => {
  const container = lasting(box);
  const log = join(box.directory, 'states');
  const state = `"$1" --root '${box.root}' state ${container.id}`;
  // `state` again and again beside the create, until that has ended.
  const prelude = `"$@" </dev/null & creator=$!; while kill -0 $creator 2>/dev/null; do ${state} >>'${log}' 2>&1; echo '%%' >>'${log}'; done; wait $creator; exit $?`;
  ok(container.create({ prelude }));
  const answers = ok(box.command([], { prelude: `cat '${log}'; exit 0` }))
    .stdout.split('%%\n')
    .slice(0, -1);
  assert.ok(answers.length > 0);
  const seen: string[] = [];
  for (const answer of answers) {
    if (answer.startsWith('{')) seen.push((JSON.parse(answer) as { status: string }).status);
    else assert.match(lastLine(answer), /does not exist|create has just begun/);
  }
  for (const status of seen) assert.ok(status === 'creating' || status === 'created', status);
  assert.deepEqual(seen, [...seen].sort().reverse(), 'creating comes before created');
  waitFor('the created container', () => container.state().status === 'created');
});
