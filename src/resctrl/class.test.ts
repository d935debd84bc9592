// Classes in a directory that looks like resctrl.

import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import type { IntelRdt } from '../spec/generated/types.ts';
import { type ClassRecord, changeClass, makeClass, openClass, planClass, removeClass, settled } from './class.ts';

/** A host with these parts (`L3`, `MB`, `L3_MON`) and a class `gold`. */
function withTree(parts: readonly string[], body: (root: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'resctrl-'));
  try {
    for (const part of parts) mkdirSync(`${root}/info/${part}`, { recursive: true });
    mkdirSync(`${root}/gold/mon_groups`, { recursive: true });
    for (const directory of ['', '/gold']) {
      writeFileSync(`${root}${directory}/tasks`, '');
      writeFileSync(`${root}${directory}/schemata`, '    L3:0=fff\n    MB:0=100\n');
    }
    body(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function throws(code: string, pointer: string, message: RegExp, body: () => unknown): void {
  assert.throws(body, (error) => {
    assert.ok(error instanceof RuntError);
    const { problem } = error;
    assert.equal(problem.code, code);
    assert.equal(problem.pointer, `/linux/intelRdt${pointer}`);
    assert.match(`${problem.message} ${problem.hint ?? ''}`, message);
    return true;
  });
}

/** Makes the class, and returns the directories that are entered. */
function made(rdt: IntelRdt, root: string): string[] {
  const files = makeClass(planClass(rdt, 'box', root), () => assert.fail('it was as planned'));
  for (const { fd } of files) closeSync(fd);
  return files.map(({ path }) => path.slice(root.length));
}

test('without a name the class has that of the container, and goes with it', () => {
  withTree([], (root) => {
    const { record, isNew } = planClass({}, 'box', root);
    assert.deepEqual(record, { root, path: `${root}/box`, removed: 'always' });
    assert.equal(isNew, true);
    assert.deepEqual(settled(record), record);
    mkdirSync(`${root}/box`);
    removeClass(record);
    assert.equal(existsSync(`${root}/box`), false);
    removeClass(record); // it may be gone
  });
});

test('one that was there before the container stays', () => {
  withTree([], (root) => {
    mkdirSync(`${root}/box`);
    const { record, isNew } = planClass({}, 'box', root);
    assert.equal(isNew, false);
    removeClass(record);
    assert.ok(existsSync(`${root}/box`));
  });
});

test('one that somebody makes at the same moment is told, and stays', () => {
  withTree([], (root) => {
    const planned = planClass({}, 'box', root);
    mkdirSync(`${root}/box`);
    writeFileSync(`${root}/box/tasks`, '');
    let record: ClassRecord | undefined;
    for (const { fd } of makeClass(planned, (found) => {
      record = found;
    }))
      closeSync(fd);
    assert.deepEqual(record, { root, path: `${root}/box` });
  });
});

test('a named class that is there is used as it is', () => {
  withTree([], (root) => {
    assert.deepEqual(planClass({ closID: 'gold' }, 'box', root).record, { root, path: `${root}/gold` });
    assert.deepEqual(made({ closID: 'gold' }, root), ['/gold']);
    assert.match(readFileSync(`${root}/gold/schemata`, 'utf8'), /L3:0=fff/);
  });
});

test('the class / is the root', () => {
  withTree([], (root) => {
    assert.deepEqual(planClass({ closID: '/' }, 'box', root).record, { root, path: root });
    assert.deepEqual(made({ closID: '/' }, root), ['']);
  });
});

test('a named class that is not there has to be described', () => {
  withTree([], (root) => {
    throws('config', '/closID', /must be pre-created/, () => planClass({ closID: 'new' }, 'box', root));
    const { record, isNew } = planClass({ closID: 'new', schemata: ['L2:0=f'] }, 'box', root);
    assert.deepEqual([record.removed, isNew], ['if empty', true]);
    assert.deepEqual(settled(record), { root, path: `${root}/new` });
  });
});

test('a new class with a name goes with a create that fails, unless somebody else is in it', () => {
  withTree([], (root) => {
    const { record } = planClass({ closID: 'new', schemata: ['L2:0=f'] }, 'box', root);
    mkdirSync(record.path);
    removeClass(record);
    assert.equal(existsSync(record.path), false);
    mkdirSync(record.path);
    writeFileSync(`${record.path}/tasks`, '17\n');
    removeClass(record);
    assert.ok(existsSync(record.path));
  });
});

test('a class that is there must be the one that the config describes', () => {
  withTree(['L3', 'MB'], (root) => {
    const same = { closID: 'gold', l3CacheSchema: 'L3:0=fff', memBwSchema: 'MB:0=100' };
    assert.equal(planClass(same, 'box', root).isNew, false);
    throws('config', '/l3CacheSchema', /L3:0=f, but it has fff/, () =>
      planClass({ closID: 'gold', l3CacheSchema: 'L3:0=f' }, 'box', root),
    );
    throws('config', '/memBwSchema', /MB:0=95, but it has 100/, () =>
      planClass({ closID: 'gold', memBwSchema: 'MB:0=95' }, 'box', root),
    );
    writeFileSync(`${root}/info/MB/bandwidth_gran`, '10\n');
    assert.equal(planClass({ closID: 'gold', memBwSchema: 'MB:0=95' }, 'box', root).isNew, false);
  });
});

test('schemata are written, the lines of schemata last', () => {
  withTree([], (root) => {
    made({ closID: 'gold', schemata: ['L3:0=f', 'L2:0=1'] }, root);
    assert.equal(readFileSync(`${root}/gold/schemata`, 'utf8'), 'L3:0=f\nL2:0=1\n');
  });
});

test('what the host does not have is named with the field that asks for it', () => {
  withTree([], (root) => {
    throws('host', '/l3CacheSchema', /RDT\/CAT is not enabled/, () =>
      planClass({ l3CacheSchema: 'L3:0=f' }, 'box', root),
    );
    throws('host', '/memBwSchema', /RDT\/MBA is not enabled/, () => planClass({ memBwSchema: 'MB:0=10' }, 'box', root));
    throws('host', '/enableMonitoring', /monitoring is not enabled/, () =>
      planClass({ enableMonitoring: true }, 'box', root),
    );
  });
});

test('a monitoring group is named after the container, entered after its class, and goes with the container', () => {
  withTree(['L3_MON'], (root) => {
    const { record } = planClass({ closID: 'gold', enableMonitoring: true }, 'box', root);
    assert.equal(record.monitoring, `${root}/gold/mon_groups/box`);
    mkdirSync(record.monitoring ?? '');
    writeFileSync(`${record.monitoring}/tasks`, '');
    assert.deepEqual(made({ closID: 'gold', enableMonitoring: true }, root), ['/gold', '/gold/mon_groups/box']);
    rmSync(`${record.monitoring}/tasks`);
    removeClass(record);
    assert.equal(existsSync(record.monitoring ?? ''), false);
    assert.ok(existsSync(`${root}/gold`));
  });
});

test('a monitoring group that was there before the container stays, also one that somebody makes at the same moment', () => {
  withTree(['L3_MON'], (root) => {
    const rdt = { closID: 'gold', enableMonitoring: true };
    const planned = planClass(rdt, 'box', root);
    const { monitoring = '' } = planned.record;
    mkdirSync(monitoring);
    writeFileSync(`${monitoring}/tasks`, '');
    let record: ClassRecord | undefined;
    for (const { fd } of makeClass(planned, (found) => {
      record = found;
    }))
      closeSync(fd);
    rmSync(`${monitoring}/tasks`);
    assert.equal(record?.monitoringStays, true);
    for (const found of [record ?? planned.record, planClass(rdt, 'box', root).record]) {
      removeClass(settled(found));
      assert.ok(existsSync(monitoring));
    }
  });
});

test('a directory that is kept does not keep the others', () => {
  withTree(['L3_MON'], (root) => {
    const { record } = planClass({ enableMonitoring: true }, 'box', root);
    const elsewhere = { ...record, monitoring: `${root}/gold` };
    mkdirSync(record.path);
    throws('system', '', /remove ".*gold"/, () => removeClass(elsewhere));
    assert.equal(existsSync(record.path), false);
  });
});

test('a refusal has what resctrl says of it', () => {
  withTree(['L3'], (root) => {
    writeFileSync(`${root}/info/last_cmd_status`, 'Mask 0 has too few bits\n');
    rmSync(`${root}/gold/schemata`);
    mkdirSync(`${root}/gold/schemata`);
    throws('system', '/schemata', /write "L3:0=0\\n" to .*\/gold\/schemata resctrl says: Mask 0 has too few bits/, () =>
      made({ closID: 'gold', schemata: ['L3:0=0'] }, root),
    );
  });
});

test('the schemas of a class can be changed, and set back', () => {
  withTree(['L3', 'MB'], (root) => {
    const record = { root, path: `${root}/gold` };
    const undo = changeClass(record, { memBwSchema: 'MB:0=20' });
    assert.equal(readFileSync(`${root}/gold/schemata`, 'utf8'), 'MB:0=20\n');
    undo();
    assert.equal(readFileSync(`${root}/gold/schemata`, 'utf8'), 'MB:0=100\n');
  });
  withTree([], (root) => {
    throws('host', '/l3CacheSchema', /RDT\/CAT is not enabled/, () =>
      changeClass({ root, path: `${root}/gold` }, { l3CacheSchema: 'L3:0=1' }),
    );
  });
});

test('a container whose id is a name of the kernel’s needs a class with another one', () => {
  withTree([], (root) => {
    throws('config', '', /can't have the name "info"/, () => planClass({}, 'info', root));
    assert.equal(planClass({ closID: 'gold' }, 'info', root).record.path, `${root}/gold`);
  });
});

test('a class that is gone is not entered by what is added, and is an error for what is made', () => {
  withTree([], (root) => {
    const record = { root, path: `${root}/gone` };
    assert.deepEqual(openClass(record, true), []);
    throws('system', '', /gone\/tasks/, () => openClass(record));
  });
});
