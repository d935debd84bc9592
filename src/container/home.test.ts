import assert from 'node:assert/strict';
import { test } from 'node:test';
import { homeIn } from './home.ts';

const PASSWD = `root:x:0:0:root:/root:/bin/sh
1000:x:0:0:named like a number:/evil:/bin/sh
broken line
app:x:1000:1000::/home/app:/bin/sh
nohome:x:7:7:::/bin/sh
hex:x:0x3e9:1:::/bin/sh
`;

test('home is that of the first user with the number', () => {
  assert.equal(homeIn(PASSWD, 0), '/root');
  assert.equal(homeIn(PASSWD, 1000), '/home/app');
});

test('a user that is named like a number does not count (CVE-2016-3697)', () => {
  assert.notEqual(homeIn(PASSWD, 1000), '/evil');
});

test('there is none for a user without one, for one that is not there, and for what is no number', () => {
  assert.equal(homeIn(PASSWD, 7), undefined);
  assert.equal(homeIn(PASSWD, 8), undefined);
  assert.equal(homeIn(PASSWD, 0x3e9), undefined);
  assert.equal(homeIn('', 0), undefined);
});
