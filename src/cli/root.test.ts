import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import { type Caller, prepareUserRoot, stateRoot } from './root.ts';

function caller(effectiveUid: number, runtimeDirectory?: string, userNamespace = false, user?: string): Caller {
  return {
    effectiveUid,
    environment: { XDG_RUNTIME_DIR: runtimeDirectory, USER: user },
    inUserNamespace: () => userNamespace,
  };
}

test('the state of root is under /run/runt, whatever $XDG_RUNTIME_DIR says', () => {
  assert.equal(stateRoot(undefined, caller(0)).path, '/run/runt');
  assert.equal(stateRoot(undefined, caller(0, '/run/user/0')).path, '/run/runt');
  assert.equal(stateRoot(undefined, caller(0, '/run/user/0', true, 'root')).path, '/run/runt');
});

test('the state of others is under $XDG_RUNTIME_DIR', () => {
  assert.deepEqual(stateRoot(undefined, caller(1000, '/run/user/1000')), {
    path: '/run/user/1000/runt',
    perUser: true,
  });
  assert.deepEqual(stateRoot(undefined, caller(0, '/run/user/1000', true, 'me')), {
    path: '/run/user/1000/runt',
    perUser: true,
  });
  assert.equal(stateRoot(undefined, caller(1000)).path, '/run/runt');
  assert.equal(stateRoot(undefined, caller(1000, '')).path, '/run/runt');
});

test('--root is made absolute and clean', () => {
  assert.equal(stateRoot('/a/../b/', caller(0)).path, '/b');
  assert.equal(stateRoot('here', caller(0)).path, join(process.cwd(), 'here'));
});

test('--root is neither empty nor /', () => {
  for (const path of ['', '/', '//', '/a/..']) {
    assert.throws(
      () => stateRoot(path, caller(0)),
      (error) => error instanceof RuntError && error.problem.code === 'usage',
      path,
    );
  }
});

test('the directory of a user is made with the sticky bit', () => {
  const directory = mkdtempSync(join(tmpdir(), 'runt-root-'));
  try {
    const path = join(directory, 'runtime', 'runt');
    prepareUserRoot(path);
    prepareUserRoot(path);
    assert.equal(statSync(path).mode & 0o7777, 0o1700);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
