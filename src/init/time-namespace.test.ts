// Time namespaces with offsets as data: who makes them, and when.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../spec/generated/types.ts';
import type { InitInputs } from './inputs.ts';
import { during, inputsOf, lines, planOf, run, sentences } from './test-support.ts';

const timeOffsets = { monotonic: { secs: -5 }, boottime: { secs: 7, nanosecs: 9 } };

function linux(change: object = {}, ...types: string[]): NonNullable<Config['linux']> {
  return {
    namespaces: [...types, 'mount', 'time'].map((type) => ({ type })),
    timeOffsets,
    ...change,
  } as NonNullable<Config['linux']>;
}

function user(kind: 'created' | 'joined', isCallerRoot: boolean): Partial<InitInputs> {
  const setgroups = 'allow';
  return { userNamespace: { kind, isCallerRoot, setgroups, treesBy: 'init', trees: [] } };
}

const calls = (config: NonNullable<Config['linux']>, inputs: Partial<InitInputs> = {}): string[] =>
  lines(run(planOf({ linux: config }, inputs)).trace);

function position(all: readonly string[], pattern: RegExp): number {
  const at = all.findIndex((line) => pattern.test(line));
  assert.notEqual(at, -1, `${pattern} in\n${all.join('\n')}`);
  return at;
}

test('a time namespace without offsets is made with the others, by the birth of init', () => {
  for (const offsets of [undefined, {}]) {
    const all = calls(linux({ timeOffsets: offsets }));
    assert.match(all[position(all, /^clone3/)] ?? '', /CLONE_NEWTIME/);
    assert.equal(
      all.some((line) => /unshare|timens_offsets/.test(line)),
      false,
    );
  }
});

test('the launcher makes it and sets the clocks before init is born, each by a write of its own', () => {
  const all = calls(linux());
  const made = position(all, /^unshare\(CLONE_NEWTIME\)/);
  const written = all.filter((line) => line.startsWith('write(host:/proc/self/timens_offsets'));
  assert.deepEqual(
    written.map((line) => /"(.*)"/.exec(line)?.[1]),
    ['monotonic -5 0\\n', 'boottime 7 9\\n'],
  );
  assert.ok(made < all.indexOf(written[0] ?? ''));
  const born = position(all, /^clone3/);
  assert.ok(all.indexOf(written[1] ?? '') < born);
  assert.doesNotMatch(all[born] ?? '', /CLONE_NEWTIME/);
});

test('each clock has its pointer, so the one that is out of range is named', () => {
  const plan = planOf({ linux: linux() });
  const { end } = run(plan, ({ name, args }) =>
    name === 'write' && args.some((arg) => arg.includes('boottime')) ? 'ERANGE' : undefined,
  );
  assert.ok(typeof end === 'object' && end.errno === 'ERANGE');
  const failed = plan.operations.find(({ step }) => step?.sentence === end.sentence);
  assert.equal(failed?.step?.pointer, '/linux/timeOffsets/boottime');
});

test('seconds are written as they are in the text, not as doubles', () => {
  const config = { ociVersion: '1.3.0', process: { cwd: '/', args: ['a'] }, root: { path: 'r' }, linux: linux() };
  const exactInteger = (at: string) => (at === '/linux/timeOffsets/monotonic/secs' ? 9007199254740993n : undefined);
  const plan = planOf({ linux: linux() }, { ...inputsOf(config), exactInteger });
  assert.ok(sentences(plan).includes('set the offset of the clock: monotonic 9007199254740993 0'));
});

test('in a user namespace init makes it, enters it, and only then becomes its root', () => {
  const all = calls(linux({}, 'user'), user('created', true));
  const proc = position(all, /^openat\(AT_FDCWD, "\/proc", O_PATH/);
  const born = position(all, /^clone3/);
  const made = position(all, /^unshare\(CLONE_NEWTIME\)/);
  const written = position(all, /^write\(host:\/proc\/self\/timens_offsets, "monotonic/);
  const entered = position(all, /^setns\(host:\/proc\/self\/ns\/time_for_children, CLONE_NEWTIME\)/);
  const root = position(all, /^setresuid\(0, 0, 0\)/);
  assert.deepEqual(
    [proc, born, made, written, entered, root].toSorted((a, b) => a - b),
    [proc, born, made, written, entered, root],
  );
});

test('in a user namespace that is joined the launcher opens its own file before it is hidden, and writes when it has joined', () => {
  const joined = { type: 'user', path: '/u' };
  const config = linux({ namespaces: [joined, { type: 'mount' }, { type: 'time' }] });
  const all = calls(config, user('joined', false));
  const opened = position(all, /^openat\(AT_FDCWD, "\/proc\/self\/timens_offsets", O_WRONLY/);
  const hidden = position(all, /PR_SET_DUMPABLE, 0/);
  const entered = position(all, /^setns\(\/u, CLONE_NEWUSER\)/);
  const made = position(all, /^unshare\(CLONE_NEWTIME\)/);
  assert.deepEqual(
    [opened, hidden, entered, made].toSorted((a, b) => a - b),
    [opened, hidden, entered, made],
  );
});

test('the offsets of a namespace that is joined are its own', () => {
  const { trace } = run(planOf({ linux: linux({ namespaces: [{ type: 'mount' }, { type: 'time', path: '/t' }] }) }));
  assert.deepEqual(lines(during(trace, /offset/)), []);
  assert.ok(lines(trace, 'setns').includes('setns(/t, CLONE_NEWTIME)'));
});
