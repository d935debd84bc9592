// Numbers against the kernel's own headers, where they are installed.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CAPABILITIES, capabilityNumber } from './capabilities.ts';
import * as mount from './mount-constants.ts';
import { NAMESPACES } from './namespaces.ts';
import { RLIMITS } from './rlimits.ts';

function header(name: string): { skip: string | false; value: (constant: string) => number | undefined; text: string } {
  const path = `/usr/include/${name}`;
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return {
    skip: text === '' ? `${path} is not installed` : false,
    text,
    value: (constant) => {
      const [, found] = new RegExp(`^#\\s*define\\s+${constant}\\s+((?:0x)?[0-9a-fA-F]+)\\b`, 'm').exec(text) ?? [];
      return found === undefined ? undefined : Number(/^0[0-7]+$/.test(found) ? `0o${found.slice(1)}` : found);
    },
  };
}

const capability = header('linux/capability.h');
test('capabilities have the kernel’s numbers, and all that the kernel has are there', { skip: capability.skip }, () => {
  CAPABILITIES.forEach((name, number) => void assert.equal(capability.value(name), number, name));
  assert.match(capability.text, new RegExp(`CAP_LAST_CAP\\s+${CAPABILITIES.at(-1)}\\b`));
});

test('a name that is no capability has no number', () => {
  for (const name of ['', 'CHOWN', 'cap_chown', 'CAP_CHOWN ', 'CAP_X']) assert.equal(capabilityNumber(name), undefined);
});

const mounts = header('linux/mount.h');
test('the constants of mounts are the kernel’s', { skip: mounts.skip }, () => {
  let checked = 0;
  for (const [name, value] of Object.entries(mount)) {
    const expected = typeof value === 'number' ? mounts.value(name) : undefined;
    if (expected === undefined) continue;
    assert.equal(value, expected, name);
    checked += 1;
  }
  assert.ok(checked >= 15, `${checked} constants`);
});

const sched = header('linux/sched.h');
test('the flags of namespaces are the kernel’s', { skip: sched.skip }, () => {
  for (const { flag, constant } of Object.values(NAMESPACES)) assert.equal(sched.value(constant), flag, constant);
});

const resource = header('asm-generic/resource.h');
test('the numbers of resource limits are the kernel’s', { skip: resource.skip }, () => {
  for (const [name, number] of Object.entries(RLIMITS)) assert.equal(resource.value(name), number, name);
});
