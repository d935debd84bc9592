import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { completionScript, SHELLS } from './completion.ts';

let directory = '';
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'runt-completion-'));
  mkdirSync(join(directory, 'folder'));
  writeFileSync(join(directory, 'file.json'), '{}');
  // Stands for runt where the script asks for the ids of the containers.
  writeFileSync(join(directory, 'runt'), '#!/bin/sh\n[ "$*" = "list --quiet" ] && printf "web\\nworker\\n"\n', {
    mode: 0o755,
  });
});
after(() => rmSync(directory, { recursive: true }));

/** What bash offers for the last of the words. */
function offers(...words: string[]): string[] {
  const script = `${completionScript('bash')}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _runt; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const result = spawnSync('bash', ['--norc', '-c', script, 'bash', 'runt', ...words], {
    encoding: 'utf8',
    cwd: directory,
    env: { PATH: `${directory}:/usr/bin:/bin` },
  });
  assert.equal(result.stderr, '');
  return result.stdout.split('\n').filter((line) => line !== '');
}

const withoutBash = spawnSync('bash', ['--version']).error === undefined ? false : 'bash is not installed';

test('bash completes commands', { skip: withoutBash }, () => {
  assert.deepEqual(offers('st'), ['start', 'state']);
  assert.deepEqual(offers('--root', '/r', 'del'), ['delete']);
  assert.ok(!offers('').includes('checkpoint'));
});

test('bash completes the options of the command and the global ones', { skip: withoutBash }, () => {
  assert.deepEqual(offers('list', '--f'), ['--format']);
  assert.deepEqual(offers('create', '--p'), ['--pidfd-socket', '--pid-file', '--preserve-fds']);
  assert.deepEqual(offers('state', '--log-'), ['--log-format']);
});

test('bash completes values: words, directories, files', { skip: withoutBash }, () => {
  assert.deepEqual(offers('list', '--format', ''), ['table', 'json']);
  assert.deepEqual(offers('--log-format', 'j'), ['json']);
  assert.deepEqual(offers('create', '--bundle', ''), ['folder']);
  assert.deepEqual(offers('create', '--pid-file', 'fi'), ['file.json']);
  assert.deepEqual(offers('validate', 'f').sort(), ['file.json', 'folder']);
  assert.deepEqual(offers('completion', 'f'), ['fish']);
});

test('bash completes the ids of the containers there are, but not for a new one', { skip: withoutBash }, () => {
  assert.deepEqual(offers('state', 'w'), ['web', 'worker']);
  assert.deepEqual(offers('kill', '--all', 'wo'), ['worker']);
  assert.deepEqual(offers('create', 'w'), []);
});

for (const shell of SHELLS) {
  test(`${shell} takes the script without complaint`, (t) => {
    const result = spawnSync(shell, ['-n'], { input: completionScript(shell), encoding: 'utf8' });
    if (result.error !== undefined) return t.skip(`${shell} is not installed`);
    assert.equal(result.stderr, '');
    assert.equal(result.status, 0);
  });
}
