// Compiled seccomp filters are kept in ROOT/.seccomp, by content: what is there is used, but only if nobody else can have put it there.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Container, check, invokeTogether, ok, type Sandbox } from '../conformance/harness/index.ts';

const AT_ONCE = 8;
/** BPF_RET|BPF_K SECCOMP_RET_ALLOW: lets everything through. */
const ALLOW_ALL = Buffer.from('060000000000ff7f', 'hex');

/** Says whether mkdir is refused, as the profile demands. */
function confined(box: Sandbox): Container {
  return box.container((config) => {
    config.process.args = ['/bin/sh', '-c', 'mkdir /tmp/new 2>/dev/null && echo free || echo confined'];
    config.root.readonly = false;
    Object.assign(config.linux, {
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }],
      },
    });
  });
}

const answer = (box: Sandbox): string => ok(confined(box).run()).stdout.trim();
const cacheOf = (box: Sandbox): string => join(box.root, '.seccomp');

/** A container has run, and its filter is kept. */
function kept(box: Sandbox): string {
  assert.equal(answer(box), 'confined');
  const names = readdirSync(cacheOf(box));
  assert.equal(names.length, 1);
  return join(cacheOf(box), names[0] ?? '');
}

/** Puts a whole entry there that lets everything through. */
function poison(file: string): void {
  const key = file.slice(-64);
  const [, body = ''] = readFileSync(file, 'utf8').split('\n');
  const free = JSON.stringify({ ...JSON.parse(body), program: ALLOW_ALL.toString('base64') });
  writeFileSync(
    file,
    `${createHash('sha256')
      .update(key + free)
      .digest('hex')}\n${free}`,
  );
}

check('a filter is compiled once: the next container gets the one that is kept', (box) => {
  poison(kept(box));
  assert.equal(answer(box), 'free', 'the kept filter is installed');
});

check('a kept filter that is damaged is compiled anew, and replaced', (box) => {
  const file = kept(box);
  const whole = readFileSync(file, 'utf8');
  for (const damaged of [whole.replace(/"program":"..../, '"program":"AAAA'), whole.slice(0, 100), '']) {
    writeFileSync(file, damaged);
    assert.equal(answer(box), 'confined');
    assert.equal(readFileSync(file, 'utf8'), whole);
  }
});

check('what lies in a directory of another user, or one that others can write to, is not used', (box) => {
  const file = kept(box);
  poison(file);
  chmodSync(cacheOf(box), 0o770);
  assert.equal(answer(box), 'confined');
  chmodSync(cacheOf(box), 0o700);
  chownSync(cacheOf(box), 1000, 1000);
  assert.equal(answer(box), 'confined');
  chownSync(cacheOf(box), 0, 0);
  chownSync(file, 1000, 1000);
  assert.equal(answer(box), 'confined');
});

check('containers that are made at once keep one whole filter', (box) => {
  const containers = Array.from({ length: AT_ONCE }, () => confined(box));
  const commands = containers.map(({ bundle, id }) => ['--root', box.root, 'create', '--bundle', bundle, id]);
  for (const result of invokeTogether(commands, box.directory)) ok(result);
  for (const container of containers) ok(container.delete({ flags: ['--force'] }));
  const file = kept(box);
  poison(file);
  assert.equal(answer(box), 'free', 'it is whole');
});

check('the cache is no container', (box) => {
  kept(box);
  assert.equal(ok(box.command(['list', '--quiet'], {})).stdout, '');
});
