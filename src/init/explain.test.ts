import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPlanBuilder } from './builder.ts';
import { explainPlan, planToJson } from './explain.ts';
import type { Plan } from './plan.ts';

function examplePlan(): Plan {
  const plan = createPlanBuilder();
  const failed = plan.label();
  const retry = plan.label();
  const fd = plan.slot();
  const message = plan.variable(8, '{message}');
  plan.section('init');
  plan.step({ sentence: 'mount proc on /proc', pointer: '/mounts/0', hint: 'is procfs there?' }, () => {
    plan.call('fsopen', ['proc', plan.value(1, 'FSOPEN_CLOEXEC')], { result: fd });
    plan.call('fsconfig', [plan.slotRef(fd), plan.value(6, 'FSCONFIG_CMD_CREATE'), 0, 0, 0], { on: { EBUSY: retry } });
    plan.place(retry);
    plan.branch(fd, 'less', 0, failed);
    plan.call('close', [plan.slotRef(fd)], { ignoreErrors: true });
  });
  plan.section('start');
  plan.step({ sentence: 'wait for the start' }, () => {
    plan.load(fd, message, 4);
    plan.store(fd, plan.addressOf(message, 7), 1);
    plan.jump(retry);
    plan.fail(1);
  });
  plan.step({ sentence: 'report a failure' }, () => {
    plan.place(failed);
    plan.call('exit_group', [plan.value(2n ** 64n - 1n, '-1')]);
  });
  return plan.finish(failed);
}

test('a plan reads as steps with their place in the config, and numbered calls', () => {
  assert.equal(
    explainPlan(examplePlan()),
    `── init ──
mount proc on /proc  [/mounts/0]
   0  fsopen("proc", FSOPEN_CLOEXEC) = $0
   1  fsconfig($0, FSCONFIG_CMD_CREATE, 0, 0, 0)  ! EBUSY → 2
   2  if $0 < 0 → 8
   3  close($0)  ! errors are ignored

── start ──
wait for the start
   4  $0 = *{message}  (4 bytes)
   5  *{message}+7 = $0  (1 byte)
   6  → 2
   7  fail with EPERM

── on failure ──
report a failure
   8  exit_group(-1)
`,
  );
});

test('the JSON form survives JSON and says of each operation what the listing says', () => {
  const json = planToJson(examplePlan());
  assert.deepEqual(JSON.parse(JSON.stringify(json)), json);
  const [fsopen, fsconfig, branch, close, load, , jump, failure, exit] = json.operations;
  assert.deepEqual(fsopen, {
    index: 0,
    kind: 'call',
    text: 'fsopen("proc", FSOPEN_CLOEXEC) = $0',
    section: 'init',
    sentence: 'mount proc on /proc',
    pointer: '/mounts/0',
    hint: 'is procfs there?',
    call: 'fsopen',
    arguments: [
      { text: '"proc"', data: 'constant', offset: 0, size: 5 },
      { text: 'FSOPEN_CLOEXEC', value: '1' },
    ],
    result: 0,
  });
  assert.deepEqual(fsconfig?.on, [{ errno: 'EBUSY', to: 2 }]);
  assert.deepEqual([branch?.slot, branch?.compare, branch?.value, branch?.to], [0, 'less', '0', 8]);
  assert.equal(close?.ignoreErrors, true);
  assert.deepEqual(load?.data, { text: '{message}', data: 'variable', offset: 16, size: 8 });
  assert.deepEqual([load?.width, load?.section, jump?.to, failure?.errno], [4, 'start', 2, 'EPERM']);
  assert.deepEqual(exit?.arguments, [{ text: '-1', value: '18446744073709551615' }]);
  assert.deepEqual([json.failureHandler, json.slots, json.constantSize, json.variableSize], [8, 1, 5, 24]);
});
