// linux.seccomp.flags: nothing that a program could see, so the call that installs the filter is watched.

import assert from 'node:assert/strict';
import { check, ran } from '../conformance/harness/index.ts';
import { needsStrace, straced } from './support.ts';

for (const [what, flags, expected] of [
  ['none at all', undefined, 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],
  ['no flag', [], '0'],
  ['SECCOMP_FILTER_FLAG_TSYNC', ['SECCOMP_FILTER_FLAG_TSYNC'], '0'],
  ['SECCOMP_FILTER_FLAG_LOG', ['SECCOMP_FILTER_FLAG_LOG'], 'SECCOMP_FILTER_FLAG_LOG'],
  [
    'two flags',
    ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],
    'SECCOMP_FILTER_FLAG_LOG|SECCOMP_FILTER_FLAG_SPEC_ALLOW',
  ],
] as const)
  check(`the filter is installed with the flags of the profile: ${what}`, { skip: needsStrace }, (box) => {
    const container = box.container((config) => {
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        ...(flags === undefined ? {} : { flags }),
        syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
      };
    });
    const trace = straced(box, 'trace=seccomp');
    ran(container.run({ prelude: trace.prelude }));
    const [call = '', ...more] = trace.lines().filter((line) => line.includes('SECCOMP_SET_MODE_FILTER'));
    assert.equal(/SECCOMP_SET_MODE_FILTER, ([^,]*),/.exec(call)?.[1], expected, call);
    assert.deepEqual(more, []);
  });
