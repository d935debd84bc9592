import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textTable } from './text-table.ts';

const HEAD = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'];

test('the head of an empty table is that of runc', () => {
  assert.equal(textTable([HEAD]), 'ID          PID         STATUS      BUNDLE      CREATED     OWNER\n');
});

test('a column is three wider than its longest text, and at least twelve', () => {
  const row = ['web', '7', 'running', '/var/lib/bundles/web', '2026-01-31T09:30:00Z', 'root'];
  assert.equal(
    textTable([HEAD, row]),
    [
      'ID          PID         STATUS      BUNDLE                 CREATED                OWNER\n',
      'web         7           running     /var/lib/bundles/web   2026-01-31T09:30:00Z   root\n',
    ].join(''),
  );
});
