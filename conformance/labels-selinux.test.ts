// process.selinuxLabel (config.md) and linux.mountLabel (config-linux.md) on a host with SELinux. The labels are the runtime's own with other
// categories, so that they are right in any policy.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  addedProgram,
  type Config,
  type Container,
  check,
  contextOf,
  hasSelinux,
  needsPolicy,
  ok,
  refused,
  type Sandbox,
  startedProgram,
  withDomain,
  writeIn,
} from './harness/index.ts';

const selinux = { skip: hasSelinux ? undefined : 'the host has no SELinux' };
const [user = '', role = '', type = ''] = hasSelinux ? contextOf('self').split(':') : [];
const of = (categories: string) => `${user}:${role}:${type}:s0:${categories}`;

check('the program has its label, as has what exec adds', selinux, (box) => {
  const container = box.container((config) => {
    config.process.selinuxLabel = of('c1,c2');
    config.process.args = ['/bin/sleep', '300'];
  });
  assert.equal(contextOf(startedProgram(container)), of('c1,c2'));
  assert.equal(contextOf(addedProgram(box, container, [])), of('c1,c2'));
  assert.equal(contextOf(addedProgram(box, container, ['--process-label', of('c3,c4')])), of('c3,c4'));
  const process = { user: { uid: 0, gid: 0 }, cwd: '/', env: [], args: ['/bin/sleep', '300'] };
  const described = (label: object) => {
    const file = writeIn(box, 'process.json', JSON.stringify({ ...process, ...label }));
    return contextOf(addedProgram(box, container, ['--process', file], []));
  };
  assert.equal(described({ selinuxLabel: of('c5') }), of('c5'));
  assert.equal(described({}), of('c1,c2'));
});

check('a label may be written in another way than the kernel has it', selinux, (box) => {
  const container = box.container((config) => {
    config.process.selinuxLabel = of('c2,c1');
    config.process.args = ['/bin/sleep', '300'];
  });
  assert.equal(contextOf(startedProgram(container)), of('c1,c2'));
});

check('a label that the policy does not know makes create fail; nothing is left', selinux, (box) => {
  const container = box.container((config) => {
    config.process.selinuxLabel = `${user}:${role}:no_such_type_t:s0`;
  });
  refused(container.create());
  box.assertNothingLeft();
});

const labelOf = (container: Container, path: string): string =>
  spawnSync('stat', ['--format=%C', join(`/proc/${container.pid()}/root`, path)], { encoding: 'utf8' }).stdout.trim();

const label = `${user}:object_r:tmp_t:s0:c1,c2`;

/** A program that stays, with file systems of the config's besides. */
function withMounts(box: Sandbox, ...mounts: Config['mounts']): Container {
  const container = box.container((config) => {
    config.linux.mountLabel = label;
    config.mounts.push(...mounts);
    config.process.args = ['/bin/sleep', '300'];
  });
  startedProgram(container);
  return container;
}

check('file systems have the mount label, but those that the kernel labels itself', selinux, (box) => {
  const container = withMounts(box, {
    destination: '/copied',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['tmpcopyup'],
  });
  for (const path of ['/dev', '/dev/shm', '/dev/pts', '/dev/mqueue', '/copied', '/sys/firmware'])
    assert.equal(labelOf(container, path), label, path);
  for (const path of ['/proc', '/sys']) assert.notEqual(labelOf(container, path), label, path);
});

const twice = { ...selinux, knownToFail: { runc: 'it gives the kernel both labels, which that refuses (1.1.5)' } };
check("a mount's own label wins, with quotes round its commas or without", twice, (box) => {
  const own = (level: string) => `${user}:object_r:tmp_t:s0:${level}`;
  const of = (destination: string, option: string) => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: [option],
  });
  const container = withMounts(box, of('/quoted', `context="${own('c3,c4')}"`), of('/plain', `context=${own('c5')}`));
  assert.equal(labelOf(container, '/quoted'), own('c3,c4'));
  assert.equal(labelOf(container, '/plain'), own('c5'));
});

// --- in force -------------------------------------------------------------------------------------------------------

/** Tries to make a file in each place. */
const touching = (...places: string[]): string =>
  places.map((place) => `touch ${place}/new 2>/dev/null && echo ${place} || echo ${place} denied`).join('; ');

check('the policy holds the program to its label, and what exec adds', { skip: needsPolicy }, (box) => {
  const typeOf = spawnSync('stat', ['--format=%C', box.directory], { encoding: 'utf8' }).stdout.split(':')[2] ?? '';
  withDomain(box, typeOf, ({ domain, files }) => {
    const labelled = (path: string, level: string) =>
      assert.equal(spawnSync('chcon', [`${user}:object_r:${files}:${level}`, path]).status, 0);
    const volume = (name: string, level: string): Config['mounts'][number] => {
      const source = join(box.directory, name);
      mkdirSync(source);
      labelled(source, level);
      return { destination: `/${name}`, type: 'bind', source, options: ['rbind'] };
    };
    // A volume of the container's, and one of another's: the type is the same, the categories are not.
    const mounts = [volume('own', 's0:c1,c2'), volume('foreign', 's0:c1,c3')];
    const script = touching('/dev/shm', '/own', '/foreign', '.');
    const make = (processLabel: string | undefined, args: string[]) =>
      box.container((config) => {
        config.root.readonly = false;
        if (processLabel !== undefined) config.process.selinuxLabel = processLabel;
        config.linux.mountLabel = `${user}:object_r:${files}:s0:c1,c2`;
        config.mounts.push(...mounts);
        config.process.args = args;
      });
    const confined = `${user}:${role}:${domain}:s0:c1,c2`;
    const shell = ['/bin/sh', '-c', `${script}; exec sleep 300`];

    const container = make(confined, shell);
    const allowed = '/dev/shm\n/own\n/foreign denied\n. denied\n';
    assert.equal(contextOf(startedProgram(container)), confined);
    assert.equal(container.stdout(), allowed);
    assert.equal(ok(container.exec(['/bin/sh', '-c', script])).stdout, allowed);
    // It is the label that does it.
    const free = make(undefined, shell);
    startedProgram(free);
    assert.equal(free.stdout(), '/dev/shm\n/own\n/foreign\n.\n');
    // What the policy forbids at the very start is told.
    const program = join(box.directory, 'own', 'sh');
    copyFileSync(join(container.rootfs, 'bin/busybox'), program);
    labelled(program, 's0:c1,c2');
    refused(make(confined, ['/own/sh']).run(), /permission denied/i);
    assert.equal(make(undefined, ['/own/sh', '-c', 'exit 3']).run().status, 3);
  });
});
