import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../../error.ts';
import { scopeName, scopePath, slicePath, unitObject } from './unit.ts';

const refusedWith = (message: RegExp) => (error: unknown) =>
  error instanceof RuntError && error.problem.code === 'config' && message.test(error.problem.message);

test('without a cgroupsPath the scope has the name of the id, in the usual slice of the manager', () => {
  assert.deepEqual(scopeName(undefined, 'web', 'system'), { unit: 'runt-web.scope', slice: 'system.slice' });
  assert.deepEqual(scopeName('', 'web', 'user'), { unit: 'runt-web.scope', slice: 'user.slice' });
});

test('an id with a character that systemd does not know gets an escaped name', () => {
  assert.equal(scopeName(undefined, 'a+b', 'system').unit, 'runt-a\\x2bb.scope');
});

test('slice:prefix:name chooses all three; an empty slice is the usual one', () => {
  assert.deepEqual(scopeName('machine.slice:libpod:1a', 'web', 'system'), {
    unit: 'libpod-1a.scope',
    slice: 'machine.slice',
  });
  assert.deepEqual(scopeName(':docker:1a', 'web', 'system'), { unit: 'docker-1a.scope', slice: 'system.slice' });
  assert.deepEqual(scopeName(':docker:1a', 'web', 'user'), { unit: 'docker-1a.scope', slice: 'user.slice' });
});

test('anything else is refused with the form that is expected', () => {
  for (const path of ['/a/b', 'a:b', 'a.slice:b:c:d', 'a.slice:b:'])
    assert.throws(() => scopeName(path, 'web', 'system'), refusedWith(/of format "slice:prefix:name"/));
  assert.throws(() => scopeName('a.slice:b:c.slice', 'web', 'system'), refusedWith(/names a slice/));
});

test('no part of cgroupsPath leads out of its slice', () => {
  // One component, whatever it is made of.
  assert.equal(scopePath('a.slice:..:x', 'web'), '/a.slice/..-x.scope');
  for (const path of ['a.slice:../b:x', 'a.slice:b:../x', 'a.slice:b:x/y', 'a.slice:b:x\n', 'a.slice:b:x\0'])
    assert.throws(() => scopeName(path, 'web', 'system'), RuntError, path);
  for (const slice of [
    '..',
    '../a.slice',
    'a/b.slice',
    'a',
    '.slice',
    'a--b.slice',
    '-a.slice',
    'a-.slice',
    'a\n.slice',
  ])
    assert.throws(() => scopeName(`${slice}:b:c`, 'web', 'system'), RuntError, slice);
});

test('a name that is too long for a unit is refused', () => {
  assert.throws(() => scopeName(undefined, 'x'.repeat(250), 'system'), refusedWith(/can't be the name/));
});

test('the directory of a slice has a directory for each dash', () => {
  assert.equal(slicePath('-.slice'), '');
  assert.equal(slicePath('machine.slice'), '/machine.slice');
  assert.equal(slicePath('a-b-c.slice'), '/a.slice/a-b.slice/a-b-c.slice');
  assert.equal(scopePath('a-b.slice:p:n', 'web'), '/a.slice/a-b.slice/p-n.scope');
});

test("a unit's object has its name with all but letters and digits escaped", () => {
  assert.equal(unitObject('runt-web.scope'), '/org/freedesktop/systemd1/unit/runt_2dweb_2escope');
  assert.equal(unitObject('1a.scope'), '/org/freedesktop/systemd1/unit/_31a_2escope');
});
