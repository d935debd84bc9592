// config-linux.md, "Personality" and "Memory policy".

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { arch } from 'node:os';
import { type Config, check as checkAny, ok, refused, type Sandbox } from './harness/index.ts';

function checkPersonality(name: string, body: (box: Sandbox) => void): void {
  const skip = arch() !== 'x64' && 'not all processors of this kind have a 32-bit mode';
  checkAny(name, { skip, knownToFail: { runc: 'has none (until 1.2)' } }, body);
}

function checkPolicy(name: string, body: (box: Sandbox) => void): void {
  const skip = !existsSync('/proc/self/numa_maps') && 'this kernel has no NUMA policies';
  checkAny(name, { skip, knownToFail: { runc: 'has none (until 1.4)', crun: 'has none (until 1.24)' } }, body);
}

checkPersonality('the personality LINUX32 shows a machine of 32 bits, to exec too', (box) => {
  const container = box.container((config) => {
    config.linux.personality = { domain: 'LINUX32', flags: [] };
    config.process.args = ['/bin/sh', '-c', 'uname -m; exec sleep 300'];
  });
  ok(container.create());
  ok(container.start());
  assert.equal(container.waitForOutput(/\n/), 'i686\n');
  assert.equal(ok(container.exec(['/bin/uname', '-m'])).stdout, 'i686\n');
});

checkPersonality('the personality LINUX shows the machine as it is, whatever the caller has', (box) => {
  const container = box.container((config) => {
    config.linux.personality = { domain: 'LINUX' };
    config.process.args = ['/bin/uname', '-m'];
  });
  assert.equal(ok(container.run({ prelude: 'set -- setarch i686 "$@"' })).stdout, 'x86_64\n');
});

checkPersonality('it is set though the filter refuses personality(2), with and without noNewPrivileges', (box) => {
  for (const noNewPrivileges of [false, true]) {
    const container = box.container((config) => {
      config.linux.personality = { domain: 'LINUX32' };
      config.process.noNewPrivileges = noNewPrivileges;
      config.process.args = ['/bin/sleep', '300'];
      Object.assign(config.linux, {
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names: ['personality', 'set_mempolicy'], action: 'SCMP_ACT_ERRNO' }],
        },
      });
    });
    ok(container.create());
    ok(container.start());
    assert.equal(ok(container.exec(['/bin/uname', '-m'])).stdout, 'i686\n');
  }
});

checkPersonality('flags of a personality are an error: there are none yet', (box) => {
  const container = box.container((config) => {
    config.linux.personality = { domain: 'LINUX', flags: ['ADDR_NO_RANDOMIZE'] };
  });
  refused(container.create(), /person.*flag/is);
  box.assertNothingLeft();
});

checkPersonality('a domain that there is not is an error', (box) => {
  const container = box.container((config) => {
    config.linux.personality = { domain: 'SVR4' };
  });
  refused(container.create(), /person/);
  box.assertNothingLeft();
});

/** The policy of the first mapping, as the program sees it (proc_pid_numa_maps(5)). */
const SCRIPT = 'head -n 1 /proc/self/numa_maps | cut -d " " -f 2';
const policyOf = (box: Sandbox, memoryPolicy: NonNullable<Config['linux']['memoryPolicy']>): string =>
  box
    .shell(SCRIPT, (config) => {
      config.linux.memoryPolicy = memoryPolicy;
    })
    .trim();

for (const [mode, shown] of Object.entries({
  MPOL_BIND: 'bind:0',
  MPOL_INTERLEAVE: 'interleave:0',
  MPOL_PREFERRED: 'prefer:0',
  MPOL_PREFERRED_MANY: 'prefer (many):0',
})) {
  checkPolicy(`the memory of the program comes by ${mode}`, (box) => {
    const output = box.shell('head -n 1 /proc/self/numa_maps', (config) => {
      config.linux.memoryPolicy = { mode, nodes: '0' };
    });
    assert.ok(output.includes(` ${shown} `), output);
    // From these nodes, and no others: there is no such one.
    const elsewhere = box.container((config) => {
      config.linux.memoryPolicy = { mode, nodes: '1023' };
    });
    refused(elsewhere.create(), /memory ?policy|mempolicy|invalid argument/);
  });
}

checkPolicy('modes without nodes are set, whatever the caller has', (box) => {
  assert.equal(policyOf(box, { mode: 'MPOL_DEFAULT' }), 'default');
  assert.equal(policyOf(box, { mode: 'MPOL_LOCAL' }), 'local');
  assert.match(policyOf(box, { mode: 'MPOL_PREFERRED' }), /^(local|prefer)/);
});

checkPolicy('flags hold', (box) => {
  assert.equal(policyOf(box, { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }), 'bind=static:0');
  assert.equal(
    policyOf(box, { mode: 'MPOL_INTERLEAVE', nodes: '0', flags: ['MPOL_F_RELATIVE_NODES'] }),
    'interleave=relative:0',
  );
});

checkPolicy('what exec adds has the policy of the container', (box) => {
  const container = box.container((config) => {
    config.linux.memoryPolicy = { mode: 'MPOL_INTERLEAVE', nodes: '0' };
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create());
  assert.equal(ok(container.exec(['/bin/sh', '-c', SCRIPT])).stdout, 'interleave:0\n');
});

for (const [what, policy, message] of [
  ['a mode that there is not', { mode: 'INTERLEAVE', nodes: '0' }, /invalid memory policy mode/],
  ['no mode', { nodes: '0-7' }, /invalid memory policy mode/],
  ['a flag that there is not', { mode: 'MPOL_BIND', nodes: '0', flags: ['bad'] }, /invalid memory policy flag/],
  ['a number that no node has', { mode: 'MPOL_BIND', nodes: '0-9876543210' }, /invalid memory policy node/],
  ['nodes for a mode without', { mode: 'MPOL_DEFAULT', nodes: '0-7' }, /mode requires 0 nodes but got 8/],
  ['no nodes for a mode with', { mode: 'MPOL_BIND' }, /mode requires at least one node but got 0/],
  ['nodes that the host has not', { mode: 'MPOL_BIND', nodes: '1023' }, /memory ?policy|mempolicy|invalid argument/],
] as const) {
  checkPolicy(`a memory policy with ${what} is an error`, (box) => {
    const container = box.container((config) => {
      Object.assign(config.linux, { memoryPolicy: policy });
    });
    refused(container.create(), message);
    box.assertNothingLeft();
  });
}

// "If no mounted resctrl pseudo-filesystem is available in the runtime mount namespace, the runtime MUST generate an error."
checkAny(
  'intelRdt is an error on a host without resctrl',
  {
    skip: / - resctrl /.test(readFileSync('/proc/self/mountinfo', 'utf8')) && 'this host has it',
    knownToFail: { runc: 'ignores an empty one (1.1.5)', crun: 'ignores it (1.8.1)' },
  },
  (box) => {
    const container = box.container((config) => {
      config.linux.intelRdt = {};
    });
    refused(container.create(), /rdt|resctrl/i);
    box.assertNothingLeft();
  },
);
