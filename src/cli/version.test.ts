import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { VERSION, versionText } from './version.ts';

test('the version is that of package.json', () => {
  assert.equal(VERSION, JSON.parse(readFileSync('package.json', 'utf8')).version);
});

test('container engines find the words after version, commit: and spec:', () => {
  assert.match(versionText(), /^runt version \d+\.\d+\.\d+\ncommit: \S+\nspec: 1\.3\.0\n/);
  // dockerd takes what follows the last "version" of the last line that has the word.
  assert.equal(versionText().match(/version/g)?.length, 1);
});
