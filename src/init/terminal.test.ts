import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, during, lines, planOf, run, type TracedCall } from './test-support.ts';

const terminal = { socket: { fd: 8, text: 'console' }, uid: 1000, size: { rows: 24, columns: 80 } };
const DEVPTS = 0x1cd1;

/** A kernel whose /dev/pts is a file system of this kind. */
const kernel =
  (magic: number, answer: (call: TracedCall) => Answer = () => undefined) =>
  (call: TracedCall): Answer => {
    const bytes = Buffer.alloc(120);
    bytes.writeBigInt64LE(BigInt(magic), 0);
    if (call.name === 'fstatfs' && call.args[0]?.endsWith('/dev/pts'))
      return { result: 0, write: { argument: 1, bytes } };
    if (call.args[1] === 'TIOCGPTPEER') return 500;
    return answer(call);
  };

test('the terminal is opened in the devpts of the container, by descriptor, and nothing else by name', () => {
  const { trace, end } = run(planOf({}, { terminal }), kernel(DEVPTS));
  assert.equal(end, 'executed');
  const opened = lines(trace, 'openat2').filter((line) => /pts|ptmx|console/.test(line));
  assert.deepEqual(opened, [
    'openat2(root, "/dev/pts", {flags=O_PATH|O_DIRECTORY|O_CLOEXEC, resolve=RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)',
    'openat2(root/dev/pts, "ptmx", {flags=O_RDWR|O_NOCTTY|O_CLOEXEC, resolve=RESOLVE_BENEATH|RESOLVE_NO_XDEV|RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS}, 24)',
    'openat2(root/dev, "console", {flags=O_PATH|O_CLOEXEC, resolve=RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS}, 24)',
  ]);
});

test('the master is sent and closed before the slave becomes the streams, and the slave is the user’s', () => {
  const { trace } = run(planOf({}, { terminal }), kernel(DEVPTS));
  const calls = trace.slice(trace.findIndex(({ args }) => args[1] === 'TIOCSPTLCK'));
  assert.deepEqual(
    lines(calls, 'ioctl', 'fchown', 'sendmsg', 'close', 'dup3')
      .slice(0, 12)
      .map((line) => line.replace(/\{"\/dev.*\}/, '{message}')),
    [
      'ioctl(root/dev/pts/ptmx, TIOCSPTLCK, {0})',
      'ioctl(root/dev/pts/ptmx, TIOCGPTPEER, O_RDWR|O_NOCTTY|O_CLOEXEC)',
      'ioctl(root/dev/pts/ptmx, TIOCSWINSZ, {24, 80})',
      'fchown(500, 1000, -1)',
      'sendmsg(console, {message}, MSG_NOSIGNAL)',
      'close(root/dev/pts/ptmx)',
      'close(console)',
      'dup3(500, 0, 0)',
      'dup3(500, 1, 0)',
      'dup3(500, 2, 0)',
      'close(500)',
      'ioctl(0, TIOCSCTTY, 0)',
    ],
  );
});

test('a /dev/pts that is no devpts ends init before anything there is opened (CVE-2025-52565)', () => {
  const { trace, end } = run(planOf({}, { terminal }), kernel(0x01021994));
  assert.deepEqual(end, { sentence: '/dev/pts is no devpts file system', errno: 'ENODEV' });
  assert.deepEqual(
    lines(trace, 'openat2').filter((line) => line.includes('ptmx')),
    [],
  );
});

test('a link at /dev/console ends init (CVE-2026-88264)', () => {
  const { end } = run(
    planOf({}, { terminal }),
    kernel(DEVPTS, ({ name, args }) => (name === 'openat2' && args[1] === '"console"' ? 'ELOOP' : undefined)),
  );
  assert.deepEqual(end, { sentence: 'bind the terminal on /dev/console', errno: 'ELOOP' });
});

test('without a mount namespace of its own nothing is put on /dev/console', () => {
  const plan = planOf({ linux: { namespaces: [{ type: 'pid' }] } }, { terminal });
  const { trace } = run(plan, kernel(DEVPTS));
  assert.deepEqual(during(trace, 'bind the terminal on /dev/console'), []);
});

test('without a terminal no step of init is about one, and the console socket is not kept', () => {
  assert.equal(
    planOf().operations.some(({ step }) => step?.pointer === '/process/terminal'),
    false,
  );
});
