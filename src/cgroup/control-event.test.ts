import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import { waitForControl } from './control-event.ts';

const isEmpty = (text: string): boolean => text.includes('populated 0');

// systemd removes a scope's cgroup when its last process has ended: between two looks of somebody who has killed it.
test('a cgroup that was removed before the wait is waited for no longer', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'control-event-'));
  context.after(() => rmSync(directory, { recursive: true }));
  assert.equal(waitForControl(join(directory, 'gone', 'cgroup.events'), isEmpty, 60_000), false);
  writeFileSync(join(directory, 'cgroup.events'), 'populated 0\nfrozen 0\n');
  assert.equal(waitForControl(join(directory, 'cgroup.events'), isEmpty, 60_000), true);
});

test('a file that can not be opened for another reason is an error', () => {
  assert.throws(() => waitForControl('/dev/null/cgroup.events', isEmpty, 60_000), RuntError);
});
