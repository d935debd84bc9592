// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollars are those of the shells.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runtime(program: string, before: readonly string[], args: readonly string[]): Result {
  const { status, stdout, stderr } = spawnSync(program, [...before, ...args], {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
  });
  return { status, stdout, stderr };
}
const runt = (...args: string[]): Result => runtime(process.execPath, [MAIN], args);

let directory = '';
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'runt-line-'));
});
after(() => rmSync(directory, { recursive: true }));

test('without arguments runt prints its help and succeeds', () => {
  const { status, stdout, stderr } = runt();
  assert.equal(status, 0);
  assert.match(stdout, /^Usage: runt \[global options\] <command>/m);
  assert.equal(stderr, '');
});

test('--version prints name, version, commit and specification', () => {
  assert.match(runt('--version').stdout, /^runt version \S+\ncommit: \S+\nspec: \S+\n/);
});

test('mistakes end with the statuses of runc', (t) => {
  const mistakes = [
    ['state'],
    ['state', 'a', 'b'],
    ['bogus'],
    ['--bogus'],
    ['state', '--bogus', 'x'],
    ['list', 'x'],
    ['list', '-f', 'x'],
    ['--log-format', 'x', 'list'],
    ['--root'],
    ['run', '--preserve-fds', 'x', 'y'],
    ['--debug', 'false', 'list'],
    ['-', 'list'],
    ['kill', 'a', '9', 'b'],
  ];
  if (spawnSync('runc', ['--version']).error !== undefined) return t.skip('runc is not installed');
  for (const line of mistakes) assert.equal(runt(...line).status, runtime('runc', [], line).status, line.join(' '));
});

test('a mistake is one log line on standard error and nothing on standard output', () => {
  const { status, stdout, stderr } = runt('state', '--bundle', 'x');
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.match(
    stderr,
    /^time="[^"]+" level=error msg="unknown option --bundle of runt state; see runt state --help"\n$/,
  );
});

test('a command of a later version is refused by name', () => {
  for (const name of ['checkpoint', 'restore']) {
    const { status, stderr } = runt('--log-format', 'json', name, '--whatever', 'x');
    assert.equal(status, 1);
    assert.equal(JSON.parse(stderr).msg, `not supported yet by this version of runt: ${name}`);
  }
});

