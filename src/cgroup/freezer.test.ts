import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { closeHandles, createCgroups } from './create.ts';
import { freeze, thaw } from './freeze.ts';
import { type FreezerState, freezerOf, freezerState } from './freezer.ts';
import type { CgroupHost } from './host.ts';
import { planCgroups } from './paths.ts';
import { type CgroupEntry, type CgroupRecord, confirm, recordCgroups } from './record.ts';
import { hostWith, runtError, scratch, startInside } from './test-support.ts';

/** What a cgroup with these control files says. */
function stateIn(version: 1 | 2, files: Record<string, string>): FreezerState {
  const path = mkdtempSync(join(tmpdir(), 'runt-freezer-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
    return freezerState({ version, controllers: version === 1 ? 'freezer' : '', path, existing: '/' });
  } finally {
    rmSync(path, { recursive: true });
  }
}

test('v1: frozen by itself, on the way to it, frozen by a cgroup above, and not', () => {
  const self = (text: string) => ({ 'freezer.self_freezing': text });
  assert.equal(stateIn(1, { 'freezer.state': 'FROZEN\n', ...self('1\n') }), 'frozen');
  assert.equal(stateIn(1, { 'freezer.state': 'FREEZING\n', ...self('1\n') }), 'freezing');
  assert.equal(stateIn(1, { 'freezer.state': 'FROZEN\n', ...self('0\n') }), 'thawed');
  assert.equal(stateIn(1, { 'freezer.state': 'THAWED\n', ...self('0\n') }), 'thawed');
});

test('v2: frozen by itself, on the way to it, frozen by a cgroup above, and not', () => {
  const events = (frozen: number) => ({ 'cgroup.events': `populated 1\nfrozen ${frozen}\n` });
  assert.equal(stateIn(2, { 'cgroup.freeze': '1\n', ...events(1) }), 'frozen');
  assert.equal(stateIn(2, { 'cgroup.freeze': '1\n', ...events(0) }), 'freezing');
  assert.equal(stateIn(2, { 'cgroup.freeze': '0\n', ...events(1) }), 'thawed');
  assert.equal(stateIn(2, { 'cgroup.freeze': '0\n', ...events(0) }), 'thawed');
});

test('a cgroup that is gone is thawed', () => {
  assert.equal(stateIn(1, {}), 'thawed');
  assert.equal(stateIn(2, {}), 'thawed');
});

test('the freezer is that of v1 where there is one, in whatever company, else that of v2', () => {
  const entry = (version: 1 | 2, controllers: string): CgroupEntry => ({
    version,
    controllers,
    path: '/',
    existing: '/',
  });
  const [unified, alone, shared, other] = [
    entry(2, ''),
    entry(1, 'freezer'),
    entry(1, 'pids,freezer'),
    entry(1, 'pids'),
  ];
  assert.equal(freezerOf({ cgroups: [unified, other, alone] }), alone);
  assert.equal(freezerOf({ cgroups: [unified, shared] }), shared);
  assert.equal(freezerOf({ cgroups: [other, unified] }), unified);
  assert.equal(freezerOf({ cgroups: [other] }), undefined);
});

function created(host: CgroupHost, cgroupsPath: string): CgroupRecord {
  const handles = createCgroups(recordCgroups(planCgroups(host, { cgroupsPath, id: 'unused' })));
  closeHandles(handles);
  return handles.record;
}

for (const version of [1, 2] as const) {
  const { host, skip } = hostWith(version);
  const lacks =
    skip || (freezerOf({ cgroups: hierarchies(host) }) === undefined && `needs the freezer of cgroup v${version}`);

  test(`v${version}: processes stand still when freeze returns, also those that start others all the time, and go on when thawed`, {
    skip: lacks,
  }, async (context) => {
    const record = created(host ?? assert.fail(), scratch(context, host ?? assert.fail()));
    const counter = join(mkdtempSync(join(tmpdir(), 'runt-freezer-')), 'counter');
    context.after(() => rmSync(join(counter, '..'), { recursive: true }));
    await startInside(
      record,
      `i=0; while :; do /bin/true; i=$((i+1)); echo $i > ${counter}; [ $i = 1 ] && echo in; done`,
    );
    const freezer = freezerOf(record) ?? assert.fail();
    assert.equal(freezerState(freezer), 'thawed');
    freeze(record);
    assert.equal(freezerState(freezer), 'frozen');
    const before = readFileSync(counter, 'utf8');
    for (let look = 0; look < 50; look++) assert.equal(readFileSync(counter, 'utf8'), before);
    thaw(record);
    assert.equal(freezerState(freezer), 'thawed');
    const end = Date.now() + 10_000;
    while (readFileSync(counter, 'utf8') === before) assert.ok(Date.now() < end, 'it goes on');
  });

  test(`v${version}: one that is frozen because a cgroup above it is, is not frozen itself`, {
    skip: lacks,
  }, (context) => {
    const record = created(host ?? assert.fail(), scratch(context, host ?? assert.fail()));
    const above = freezerOf(record) ?? assert.fail();
    mkdirSync(`${above.path}/below`);
    const below = confirm({ ...above, path: `${above.path}/below` });
    freeze({ cgroups: [above] });
    assert.equal(freezerState(above), 'frozen');
    assert.equal(freezerState(below), 'thawed');
    thaw({ cgroups: [above] });
  });

  test(`v${version}: a cgroup in the place of the container's is left alone`, { skip: lacks }, (context) => {
    const record = created(host ?? assert.fail(), scratch(context, host ?? assert.fail()));
    const entry = freezerOf(record) ?? assert.fail();
    const stranger = { cgroups: [{ ...entry, inode: (entry.inode ?? 0) + 1 }] };
    assert.throws(() => freeze(stranger), runtError('cgroup', /^the container's cgroup .* is gone$/));
    assert.equal(freezerState(entry), 'thawed');
  });
}

function hierarchies(host: CgroupHost | null): readonly CgroupEntry[] {
  return (host?.hierarchies ?? []).map(({ version, controllers, mountPoint }) => ({
    version,
    controllers,
    path: mountPoint,
    existing: mountPoint,
  }));
}

test('without a freezer it is said what is missing', () => {
  assert.throws(() => freeze({ cgroups: [] }), runtError('host', /^freezer not supported/));
});
