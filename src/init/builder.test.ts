import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../error.ts';
import { RuntError } from '../error.ts';
import type { PlanBuilder } from './builder.ts';
import { createPlanBuilder } from './builder.ts';
import { CONSTANT_ADDRESS, VARIABLE_ADDRESS } from './machine/format.ts';
import type { Label, Plan, Slot } from './plan.ts';
import { SLOTS } from './plan.ts';

const STEP = { sentence: 'try it', pointer: '/process' };

/** A plan of what `body` emits, and a failure handler. */
function planOf(body: (plan: PlanBuilder) => void): Plan {
  const plan = createPlanBuilder();
  const failed = plan.label();
  plan.step(STEP, () => body(plan));
  plan.step({ sentence: 'give up' }, () => {
    plan.place(failed);
    plan.call('exit_group', [1]);
  });
  return plan.finish(failed);
}

function fails(code: ErrorCode, message: RegExp, body: () => void): void {
  assert.throws(body, (error) => {
    assert(error instanceof RuntError);
    assert.equal(error.problem.code, code);
    assert.match(error.problem.message, message);
    return true;
  });
}

test('numbers become immediates with their decimal text, strings become constants', () => {
  const plan = planOf((to) => to.call('mkdirat', [-100, '/mnt', to.value(0o755, '0755')]));
  const [call] = plan.operations;
  assert(call?.kind === 'call');
  assert.deepEqual(call.args, [
    { kind: 'immediate', value: -100n, text: '-100' },
    { kind: 'data', segment: 'constant', offset: 0, size: 5, text: '"/mnt"' },
    { kind: 'immediate', value: 0o755n, text: '0755' },
  ]);
  assert.equal(call.step, STEP);
  assert.equal(Buffer.from(plan.constant).toString(), '/mnt\0');
});

test('the same string and the same small structure are stored once', () => {
  planOf((to) => {
    assert.equal(to.string('/proc'), to.string('/proc'));
    const first = to.constant(Uint8Array.of(1, 2, 3, 4), 'first');
    const second = to.constant(Uint8Array.of(1, 2, 3, 4), 'second');
    assert.equal(first.offset, second.offset);
    assert.equal(second.text, 'second');
    assert.notEqual(to.constant(Uint8Array.of(1, 2, 3, 5), 'third').offset, first.offset);
  });
});

test('a constant that turned out to be stored already leaves no trace', () => {
  const plan = planOf((to) => {
    to.constant(Uint8Array.of(255, 255), 'first');
    to.constant(Uint8Array.of(255, 255), 'again');
    to.string('abcdef');
  });
  assert.equal(Buffer.from(plan.constant).toString('latin1'), '\xff\xffabcdef\0');
});

test('text is UTF-8', () => {
  const plan = planOf((to) => to.string('grüße/\u{1f433}'));
  assert.equal(Buffer.from(plan.constant).toString('utf8'), 'grüße/\u{1f433}\0');
});

test('a string that contains NUL is refused, since the kernel would see a shorter one', () => {
  planOf((to) => fails('config', /"a\\u0000b" contains a NUL/, () => to.string('a\0b')));
});

test('data grows as needed and stays aligned where the image is loaded', () => {
  const plan = planOf((to) => {
    for (let index = 0; index < 400; index += 1) to.string(`/some/path/number/${index}`);
    assert.equal(Number(to.address(to.constant(new Uint8Array(100).fill(7), 'big'))) % 8, 0);
    assert.equal(Number(to.address(to.variable(4, 'page', 4096))) % 4096, 0);
  });
  assert.deepEqual(plan.constant.slice(-100), new Uint8Array(100).fill(7));
  assert.match(Buffer.from(plan.constant).toString(), /number\/0\0.*number\/399\0/);
});

test('pointers in data are the addresses at which the image has the data', () => {
  const plan = planOf((to) => {
    const argv = to.pointers([to.string('sh'), to.string('-c'), null], 'argv');
    assert.equal(argv.size, 24);
    assert.equal(to.address(argv), BigInt(CONSTANT_ADDRESS + argv.offset));
  });
  const base = BigInt(CONSTANT_ADDRESS);
  assert.deepEqual([...new BigUint64Array(plan.constant.slice(-24).buffer)], [base, base + 3n, 0n]);
});

