import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { validateFeatures } from '../../spec/generated/documents-lean.ts';
import { featuresDocument } from './features.ts';

test('the document fits the schema of the specification', () => {
  assert.ok(validateFeatures(JSON.parse(JSON.stringify(featuresDocument()))), JSON.stringify(validateFeatures.errors));
});

test('lists name nothing twice', () => {
  const { hooks, mountOptions, linux } = featuresDocument();
  for (const list of [hooks, mountOptions, linux?.namespaces, linux?.capabilities]) {
    assert.ok(list && list.length > 0);
    assert.equal(new Set(list).size, list.length);
  }
});

test('every hook, capability and mount option that runc 1.1 names is named', (t) => {
  const runc = spawnSync('runc', ['features'], { encoding: 'utf8' });
  if (runc.error !== undefined || runc.status !== 0) return t.skip('runc with the features command is not installed');
  const theirs = JSON.parse(runc.stdout);
  const ours = featuresDocument();
  const missing = (wanted: string[], found: readonly string[]) => wanted.filter((word) => !found.includes(word));
  assert.deepEqual(missing(theirs.hooks, ours.hooks ?? []), []);
  assert.deepEqual(missing(theirs.mountOptions, ours.mountOptions ?? []), []);
  assert.deepEqual(missing(theirs.linux.capabilities, ours.linux?.capabilities ?? []), []);
});

test('the seccomp part names what runc 1.1 names, but for architectures that runt does not run on', (t) => {
  const runc = spawnSync('runc', ['features'], { encoding: 'utf8' });
  if (runc.error !== undefined || runc.status !== 0) return t.skip('runc with the features command is not installed');
  const theirs = JSON.parse(runc.stdout).linux.seccomp;
  const ours = featuresDocument().linux?.seccomp;
  assert.equal(ours?.enabled, true);
  for (const list of ['actions', 'operators'] as const) assert.deepEqual(ours?.[list], theirs[list].sort());
  assert.deepEqual(
    theirs.archs.filter((name: never) => !ours?.archs?.includes(name)).sort(),
    theirs.archs.filter((name: string) => !/X86|X32|AARCH64|_ARM$/.test(name)).sort(),
  );
});

test('labels of both security modules are written', () => {
  const { linux } = featuresDocument();
  assert.deepEqual([linux?.apparmor, linux?.selinux], [{ enabled: true }, { enabled: true }]);
});

test('all kinds of namespaces, modes and flags of memory policies are named', () => {
  const { linux } = featuresDocument();
  assert.deepEqual(linux?.namespaces, ['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'user', 'uts']);
  assert.equal(linux?.memoryPolicy?.modes?.length, 7);
  assert.equal(linux?.memoryPolicy?.flags?.length, 3);
});

test('Intel RDT is there with all that the specification has of it', () => {
  assert.deepEqual(featuresDocument().linux?.intelRdt, { enabled: true, schemata: true, monitoring: true });
});

test('id-mapped mounts and network devices are claimed', () => {
  const { linux } = featuresDocument();
  assert.equal(linux?.mountExtensions?.idmap?.enabled, true);
  assert.equal(linux?.netDevices?.enabled, true);
});
