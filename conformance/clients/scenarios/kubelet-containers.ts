// Containers of a pod as a kubelet starts, probes, limits, confines and stops them.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listener, type Node, OF, STATE, sleeper, started } from '../harness/cri.ts';
import { cgroupVersion, withoutController } from '../harness/host.ts';
import { group, scenario } from '../harness/scenario.ts';
import { scope } from '../harness/scope.ts';
import { waitFor } from '../harness/wait.ts';

const v1 = cgroupVersion === 1;
const MIB = 1024 * 1024;

/** A file of the container's control group, read inside. */
const limit = (controller: string, name: string) => `cat /sys/fs/cgroup/${v1 ? `${controller}/` : ''}${name}`;

export function kubeletContainers(node: Node): void {
  group('containers', () => {
    scenario('output is logged by stream, and the exit status is known', async (context) => {
      const { container } = await started(node, context, ['sh', '-c', 'echo out; echo err >&2; exit 3']);
      const { exit_code, reason } = await container.ended();
      assert.deepEqual({ exit_code, reason }, { exit_code: 3, reason: 'Error' });
      assert.equal(container.log(), 'out\n');
      assert.equal(container.log('stderr'), 'err\n');
      const ok = await (await node.pod(context)).run({ program: ['true'] });
      const ended = await ok.ended();
      assert.deepEqual([ended.exit_code, ended.reason], [0, 'Completed']);
    });

    scenario('a created container waits for its start', async (context) => {
      const container = await (await node.pod(context)).create({ program: ['echo', 'ran'] });
      assert.equal((await container.status()).state, STATE.created);
      assert.equal(container.log(), '');
      await container.start();
      await container.ended();
      assert.equal(container.log(), 'ran\n');
    });

    scenario('a program that is missing fails at the start, and the message names it', async (context) => {
      const container = await (await node.pod(context)).create({ program: ['/no/such/program'] });
      await assert.rejects(container.start(), /\/no\/such\/program/);
      const { state, exit_code, message } = await container.status();
      assert.equal(state, STATE.exited);
      assert.ok(exit_code === 127 || exit_code === 128, `${exit_code}`);
      assert.match(message, /\/no\/such\/program/);
    });

    scenario('stop sends SIGTERM, and SIGKILL when the grace is over', async (context) => {
      const pod = await node.pod(context);
      const polite = await pod.run({ program: listener });
      await polite.waitForLog(/ready/);
      await polite.stop(60);
      assert.equal((await polite.ended()).exit_code, 5);
      assert.equal(polite.log(), 'ready\ntold\n');
      const stubborn = await pod.run({
        program: ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.02; done'],
      });
      await stubborn.waitForLog(/ready/);
      await stubborn.stop(1);
      assert.equal((await stubborn.ended()).exit_code, 137);
    });

    scenario('one with a terminal has it as its three streams', async (context) => {
      const script = 'test -t 0 && test -t 1 && test -t 2 && tty';
      const container = await (await node.pod(context)).run({ program: ['sh', '-c', script], config: { tty: true } });
      assert.equal((await container.ended()).exit_code, 0);
      assert.match(container.log(), /^\/dev\/(pts\/\d+|console)\s*$/);
    });

    scenario('one that was removed is made anew in the same pod', async (context) => {
      const { pod, container } = await started(node, context);
      await container.stop(0);
      await container.remove();
      const again = await pod.run({ program: ['echo', 'again'] });
      await again.ended();
      assert.equal(again.log(), 'again\n');
    });

    scenario('environment, working directory, devices and mounts', async (context) => {
      const host = join(scope.directory, `host-${context.name()}`);
      mkdirSync(join(host, 'sub'), { recursive: true });
      writeFileSync(join(host, 'file'), 'from the host\n');
      const config = {
        working_dir: '/data',
        envs: [{ key: 'GREETING', value: 'hello you' }],
        devices: [{ container_path: '/dev/alias', host_path: '/dev/null', permissions: 'rw' }],
        mounts: [
          { container_path: '/mnt/rw', host_path: host },
          { container_path: '/mnt/ro', host_path: host, readonly: true },
          { container_path: '/mnt/file', host_path: join(host, 'file') },
        ],
      };
      const container = await (await node.pod(context)).run({ program: sleeper, config });
      assert.equal(await container.shell('pwd; echo $GREETING; cat /mnt/file'), '/data\nhello you\nfrom the host');
      assert.equal(await container.shell('echo x >/dev/alias && stat -c %t,%T /dev/alias'), '1,3');
      assert.equal(
        await container.shell('echo new >/mnt/rw/sub/new; echo x 2>/dev/null >/mnt/ro/file || echo refused'),
        'refused',
      );
      assert.equal(readFileSync(join(host, 'sub/new'), 'utf8'), 'new\n');
    });
  });

  group('probes', () => {
    scenario('an exec tells output, errors and status', async (context) => {
      const { container } = await started(node, context);
      const executed = await container.exec(['sh', '-c', 'echo out; echo err >&2; exit 7']);
      assert.deepEqual(executed, { stdout: 'out\n', stderr: 'err\n', exit_code: 7 });
      await assert.rejects(container.exec(['no-such-program']), /no-such-program/);
      assert.equal(await container.shell('echo still there'), 'still there');
    });

    scenario('an exec that takes too long is ended, and nothing of it is left', async (context) => {
      const { container } = await started(node, context);
      await assert.rejects(container.exec(['sleep', '777'], 1), /timeout|deadline/i);
      await waitFor('its end', async () => !(await container.shell('ps')).includes('sleep 777'));
    });

    scenario('fifty, ten at a time', async (context) => {
      const { container } = await started(node, context);
      for (let round = 0; round < 5; round++) {
        const numbers = Array.from({ length: 10 }, (_, index) => round * 10 + index);
        const executed = await Promise.all(numbers.map((n) => container.exec(['sh', '-c', `echo ${n}; exit ${n}`])));
        for (const [index, { stdout, exit_code }] of executed.entries())
          assert.deepEqual([stdout, exit_code], [`${numbers[index]}\n`, numbers[index]]);
      }
    });
  });

  group('limits', () => {
    scenario(
      'memory and processors, as given and as changed',
      { skip: withoutController('memory') ?? withoutController('cpu') },
      async (context) => {
        const resources = { memory_limit_in_bytes: 64 * MIB, cpu_quota: 50_000, cpu_period: 100_000, cpu_shares: 512 };
        const container = await (await node.pod(context)).run({ program: sleeper, resources });
        const found = async () => {
          const memory = await container.shell(limit('memory', v1 ? 'memory.limit_in_bytes' : 'memory.max'));
          const files = v1 ? ['cpu.cfs_quota_us', 'cpu.cfs_period_us'] : ['cpu.max'];
          const cpu = await container.shell(files.map((name) => limit('cpu', name)).join('; '));
          return `${Number(memory) / MIB} MiB, ${cpu.replaceAll('\n', ' ')}`;
        };
        assert.equal(await found(), '64 MiB, 50000 100000');
        await container.update({ memory_limit_in_bytes: 96 * MIB, cpu_quota: 25_000, cpu_period: 100_000 });
        assert.equal(await found(), '96 MiB, 25000 100000');
      },
    );

    scenario(
      'what takes more memory than it may is killed, and it is said',
      { skip: withoutController('memory') },
      async (context) => {
        // Not before containerd listens: it begins to when the start is over.
        const greedy =
          'until [ -e /go ]; do sleep 0.02; done; dd if=/dev/zero of=/dev/shm/big bs=1048576 count=60; echo "the child: $?"; exec sleep 1000';
        const container = await (await node.pod(context)).run({
          program: ['sh', '-c', greedy],
          resources: { memory_limit_in_bytes: 16 * MIB },
        });
        await container.shell('>/go');
        await container.waitForLog(/^the child: 137$/m);
        await container.stop(0);
        assert.equal((await container.ended()).exit_code, 137);
        await waitFor('the reason', async () => (await container.status()).reason === 'OOMKilled');
      },
    );

    scenario(
      'what it uses is measured',
      { skip: withoutController('memory') ?? withoutController('cpu') },
      async (context) => {
        const { container } = await started(node, context, ['sh', '-c', 'while :; do :; done']);
        await waitFor('some use of memory and processors', async () => {
          const { memory, cpu } = await container.stats();
          return memory > 0 && cpu > 1_000_000;
        });
      },
    );
  });

  group('security', () => {
    scenario('user, groups, capabilities, no new privileges, seccomp', async (context) => {
      const security = {
        run_as_user: { value: 1234 },
        run_as_group: { value: 2345 },
        supplemental_groups: [3456, 4567],
        capabilities: { drop_capabilities: ['ALL'], add_capabilities: ['NET_BIND_SERVICE'] },
        no_new_privs: true,
        // The node's own.
        seccomp: { profile_type: 0 },
      };
      const container = await (await node.pod(context)).run({ program: sleeper, security });
      const status = await container.shell(
        'id -u; id -g; id -G; grep -E "^(CapBnd|NoNewPrivs|Seccomp):" /proc/1/status',
      );
      assert.match(status, /^1234\n2345\n2345 3456 4567\n/);
      assert.match(status, /^CapBnd:\t0000000000000400$/m);
      assert.match(status, /^NoNewPrivs:\t1$/m);
      assert.match(status, /^Seccomp:\t2$/m);
    });

    scenario('a privileged one has all that the node has', async (context) => {
      const security = { privileged: true, namespace_options: { pid: OF.container } };
      const container = await (await node.pod(context, { privileged: true })).run({ program: sleeper, security });
      const own = /^CapBnd:.*$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[0];
      assert.equal(await container.shell('grep CapBnd /proc/1/status'), own);
      // Of the mount: runc makes the file system itself read-only, for the pod's first process and with it for all.
      assert.match(await container.shell('cat /proc/self/mountinfo'), / \/sys rw,/);
      assert.equal(await container.shell('mkdir /m && mount -t tmpfs none /m && echo mounted'), 'mounted');
      assert.equal(await container.shell('test -e /dev/full && test -c /dev/kmsg && echo devices'), 'devices');
    });

    scenario('a read-only root; masked and read-only paths', async (context) => {
      const security = {
        readonly_rootfs: true,
        masked_paths: ['/proc/keys', '/proc/latency_stats', '/data'],
        readonly_paths: ['/proc/sys', '/proc/bus'],
      };
      const container = await (await node.pod(context)).run({ program: sleeper, security });
      const script = [
        'echo x 2>/dev/null >/new || echo read-only',
        'cat /proc/keys; ls /data',
        'echo 1 2>/dev/null >/proc/sys/kernel/domainname || echo no',
        'echo x >/dev/shm/y && echo but memory',
      ];
      assert.equal(await container.shell(script.join('; ')), 'read-only\nno\nbut memory');
    });
  });
}
