import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import { parseSignal, signalName, signalNames } from './signals.ts';

function refusal(text: string): RuntError['problem'] {
  try {
    parseSignal(text);
  } catch (error) {
    assert.ok(error instanceof RuntError);
    return error.problem;
  }
  return assert.fail(`${JSON.stringify(text)} is taken for a signal`);
}

test('every signal has the number that the engine knows it by', () => {
  const known: Readonly<Record<string, number>> = constants.signals;
  for (const name of signalNames()) assert.equal(parseSignal(name), known[name], name);
  assert.equal(signalNames().length, 31);
});

test('every signal has the number that bash knows it by', (t) => {
  const listed = spawnSync('bash', ['-c', 'kill -l'], { encoding: 'utf8' });
  if (listed.error !== undefined) return t.skip('bash is not installed');
  const pairs = [...listed.stdout.matchAll(/(\d+)\) (SIG[A-Z0-9+-]+)/g)];
  assert.ok(pairs.length >= 60);
  for (const [, number, name = ''] of pairs) assert.equal(parseSignal(name), Number(number), name);
});

test('a signal is given as a number, as a name with or without SIG, in any case', () => {
  for (const text of ['9', '09', 'KILL', 'SIGKILL', 'kill', 'sigkill', 'SigKill'])
    assert.equal(parseSignal(text), 9, text);
});

test('zero is a signal: it only probes', () => {
  assert.equal(parseSignal('0'), 0);
});

test('real-time signals are counted from either end', () => {
  assert.equal(parseSignal('RTMIN'), 34);
  assert.equal(parseSignal('SIGRTMIN+3'), 37);
  assert.equal(parseSignal('rtmax'), 64);
  assert.equal(parseSignal('SIGRTMAX-1'), 63);
  assert.equal(parseSignal('RTMIN+30'), 64);
  for (const text of ['RTMIN+31', 'RTMAX-31', 'RTMIN-1', 'RTMAX+1', 'RTMIN+', 'RTMIN3']) refusal(text);
});

test('second names are understood', () => {
  assert.equal(parseSignal('IOT'), 6);
  assert.equal(parseSignal('SIGCLD'), 17);
  assert.equal(parseSignal('POLL'), 29);
});

test('what is no signal is a usage error that suggests one', () => {
  assert.deepEqual(refusal('SIGKIL'), {
    code: 'usage',
    message: 'unknown signal "SIGKIL"',
    hint: 'did you mean SIGKILL?',
  });
  assert.equal(refusal('trem').hint, 'did you mean SIGTERM?');
  assert.equal(refusal('65').message, 'no signal has the number 65');
  for (const text of ['', '-9', '9 ', '1e1', '0x9', 'SIG', 'SIGSIGKILL', '9.5'])
    assert.equal(refusal(text).code, 'usage', text);
});

test('a number has a name to show', () => {
  assert.equal(signalName(15), 'SIGTERM');
  assert.equal(signalName(34), 'SIGRTMIN');
  assert.equal(signalName(37), 'SIGRTMIN+3');
  assert.equal(signalName(64), 'SIGRTMAX');
  assert.equal(signalName(0), '0');
  assert.equal(signalName(33), '33');
});
