import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { POLLIN, poll } from '../linux/poll.ts';
import { closeHandles, createCgroups } from './create.ts';
import { detectCgroups } from './host.ts';
import { watchOom } from './oom.ts';
import { planCgroups } from './paths.ts';
import { type CgroupRecord, recordCgroups } from './record.ts';
import { removeCgroups } from './remove.ts';
import { needsRoot, scratch, startInside } from './test-support.ts';

function created(cgroupsPath: string): CgroupRecord {
  const handles = createCgroups(recordCgroups(planCgroups(detectCgroups(), { cgroupsPath, id: 'unused' })));
  closeHandles(handles);
  return handles.record;
}

/** The file that limits the memory of these cgroups, if they have one. */
function limitFile(record: CgroupRecord): string | undefined {
  return record.cgroups
    .flatMap(({ path }) => [`${path}/memory.limit_in_bytes`, `${path}/memory.max`])
    .find((file) => existsSync(file));
}

test('a kill is told once, and not before it; what was killed before is not told', {
  skip: needsRoot,
}, async (context) => {
  const record = created(scratch(context, detectCgroups()));
  const file = limitFile(record);
  if (file === undefined) {
    context.skip('needs the memory controller');
    return;
  }
  writeFileSync(file, String(16 << 20));
  const kill = async (): Promise<void> => {
    const child = await startInside(record, 'echo in; read go; exec tail /dev/zero', 'pipe');
    child.stdin?.end('go\n');
    await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(child.signalCode, 'SIGKILL');
  };
  await kill();
  const watch = watchOom(record) ?? assert.fail('no watch');
  assert.equal(watch.take(), false);
  await kill();
  assert.notEqual(poll([{ fd: watch.fd, events: POLLIN }], 10_000)[0], 0);
  assert.equal(watch.take(), true);
  assert.equal(watch.take(), false);
  // The removal of the cgroup is an event of v1's, but no kill.
  removeCgroups(record);
  assert.equal(watch.take(), false);
  watch.close();
});

test('there is nothing to watch without the memory controller', () => {
  assert.equal(watchOom({ cgroups: [] }), undefined);
});
