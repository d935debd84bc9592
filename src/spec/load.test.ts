import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, test } from 'node:test';
import { type Problem, RuntError } from '../error.ts';
import { configWith, MINIMAL } from './fixtures.ts';
import { loadConfig, parseConfig } from './load.ts';

let bundle = '';
beforeEach(() => {
  bundle = mkdtempSync(`${tmpdir()}/runt-load-`);
});
afterEach(() => rmSync(bundle, { recursive: true }));

async function problemOf(content: string | Buffer): Promise<Problem> {
  writeFileSync(`${bundle}/config.json`, content);
  return problemOfBundle();
}

async function problemOfBundle(): Promise<Problem> {
  try {
    await loadConfig(bundle);
  } catch (error) {
    if (error instanceof RuntError) return error.problem;
    throw error;
  }
  return assert.fail('the config was loaded');
}

test('a valid config is loaded with its text and without warnings', async () => {
  const text = JSON.stringify(MINIMAL);
  writeFileSync(`${bundle}/config.json`, text);
  const loaded = await loadConfig(`${bundle}/`);
  assert.equal(loaded.file, `${bundle}/config.json`);
  assert.equal(loaded.text, text);
  assert.deepEqual(loaded.config, MINIMAL);
  assert.deepEqual(loaded.warnings, []);
});

test('64-bit integers are read to the last digit', () => {
  const text = JSON.stringify(MINIMAL).replace(
    '"args"',
    '"rlimits":[{"type":"RLIMIT_CORE","soft":9007199254740993,"hard":18446744073709551615},{"type":"RLIMIT_CPU","soft":7,"hard":1e3}],"args"',
  );
  const { exactInteger } = parseConfig(text, 'config.json');
  assert.equal(exactInteger('/process/rlimits/0/soft'), 9007199254740993n);
  assert.equal(exactInteger('/process/rlimits/0/hard'), 18446744073709551615n);
  assert.equal(exactInteger('/process/rlimits/1/soft'), 7n);
  assert.equal(exactInteger('/process/rlimits/1/hard'), 1000n);
  assert.equal(exactInteger('/process/cwd'), undefined);
  assert.equal(exactInteger('/process/rlimits/2/soft'), undefined);
});

test('a bundle without config.json is refused, with the system call and what to do', async () => {
  const problem = await problemOfBundle();
  assert.equal(problem.code, 'config');
  assert.equal(problem.syscall, 'open');
  assert.equal(problem.errno, 2);
  assert.match(problem.hint ?? '', /runt spec/);
});

test('a config.json that is a directory or a FIFO is refused at once', async () => {
  mkdirSync(`${bundle}/config.json`);
  assert.match((await problemOfBundle()).message, /not a regular file/);
  rmSync(`${bundle}/config.json`, { recursive: true });
  execFileSync('mkfifo', [`${bundle}/config.json`]);
  assert.match((await problemOfBundle()).message, /not a regular file/);
});

test('a config.json of more than 16 MiB is refused without being parsed', async () => {
  assert.match((await problemOf(Buffer.alloc(16 * 1024 * 1024 + 1, ' '))).message, /larger than 16 MiB/);
});

test('a config.json that is not UTF-8 is refused', async () => {
  assert.match((await problemOf(Buffer.from([0x22, 0xff, 0x22]))).message, /not UTF-8/);
});

test('an invalid config is refused with all findings; the message is complete by itself', async () => {
  const problem = await problemOf(
    JSON.stringify(configWith({ process: { cwd: 'x' }, linux: { namespaces: [{ type: 'mnt' }] } }), null, 2),
  );
  assert.equal(problem.code, 'config');
  assert.match(problem.message, /config\.json:\d+:\d+: error: \/process.*\(and 2 more\)$/);
  assert.equal(problem.details?.length, 3);
  assert.match(problem.details?.join('\n') ?? '', /one of "mount".*found "mnt"/);
});

test('malformed JSON is refused with line, column and the line itself', async () => {
  const problem = await problemOf('{\n  "ociVersion": "1.3.0",\n  "root" {}\n}');
  assert.match(problem.message, /config\.json:3:10: error: not JSON/);
  assert.deepEqual(problem.details?.slice(-2), ['    "root" {}', '           ^']);
});

test('a name that occurs twice, a NUL and half a surrogate pair are refused with their pointers', () => {
  const text = JSON.stringify(MINIMAL);
  const cases: readonly (readonly [string, string])[] = [
    [text.replace('"cwd"', '"cwd":"/tmp","cwd"'), '/process/cwd'],
    [text.replace('"sh"', '"s\\u0000h"'), '/process/args/0'],
    [text.replace('"sh"', '"\\ud800"'), '/process/args/0'],
    [text.replace('"args"', '"x\\u0000": 1, "args"'), '/process/x\0'],
  ];
  for (const [bad, pointer] of cases)
    assert.throws(
      () => parseConfig(bad, 'f'),
      (error) => error instanceof RuntError && error.problem.pointer === pointer,
      bad,
    );
  assert.ok(parseConfig(text.replace('"sh"', '"\\\\u0000 \\ud83d\\ude00"'), 'f'));
});

test('an integer that does not fit 64 bits, or can not be read exactly, is refused', () => {
  const limit = (literal: string): string =>
    JSON.stringify(MINIMAL).replace('"args"', `"rlimits":[{"type":"RLIMIT_CPU","soft":1,"hard":${literal}}],"args"`);
  for (const literal of ['18446744073709551616', '1.8446744073709551615e19', '20000000000000000000', '-1'])
    assert.throws(() => parseConfig(limit(literal), 'f'), RuntError, literal);
  assert.ok(parseConfig(limit('18446744073709551615'), 'f'));
});

test('what the rules warn of does not keep a config from being loaded', () => {
  const text = JSON.stringify(
    configWith({ process: { cwd: '/', args: ['sh'], capabilities: { bounding: ['CAP_FLY'] } } }),
  );
  assert.deepEqual(
    parseConfig(text, 'f').warnings.map(({ pointer }) => pointer),
    ['/process/capabilities/bounding/0'],
  );
});
