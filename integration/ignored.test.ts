// What has no effect on Linux is accepted, with a warning that names it (docs/properties.md: "ignored").

import assert from 'node:assert/strict';
import { type Config, check, ran } from '../conformance/harness/index.ts';

const warnings = (stderr: string): string[] => stderr.split('\n').filter((line) => /warning/.test(line));

for (const [name, change] of [
  ['/solaris', (config) => ({ ...config, solaris: { milestone: 'x' } })],
  ['/windows', (config) => ({ ...config, windows: { layerFolders: ['C:\\x'] } })],
  ['/vm', (config) => ({ ...config, vm: { kernel: { path: '/x' } } })],
  ['/zos', (config) => ({ ...config, zos: {} })],
  ['/freebsd', (config) => ({ ...config, freebsd: {} })],
  [
    '/process/user/username',
    (config) => ({ ...config, process: { ...config.process, user: { uid: 0, gid: 0, username: 'x' } } }),
  ],
  ['/process/commandLine', (config) => ({ ...config, process: { ...config.process, commandLine: 'cmd /c x' } })],
  [
    '/linux/resources/memory/kernel',
    (config) => ({ ...config, linux: { ...config.linux, resources: { memory: { kernel: 64 * 1024 * 1024 } } } }),
  ],
] as const satisfies readonly (readonly [string, (config: Config) => unknown])[])
  check(`${name} is ignored, with a warning`, (box) => {
    const { stderr } = ran(box.container(change).run());
    const told = warnings(stderr);
    assert.equal(told.length, 1, stderr);
    assert.ok(told[0]?.includes(name), stderr);
  });

check('of a config without such properties there is no warning', (box) => {
  assert.equal(ran(box.container().run()).stderr, '');
});
