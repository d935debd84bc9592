// config-linux.md, "Devices": the nodes that the config asks for. Who may open them is in cgroups.test.ts.

import assert from 'node:assert/strict';
import { check } from './harness/index.ts';

check('a device has the kind, the numbers, the mode and the owner that the config says', (box) => {
  const devices = [
    { path: '/dev/mine', type: 'c', major: 1, minor: 3, fileMode: 0o640, uid: 7, gid: 8 },
    { path: '/dev/below/it', type: 'b', major: 7, minor: 300, fileMode: 0o600 },
    { path: '/elsewhere', type: 'u', major: 1, minor: 5 },
    { path: '/dev/pipe', type: 'p', fileMode: 0o622, uid: 9, gid: 9 },
  ];
  const paths = devices.map(({ path }) => path).join(' ');
  const output = box.shell(`stat -c '%F %a %t:%T %u:%g' ${paths}`, (config) => {
    config.linux.devices = devices;
    config.root.readonly = false;
  });
  assert.deepEqual(output.trimEnd().split('\n'), [
    'character special file 640 1:3 7:8',
    `block special file 600 7:${(300).toString(16)} 0:0`,
    'character special file 666 1:5 0:0',
    'fifo 622 0:0 9:9',
  ]);
});

check('a device of a default one’s name takes its place', (box) => {
  const output = box.shell("stat -c '%a %t:%T' /dev/full /dev/zero", (config) => {
    config.linux.devices = [{ path: '/dev/full', type: 'c', major: 1, minor: 7, fileMode: 0o600 }];
  });
  assert.deepEqual(output.trimEnd().split('\n'), ['600 1:7', '666 1:5']);
});
