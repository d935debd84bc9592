import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import { problemData, problemText, renderError } from './render.ts';

const problem = {
  code: 'init',
  message: 'mount /proc/sys read-only',
  syscall: 'mount_setattr',
  errno: 1,
  pointer: '/linux/readonlyPaths/4',
  hint: 'run as root',
} as const;

test('the line says what was done, to what, the system call, the reason, the value of config.json and what to do', () => {
  assert.equal(
    problemText(problem),
    'mount /proc/sys read-only: mount_setattr: EPERM (operation not permitted) [config.json /linux/readonlyPaths/4]; run as root',
  );
});

test('what is not known is left out', () => {
  assert.equal(problemText({ code: 'not-found', message: 'container does not exist' }), 'container does not exist');
  assert.equal(problemText({ code: 'system', message: 'sync', errno: 5 }), 'sync: EIO (input/output error)');
  assert.equal(problemText({ code: 'config', message: 'not an object', pointer: '' }), 'not an object [config.json /]');
});

test('the words that container engines look for are in the line', () => {
  assert.match(
    problemText({ code: 'exec', message: 'exec "/x"', syscall: 'execve', errno: 2 }),
    /no such file or directory/,
  );
  assert.match(problemText({ code: 'exec', message: 'exec "/x"', syscall: 'execve', errno: 13 }), /permission denied/);
});

test('the line stays one line', () => {
  assert.equal(problemText({ code: 'hook', message: 'hook failed:\n  no\r\n', hint: 'a\nb' }), 'hook failed: no; a b');
});

test('control characters do not reach the terminal', () => {
  const error = new RuntError({ code: 'hook', message: 'a\x1b[2Jb', details: ['\x1b]0;title\x07', 'tab\tstays'] });
  assert.equal(renderError(error).message, 'a\\x1b[2Jb');
  assert.deepEqual(renderError(error).details, ['\\x1b]0;title\\x07', 'tab\tstays']);
});

test('as data, a problem keeps its parts and has the line too', () => {
  assert.deepEqual(problemData(problem), { ...problem, errnoName: 'EPERM', text: problemText(problem) });
});

test('details go before the message', () => {
  const rendered = renderError(new RuntError({ code: 'config', message: '2 problems', details: ['first', 'second'] }));
  assert.deepEqual(rendered.details, ['first', 'second']);
  assert.equal(rendered.message, '2 problems');
});

test('what runt did not throw on purpose is called its defect, without a trace in the message', () => {
  const rendered = renderError(new TypeError('x is undefined'));
  assert.equal(rendered.message, 'a defect of runt, please report it: TypeError: x is undefined');
  assert.deepEqual(rendered.details, []);
  assert.equal(renderError('thrown text').message, 'a defect of runt, please report it: thrown text');
});

test('the trace follows the causes', () => {
  const trace = renderError(
    new RuntError({ code: 'state', message: 'outer' }, new Error('inner', { cause: 'root' })),
  ).trace();
  assert.ok(trace.some((line) => line.includes('outer')));
  assert.ok(trace.some((line) => line.includes('inner')));
  assert.equal(trace.at(-1), 'root');
});
