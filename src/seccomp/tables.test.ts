import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interfaceOf, numbersOf } from './architectures.ts';
import { multiplexed } from './multiplexed.ts';
import { FILTERED_ARCHITECTURES } from './names.ts';
import { libseccomp, NO_LIBSECCOMP } from './test-support.ts';

const oracle = libseccomp();

for (const name of FILTERED_ARCHITECTURES) {
  test(`${name}: no name and no number is there twice`, () => {
    const one = interfaceOf(name);
    const written = [...one.table.matchAll(/"(.*?)":/g)].map(([, word]) => word ?? '');
    assert.equal(new Set(written).size, written.length);
    assert.ok(written.every((word) => /^_?[a-z][a-z0-9_]*$/.test(word)));
    const numbers = [...numbersOf(one).values()];
    assert.ok(numbers.length > 300);
    assert.equal(new Set(numbers).size, numbers.length);
  });

  test(`${name}: the numbers are libseccomp's, and none that it knows is missing`, {
    skip: oracle === undefined && NO_LIBSECCOMP,
  }, (t) => {
    if (oracle === undefined) return;
    const { bit } = interfaceOf(name);
    const table = numbersOf(interfaceOf(name));
    let compared = 0;
    for (const other of FILTERED_ARCHITECTURES) {
      for (const call of numbersOf(interfaceOf(other)).keys()) {
        const theirs = oracle.resolve(call, name);
        const ours = table.get(call);
        // Negative: it has the name, but no number of its own on this architecture. Newer than the library: it may not have either.
        if (theirs < 0 && (ours === undefined || ours >= NEWER_THAN_LIBRARY || multiplexed(call) !== undefined))
          continue;
        if (theirs < 0) {
          t.diagnostic(`${call} is ${ours}, which this libseccomp does not know`);
          continue;
        }
        assert.equal((ours ?? Number.NaN) + bit, theirs, call);
        compared += 1;
      }
    }
    assert.ok(compared > 1000, `${compared} names compared`);
  });
}
/** libseccomp 2.5.4 knows Linux 5.17. */
const NEWER_THAN_LIBRARY = 450;