test('variable data begins behind the failure record, with the given bytes', () => {
  const plan = planOf((to) => {
    const message = to.variable(Uint8Array.of(1, 2, 3), '{message}');
    const field = to.addressOf(message, 2);
    assert.deepEqual(field, { ...message, offset: message.offset + 2, size: 1, text: '{message}+2' });
    assert.equal(to.address(field), BigInt(VARIABLE_ADDRESS + 18));
    to.variable(5, '{buffer}');
    fails('init', /byte 4 of {message}, which has 3/, () => to.addressOf(message, 4));
  });
  assert.deepEqual([...plan.variable], [...new Array<number>(16).fill(0), 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test('a slot is given again after it was freed, so that few serve a long plan', () => {
  const plan = planOf((to) => {
    for (let index = 0; index < 1000; index += 1) to.withSlot((slot) => to.call('getpid', [], { result: slot }));
    const [one, other] = [to.slot(), to.slot()];
    assert.notEqual(one, other);
    to.free(one);
    assert.equal(to.slot(), one);
  });
  assert.equal(plan.slots, 2);
});

test('more slots than the machine has is an error that says so; so is freeing one twice', () => {
  planOf((to) => {
    let last = to.slot();
    for (let count = 1; count < SLOTS; count += 1) last = to.slot();
    fails('unsupported', /more than 64 slots at a time for the target/, () => to.slot('the target'));
    to.free(last);
    fails('init', /slot 63 is freed, but not in use/, () => to.free(last));
  });
});

test('a label that is used must be placed, once, before an operation', () => {
  fails('init', /jump goes to label 1, which is not placed/, () => planOf((to) => to.jump(to.label())));
  fails('init', /close goes to label 1, which is not placed/, () =>
    planOf((to) => to.call('close', [3], { on: { EBADF: to.label() } })),
  );
  planOf((to) => {
    const label = to.label();
    to.place(label);
    fails('init', /placed twice/, () => to.place(label));
  });
  const plan = createPlanBuilder();
  const failed = plan.label();
  plan.step(STEP, () => plan.call('getpid', []));
  plan.place(failed);
  fails('init', /behind the last operation/, () => plan.finish(failed));
  fails('init', /the failure handler goes to label 7/, () => plan.finish(7 as Label));
});

test('more operations than the machine has rows is an error that says so', () => {
  fails('unsupported', /has 65536 operations, more than 65535/, () =>
    planOf((to) => {
      for (let count = 0; count < 65535; count += 1) to.call('getpid', []);
    }),
  );
});

test('variable data that does not fit is an error that says so', () => {
  fails('unsupported', /bytes of variable data, more than/, () => planOf((to) => to.variable(1 << 20, 'big')));
});

test('handled errors are given by name; EINTR is the business of the machine', () => {
  planOf((to) => {
    const next = to.label();
    to.call('close', [3], { on: { ENOENT: next, EBADF: next } });
    to.place(next);
    fails('init', /EINTR, which the machine does itself/, () => to.call('close', [3], { on: { EINTR: next } }));
    const three = { ENOENT: next, EBADF: next, EPERM: next };
    fails('init', /handles 3 errors, two at most/, () => to.call('close', [3], { on: three }));
  });
});

test('what makes no sense is refused', () => {
  const plan = createPlanBuilder();
  fails('init', /getpid is in no step/, () => plan.call('getpid', []));
  planOf((to) => {
    fails('init', /7 arguments/, () => to.call('mmap', [1, 2, 3, 4, 5, 6, 7]));
    fails('init', /store to the constant "x"/, () => to.store(0 as Slot, to.string('x'), 1));
    fails('init', /8 bytes at {word}, which has 4/, () => to.load(0 as Slot, to.variable(4, '{word}')));
    fails('init', /errno 0/, () => to.fail(0));
  });
});

test('steps nest: after an inner one the outer one goes on', () => {
  const plan = planOf((to) => {
    to.step({ sentence: 'inner' }, () => to.call('getpid', []));
    to.call('getppid', []);
  });
  assert.deepEqual(
    plan.operations.map(({ step }) => step?.sentence),
    ['inner', 'try it', 'give up'],
  );
});
