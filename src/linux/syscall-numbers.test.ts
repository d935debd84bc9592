import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { SyscallName } from './syscall-numbers.ts';
import { SYSCALL_NUMBERS } from './syscall-numbers.ts';

const X64_HEADERS = ['/usr/include/x86_64-linux-gnu/asm/unistd_64.h', '/usr/include/asm/unistd_64.h'];
const GENERIC_HEADERS = ['/usr/include/asm-generic/unistd.h'];

function definitions(header: string, pattern: RegExp): Map<string, number> {
  const text = readFileSync(header, 'utf8');
  return new Map([...text.matchAll(pattern)].map(([, name = '', number]) => [name, Number(number)]));
}

const x64Header = X64_HEADERS.find((path) => existsSync(path));
const genericHeader = GENERIC_HEADERS.find((path) => existsSync(path));

test('the x86-64 numbers are those of the kernel headers', { skip: x64Header === undefined && 'no headers' }, () => {
  const header = definitions(x64Header ?? '', /#define\s+__NR_(\w+)\s+(\d+)/g);
  for (const [name, number] of Object.entries(SYSCALL_NUMBERS.x64)) assert.equal(number, header.get(name), name);
});

test('the arm64 numbers are those of the kernel headers', { skip: genericHeader === undefined && 'no headers' }, () => {
  const header = definitions(genericHeader ?? '', /#define\s+__NR_(\w+)\s+(\d+)/g);
  // Calls whose 32-bit variant has another name are defined by way of these.
  for (const [name, number] of definitions(genericHeader ?? '', /#define\s+__NR3264_(\w+)\s+(\d+)/g)) {
    header.set(name === 'fstatat' ? 'newfstatat' : name, number);
  }
  for (const [name, number] of Object.entries(SYSCALL_NUMBERS.arm64)) assert.equal(number, header.get(name), name);
});

test('both architectures know the same calls, and no number is given twice', () => {
  for (const numbers of Object.values(SYSCALL_NUMBERS)) {
    assert.equal(new Set(Object.values(numbers)).size, Object.keys(numbers).length);
  }
  assert.deepEqual(Object.keys(SYSCALL_NUMBERS.x64), Object.keys(SYSCALL_NUMBERS.arm64));
  const name: SyscallName = 'clone3';
  assert.equal(SYSCALL_NUMBERS.x64[name], 435);
});
