// Limits: memory, processors, processes, files, and what the kernel does at them.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { ended, ok } from '../harness/command.ts';
import type { Engine } from '../harness/engine.ts';
import { cgroupVersion, withoutController } from '../harness/host.ts';
import { group, scenario } from '../harness/scenario.ts';

const v1 = cgroupVersion === 1;
const memory = withoutController('memory');
const cpu = withoutController('cpu');
const pids = withoutController('pids');
const MIB = 1024 * 1024;

/** What the container reads of its own control group. */
const file = (controller: string, name: string) => `/sys/fs/cgroup/${v1 ? `${controller}/` : ''}${name}`;

export function limits(engine: Engine): void {
  group('limits', () => {
    scenario('--memory and --memory-reservation are in force', { skip: memory }, async () => {
      const [limit, reservation] = v1
        ? ['memory.limit_in_bytes', 'memory.soft_limit_in_bytes']
        : ['memory.max', 'memory.low'];
      const text = await engine.output(
        ['--memory', '64m', '--memory-reservation', '32m'],
        ['cat', file('memory', limit), file('memory', reservation)],
      );
      assert.equal(text, `${64 * MIB}\n${32 * MIB}`);
    });

    scenario('a program that takes more than --memory is killed, and it is said', { skip: memory }, async (context) => {
      const options = ['--memory', '16m', '--memory-swap', '16m'];
      // /dev/shm is memory: a file in it that is larger than the limit.
      // Not before the engine listens: it may begin to when the start is over.
      const greedy =
        'until [ -e /dev/shm/go ]; do sleep 0.02; done; exec dd if=/dev/zero of=/dev/shm/big bs=1048576 count=48';
      const name = await engine.detached(context, options, ['sh', '-c', greedy]);
      ok(await engine.cli(['exec', name, 'touch', '/dev/shm/go']));
      assert.equal(await engine.wait(name), 137);
      // Podman learns it from conmon, which does not see it on v1.
      if (engine.kind === 'docker' || !v1) assert.equal(await engine.inspect(name, '{{.State.OOMKilled}}'), 'true');
    });

    scenario('a child that is killed for memory does not end the container', { skip: memory }, async () => {
      const greedy = 'dd if=/dev/zero of=/dev/shm/big bs=1048576 count=48 2>/dev/null; echo "the child: $?"';
      const text = await engine.shell(['--memory', '16m', '--memory-swap', '16m'], greedy);
      assert.match(text, /the child: 137/);
    });

    scenario('--cpus is a quota', { skip: cpu }, async () => {
      const files = v1 ? ['cpu.cfs_quota_us', 'cpu.cfs_period_us'] : ['cpu.max'];
      const text = await engine.output(['--cpus', '0.5'], ['cat', ...files.map((name) => file('cpu', name))]);
      assert.equal(text.replaceAll('\n', ' '), '50000 100000');
    });

    scenario('--cpu-shares is a weight', { skip: cpu }, async () => {
      const text = await engine.output(['--cpu-shares', '512'], ['cat', file('cpu', v1 ? 'cpu.shares' : 'cpu.weight')]);
      // On v2 two formulas are in use.
      assert.match(text, v1 ? /^512$/ : /^(20|59)$/);
    });

    scenario('--cpuset-cpus binds to processors', { skip: withoutController('cpuset') }, async () => {
      assert.equal(await engine.output(['--cpuset-cpus', '0'], ['busybox', 'nproc']), '1');
    });

    scenario('--pids-limit stops a fork bomb', { skip: pids }, async () => {
      assert.equal(await engine.output(['--pids-limit', '20'], ['cat', file('pids', 'pids.max')]), '20');
      const bomb = 'i=0; while [ $i -lt 60 ]; do sleep 3 & i=$((i+1)); done; echo not reached';
      const result = await engine.once(['--pids-limit', '20'], ['sh', '-c', bomb]);
      assert.notEqual(result.status, 0);
      assert.match(result.stderr, /fork/);
      assert.doesNotMatch(result.stdout, /not reached/);
    });

    scenario('--ulimit sets soft and hard', async () => {
      const text = await engine.shell(
        ['--ulimit', 'nofile=123:456', '--ulimit', 'core=0', '--ulimit', 'nproc=1000:2000'],
        'ulimit -Sn; ulimit -Hn; ulimit -c',
      );
      assert.equal(text, '123\n456\n0');
    });

    scenario('--oom-score-adj is in force', async () => {
      assert.equal(await engine.output(['--oom-score-adj', '321'], ['cat', '/proc/self/oom_score_adj']), '321');
    });

    scenario('--shm-size is the size of /dev/shm', async () => {
      assert.match(await engine.shell(['--shm-size', '3m'], 'df -k /dev/shm | tail -n 1'), /\s3072\s/);
    });

    scenario('--device-read-bps is accepted', { skip: withoutController('blkio') ?? noDisk() }, async () => {
      const result = await engine.once(['--device-read-bps', `${disk}:1mb`], ['true']);
      ended(result, 0);
    });
  });
}

const disk = ['/dev/vda', '/dev/sda', '/dev/nvme0n1', '/dev/xvda'].find((path) => existsSync(path));
function noDisk(): string | undefined {
  return disk === undefined ? 'no disk of a known name on this host' : undefined;
}
