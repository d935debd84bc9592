import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { getSystemErrorName } from 'node:util';
import { ERRNO, ERRNO_ALIASES, errnoName, errnoText } from './errno.ts';
import { errnoTexts } from './errno-text.ts';

const HEADERS = ['/usr/include/asm-generic/errno-base.h', '/usr/include/asm-generic/errno.h'];

test('the numbers are those of the kernel headers, all of them', {
  skip: !HEADERS.every((path) => existsSync(path)) && 'no headers',
}, () => {
  const text = HEADERS.map((path) => readFileSync(path, 'utf8')).join('');
  const header = [...text.matchAll(/#define\s+(E\w+)\s+(\d+)/g)].map(([, name = '', number]) => [name, Number(number)]);
  assert.deepEqual(ERRNO, Object.fromEntries(header));
});

test('every error has a name and a text', () => {
  assert.deepEqual(Object.keys(errnoTexts()).map(Number), Object.values(ERRNO));
  for (const [name, number] of Object.entries(ERRNO)) assert.equal(errnoName(number), name);
  assert.equal(getSystemErrorName(-ERRNO.EPERM), errnoName(ERRNO.EPERM));
});

test('texts are those that container engines look for', () => {
  assert.equal(errnoText(ERRNO.ENOENT), 'no such file or directory');
  assert.equal(errnoText(ERRNO.EACCES), 'permission denied');
  assert.equal(errnoText(ERRNO.ENOEXEC), 'exec format error');
  assert.equal(errnoText(ERRNO.ESRCH), 'no such process');
  assert.equal(errnoText(ERRNO_ALIASES.ENOTSUP), 'operation not supported');
});

test('a number that is no error of Linux still reads as one', () => {
  assert.equal(errnoName(4000), 'errno 4000');
  assert.equal(errnoText(41), 'unknown error 41');
});
