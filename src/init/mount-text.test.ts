// File systems with options that fsconfig(2) does not take, as data.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../spec/generated/types.ts';
import { labelSteps } from './steps/labels.ts';
import { during, lines, planOf, run } from './test-support.ts';

const layers = Array.from({ length: 9 }, (_, index) => `/layers/${index}/${'x'.repeat(30)}`).join(':');

/** The calls that make an overlay with these options. */
function calls(options: readonly string[], source = 'layers', mountLabel?: string): string[] {
  const mounts = [{ destination: '/data', type: 'overlay', source, options }];
  const change = { mounts } as Partial<Config>;
  const prepared = { kind: 'filesystem' as const, type: 'overlay', destination: '/data', present: 1 };
  const labels = mountLabel === undefined ? {} : { labels: labelSteps({ mountLabel }) };
  const { trace, end } = run(planOf(change, { mounts: [prepared], ...labels }));
  assert.equal(end, 'executed');
  return lines(during(trace, /^mount overlay/));
}

test('an option of 255 bytes goes to fsconfig, a longer one in the text of mount(2)', () => {
  const short = calls([`lowerdir=${'a'.repeat(255)}`]);
  assert.ok(short.some((line) => line.startsWith('fsconfig') && line.includes('"lowerdir"')));
  assert.equal(short.filter((line) => line.startsWith('mount(')).length, 0);
  for (const options of [[`lowerdir=${'a'.repeat(256)}`], [`lowerdir=${'ä'.repeat(128)}`]])
    assert.equal(calls(options).filter((line) => line.startsWith('mount(')).length, 1);
});

test('it is made where nobody sees it, and a detached copy is attached', () => {
  const made = calls(['ro', 'noatime', 'sync', `lowerdir=${layers}`, 'metacopy=on']);
  const from = made.findIndex((line) => line.startsWith('move_mount'));
  assert.deepEqual(
    made.slice(from).map((line) => line.replace(layers, 'LAYERS')),
    [
      'move_mount(mount:tmpfs, "", root, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)',
      'fchdir(mount:tmpfs)',
      'mkdirat(mount:tmpfs, "made", 0700)',
      'mount("layers", "made", "overlay", MS_SYNC, "lowerdir=LAYERS,metacopy=on")',
      'open_tree(mount:tmpfs, "made", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)',
      'umount2("made", MNT_DETACH)',
      'fchdir(root)',
      'umount2(".", MNT_DETACH)',
      'chdir("/")',
      'mount_setattr(copy of mount:tmpfs/made, "", AT_EMPTY_PATH, {attr_set=MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOATIME, attr_clr=MOUNT_ATTR__ATIME}, 32)',
      'openat2(root, "/data", {flags=O_PATH|O_DIRECTORY|O_CLOEXEC, resolve=RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)',
      'fstatfs(root/data, {statfs})',
      'move_mount(copy of mount:tmpfs/made, "", root/data, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)',
    ],
  );
});

test('a label of the config, and one of the mount itself, keep their quotes', () => {
  const text = (line: string | undefined) => line?.replace(layers, 'LAYERS') ?? '';
  const mount = (options: readonly string[]) =>
    text(calls(options, 'layers', 'u:r:t:s0:c1,c2').find((line) => line.startsWith('mount(')));
  assert.match(mount([`lowerdir=${layers}`]), /lowerdir=LAYERS,context=\\?"u:r:t:s0:c1,c2\\?""\)$/);
  assert.match(mount([`lowerdir=${layers}`, 'context="a,b"']), /lowerdir=LAYERS,context=\\?"a,b\\?""\)$/);
});

test('a long source, too, is for mount(2)', () => {
  assert.ok(calls([], `/dev/${'x'.repeat(300)}`).some((line) => line.startsWith('mount("/dev/x')));
});
