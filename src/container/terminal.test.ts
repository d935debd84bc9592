import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import { passedSockets } from './extras.ts';
import { readyLine } from './notify.ts';
import { checkTerminalChoice, terminalSettings } from './terminal.ts';

const messageOf = (body: () => unknown): string | undefined => {
  try {
    body();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof RuntError);
    return error.problem.message;
  }
};

test('somebody attends to each terminal, and to each console socket', () => {
  const words: Record<string, RegExp | undefined> = {
    'terminal detached socket': undefined,
    'terminal detached': /^cannot allocate tty if runt will detach without setting console socket$/,
    'terminal socket': /^cannot use console socket if runt will not detach or allocate tty$/,
    terminal: undefined,
    'detached socket': /^cannot use console socket/,
    detached: undefined,
    socket: /^cannot use console socket/,
    '': undefined,
  };
  for (const [choice, expected] of Object.entries(words)) {
    const has = (word: string): boolean => choice.split(' ').includes(word);
    const consoleSocket = has('socket') ? '/socket' : undefined;
    const message = messageOf(() =>
      checkTerminalChoice({ terminal: has('terminal'), detached: has('detached'), consoleSocket }),
    );
    if (expected === undefined) assert.equal(message, undefined, choice);
    else assert.match(message ?? '', expected, choice);
  }
});

test('consoleSize is honoured, refused where no terminal can have it, and nothing where it is 0', () => {
  const size = (height: number, width: number) => terminalSettings({ cwd: '/', consoleSize: { height, width } }).size;
  assert.deepEqual(size(24, 80), { rows: 24, columns: 80 });
  assert.equal(size(0, 0), undefined);
  assert.match(messageOf(() => size(24, 65536)) ?? '', /a width of 65536/);
});

test('sockets that systemd passed on are for the process that it names', () => {
  const passed = (env: Record<string, string>) => passedSockets(env, 42);
  assert.deepEqual(passed({ LISTEN_FDS: '2', LISTEN_PID: '42' }), {
    count: 2,
    variables: ['LISTEN_FDS=2', 'LISTEN_PID=1'],
  });
  assert.deepEqual(
    passed({ LISTEN_FDS: '1', LISTEN_PID: '42', LISTEN_FDNAMES: 'web' }).variables.at(-1),
    'LISTEN_FDNAMES=web',
  );
  for (const env of [
    { LISTEN_FDS: '1' },
    { LISTEN_FDS: '1', LISTEN_PID: '41' },
    { LISTEN_FDS: '-1', LISTEN_PID: '42' },
    { LISTEN_FDS: '1.5', LISTEN_PID: '42' },
  ]) {
    assert.equal(passed(env).count, 0);
  }
});

test('of what a program tells its service manager only READY counts', () => {
  assert.equal(readyLine('STATUS=x\nREADY=1\nMAINPID=1'), 'READY=1');
  assert.equal(readyLine('STATUS=READY=1'), undefined);
});