test('with --log the error is in the file as a log line, and on standard error as bare text', () => {
  const file = join(directory, 'log.json');
  const { stderr } = runt('--log', file, '--log-format', 'json', 'checkpoint');
  assert.equal(stderr, 'not supported yet by this version of runt: checkpoint\n');
  const { level, msg, time, ...rest } = JSON.parse(readFileSync(file, 'utf8'));
  assert.deepEqual({ level, msg, rest }, { level: 'error', msg: stderr.trimEnd(), rest: {} });
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

test('the log is told of a mistake in the line, where it was named before', () => {
  const file = join(directory, 'mistake.log');
  runt('--log', file, 'state', '--bogus');
  assert.match(readFileSync(file, 'utf8'), /level=error msg="unknown option --bogus of runt state; /);
});

test('a log file that can not be opened is an error', () => {
  const { status, stderr } = runt('--log', '/nonexistent/log', '--version');
  assert.equal(status, 1);
  assert.match(
    stderr,
    /level=error msg="open the log file \/nonexistent\/log: open: ENOENT \(no such file or directory\)"/,
  );
});

test('where and why it was thrown is shown only with --debug', () => {
  assert.doesNotMatch(runt('checkpoint').stderr, /\bat /);
  const { stderr } = runt('--debug', 'checkpoint');
  assert.match(stderr, /level=debug msg=" {4}at /);
  assert.match(stderr.trimEnd().split('\n').at(-1) ?? '', /level=error msg="not supported yet/);
});

test('output is complete when it goes through a slow pipe', () => {
  const whole = runt('features').stdout;
  const { stdout } = spawnSync('sh', ['-c', '"$0" "$1" features | (sleep 0.05; cat)', process.execPath, MAIN], {
    encoding: 'utf8',
  });
  assert.equal(stdout, whole);
});

test('a reader that goes away ends runt quietly', () => {
  const { stderr, stdout } = spawnSync(
    'bash',
    ['-c', '"$0" "$1" completion zsh | true; echo "${PIPESTATUS[0]}"', process.execPath, MAIN],
    { encoding: 'utf8' },
  );
  assert.equal(stderr, '');
  assert.match(stdout, /^(141|0)\n$/);
});

test('spec writes a config that validate takes, once', () => {
  const bundle = join(directory, 'bundle');
  mkdirSync(bundle);
  assert.deepEqual(runt('spec', '--bundle', bundle), { status: 0, stdout: '', stderr: '' });
  const file = join(bundle, 'config.json');
  assert.deepEqual(runt('validate', '-b', bundle), { status: 0, stdout: `${file} is valid\n`, stderr: '' });
  const before = readFileSync(file, 'utf8');
  const { status, stderr } = runt('spec', '--bundle', bundle);
  assert.equal(status, 1);
  assert.ok(stderr.includes(`write ${file}: open: EEXIST (file exists); remove it first`), stderr);
  assert.equal(readFileSync(file, 'utf8'), before);
});

test('spec --rootless writes another config than spec', () => {
  const [plain, rootless] = ['plain', 'rootless'].map((name) => join(directory, name));
  assert.ok(plain !== undefined && rootless !== undefined);
  mkdirSync(plain);
  mkdirSync(rootless);
  runt('spec', '--bundle', plain);
  runt('spec', '--rootless', '--bundle', rootless);
  const read = (bundle: string) => JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
  assert.equal(read(plain).linux.uidMappings, undefined);
  assert.equal(read(rootless).linux.uidMappings.length, 1);
});

test('validate prints every finding and ends with status 1 where one is an error', () => {
  const file = join(directory, 'bad.json');
  writeFileSync(file, '{"ociVersion": 1,\n "root": {"path": 2}}');
  const text = runt('validate', file);
  assert.equal(text.status, 1);
  assert.match(text.stdout, /bad\.json:1:16: error: \/ociVersion: /);
  assert.match(text.stdout, /bad\.json:2:19: error: \/root\/path: /);
  assert.match(text.stderr, /level=error msg="[^"]*bad\.json is not valid: 2 errors"/);
  const json = runt('validate', '--format', 'json', file);
  assert.equal(json.status, 1);
  assert.equal(JSON.parse(json.stdout).valid, false);
  assert.equal(JSON.parse(json.stdout).findings.length, 2);
});

test('validate reads standard input', () => {
  const { stdout, status } = spawnSync(process.execPath, [MAIN, 'validate', '-'], {
    input: '{"ociVersion": "1.3.0"',
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.match(stdout, /^standard input:1:\d+: error: /);
});

test('validate takes a file or a bundle, not both', () => {
  assert.match(runt('validate', '--bundle', '/', 'file').stderr, /takes a file or a bundle, not both/);
});

test('with --format json an error is data on standard output, and a line on standard error', () => {
  for (const command of ['plan', 'validate']) {
    const { status, stdout, stderr } = runt(command, '--format', 'json', '--bundle', '/nonexistent');
    assert.equal(status, 1);
    const { error } = JSON.parse(stdout);
    assert.equal(error.code, 'config');
    assert.equal(error.errnoName, 'ENOENT');
    assert.ok(stderr.includes('no such file or directory'));
    assert.equal(runt(command, '--bundle', '/nonexistent').stdout, '');
  }
});

test('plan prints the system calls of a bundle, as text or JSON, without a root file system being there', () => {
  const bundle = join(directory, 'planned');
  mkdirSync(bundle);
  runt('spec', '--bundle', bundle);
  const file = join(bundle, 'config.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"terminal": true', '"terminal": false'));
  const { stdout, stderr, status } = runt('plan', '-b', bundle);
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.match(stdout, /execve\(/);
  const planned = JSON.parse(runt('plan', '-b', bundle, '--format=json').stdout);
  assert.ok(planned.operations.some(({ call }: { call?: string }) => call === 'execve'));
});

test('state, start, kill and delete of what does not exist fail; delete --force does not', () => {
  const root = join(directory, 'root');
  for (const line of [
    ['state', 'x'],
    ['start', 'x'],
    ['kill', 'x'],
    ['delete', 'x'],
  ]) {
    const { status, stderr } = runt('--root', root, ...line);
    assert.equal(status, 1, line.join(' '));
    assert.match(stderr, /does not exist/);
  }
  assert.deepEqual(runt('--root', root, 'delete', '--force', 'x'), { status: 0, stdout: '', stderr: '' });
});

test('list of no containers prints the head of the table, an empty JSON array, or nothing', () => {
  const root = join(directory, 'empty');
  mkdirSync(root);
  assert.match(runt('--root', root, 'list').stdout, /^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n$/);
  assert.equal(runt('--root', root, 'list', '-f', 'json').stdout, '[]\n');
  assert.equal(runt('--root', root, 'list', '-q').stdout, '');
});
