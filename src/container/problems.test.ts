import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MESSAGE } from '../init/messages.ts';
import { ERRNO } from '../linux/errno.ts';
import { type HookEnd, initProblem, stepProblem } from './problems.ts';

test('a step that failed is told with its call, errno, pointer and hint', () => {
  const step = { operation: 3, sentence: 'mount proc on /proc', syscall: 'fsopen', pointer: '/mounts/0', hint: 'h' };
  assert.deepEqual(stepProblem(step, ERRNO.EPERM), {
    code: 'init',
    message: 'mount proc on /proc',
    syscall: 'fsopen',
    errno: ERRNO.EPERM,
    pointer: '/mounts/0',
    hint: 'h',
  });
});

test('a program that can’t be executed is told in the words that Docker maps to exit status 127 and 126', () => {
  const exec = { operation: 1, sentence: 'exec /run.sh', syscall: 'execve', pointer: '/process/args/0' };
  assert.equal(stepProblem(exec, ERRNO.ENOENT).message, 'exec /run.sh: no such file or directory');
  assert.match(stepProblem(exec, ERRNO.ENOENT).hint ?? '', /interpreter/);
  assert.equal(stepProblem(exec, ERRNO.EACCES).message, 'exec /run.sh: permission denied');
  const search = { operation: 1, sentence: 'exec: "x": executable file not found in $PATH' };
  assert.equal(stepProblem(search, ERRNO.ENOENT).message, search.sentence);
});

const hook = { operation: 20, sentence: 'run startContainer hook #1: /h', pointer: '/hooks/startContainer/1' };
const toldOf = (end: HookEnd | undefined, printed = '') => initProblem(hook, ERRNO.ENOENT, end, () => printed);

test('a hook of init is told with its kind, its index and its end', () => {
  const of = (type: number, value: number) => toldOf({ type, value }).message;
  const start = 'error running startContainer hook #1:';
  assert.equal(of(MESSAGE.hookExited, 3), `${start} exit status 3 of /h`);
  assert.equal(of(MESSAGE.hookKilled, 9), `${start} /h was killed by signal 9`);
  assert.equal(of(MESSAGE.hookKilled, 31), `${start} /h was killed by signal 31 (bad system call)`);
  assert.equal(of(MESSAGE.hookTimeout, 7), `${start} /h took longer than its timeout of 7 s`);
  assert.equal(toldOf(undefined).message, `${start} exec /h: no such file or directory`);
  assert.equal(toldOf(undefined).pointer, '/hooks/startContainer/1');
});

test('of what hooks printed the last line of the one that failed is told, the others as details', () => {
  const { message, details } = toldOf({ type: MESSAGE.hookExited, value: 1 }, '\0of the first\n\0one\nthe reason\n');
  assert.match(message, /, stderr: the reason$/);
  assert.deepEqual(details, ['one', 'the reason']);
  const silent = toldOf({ type: MESSAGE.hookExited, value: 1 }, '\0of the first\n\0');
  assert.doesNotMatch(silent.message, /stderr/);
  assert.equal(silent.details, undefined);
});

test('any other step of init is told as it is', () => {
  const step = { operation: 20, sentence: 'run away', syscall: 'chdir' };
  assert.deepEqual(
    initProblem(step, ERRNO.EPERM, undefined, () => 'x'),
    stepProblem(step, ERRNO.EPERM),
  );
});
