import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import { checkId, listIds, readRecord, removeRecord, reserve, writeRecord } from './store.ts';
import { recordOf } from './test-support.ts';

const hasCode = (code: string) => (error: unknown) => error instanceof RuntError && error.problem.code === code;

function withRoot(body: (root: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'runt-store-'));
  try {
    body(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('an id is letters, digits, _ + - and ., and begins with no dot', () => {
  for (const id of ['a', 'A-b_c+d.e', '-x', '0', 'x'.repeat(255)]) checkId(id);
  for (const id of ['', '.', '..', '.hidden', 'a/b', '../x', 'a b', 'a\nb', 'a\0b', 'ä', 'x'.repeat(256)]) {
    assert.throws(() => checkId(id), hasCode('id'), JSON.stringify(id));
  }
});

test('an id is taken once, and free again when it is removed', () => {
  withRoot((root) => {
    reserve(root, 'a');
    assert.throws(() => reserve(root, 'a'), hasCode('exists'));
    removeRecord(root, 'a');
    reserve(root, 'a');
  });
});

test('a refused id makes nothing, and the state root is made when it is missing', () => {
  withRoot((root) => {
    assert.throws(() => reserve(join(root, 'new'), '../x'), hasCode('id'));
    assert.deepEqual(readdirSync(root), []);
    reserve(join(root, 'new'), 'x');
    assert.ok(existsSync(join(root, 'new/x')));
  });
});

test('what was written is read, as a whole and with nothing beside it', () => {
  withRoot((root) => {
    reserve(root, 'a');
    writeRecord(root, recordOf({ id: 'a' }));
    writeRecord(root, recordOf({ id: 'a', bundle: '/other' }));
    const record = readRecord(root, 'a');
    assert.ok(record !== 'unfinished' && record.bundle === '/other');
    assert.deepEqual(readdirSync(join(root, 'a')), ['state.json']);
  });
});

test('a missing, an unfinished and a damaged state are told apart', () => {
  withRoot((root) => {
    assert.throws(() => readRecord(root, 'a'), hasCode('not-found'));
    reserve(root, 'a');
    assert.equal(readRecord(root, 'a'), 'unfinished');
    writeFileSync(join(root, 'a/state.json'), '{"id":');
    assert.throws(() => readRecord(root, 'a'), hasCode('state'));
  });
});

test('ids are listed in order, without what is none; a missing root has none', () => {
  withRoot((root) => {
    assert.deepEqual(listIds(join(root, 'none')), []);
    for (const id of ['b', 'a']) reserve(root, id);
    mkdirSync(join(root, '.x'));
    writeFileSync(join(root, 'file'), '');
    assert.deepEqual(listIds(root), ['a', 'b']);
  });
});

test('a directory with more than the usual is removed, too', () => {
  withRoot((root) => {
    reserve(root, 'a');
    writeFileSync(join(root, 'a/state.json.new'), '');
    mkdirSync(join(root, 'a/sub'));
    removeRecord(root, 'a');
    removeRecord(root, 'a');
    assert.deepEqual(readdirSync(root), []);
  });
});
