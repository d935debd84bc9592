// Namespaces: of its own, the host's, another container's.

import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { ok } from '../harness/command.ts';
import type { Engine } from '../harness/engine.ts';
import { group, scenario } from '../harness/scenario.ts';

export function namespaces(engine: Engine): void {
  const own = (kind: string) => readlinkSync(`/proc/self/ns/${kind}`);
  const inside = (kind: string, ...options: string[]) => engine.output(options, ['readlink', `/proc/self/ns/${kind}`]);

  group('namespaces', () => {
    scenario('a container has its own of each kind', async () => {
      const kinds = ['mnt', 'pid', 'net', 'ipc', 'uts'];
      const script = kinds.map((kind) => `readlink /proc/self/ns/${kind}`).join('; ');
      const found = (await engine.shell([], script)).split('\n');
      assert.equal(found.length, kinds.length);
      for (const [index, kind] of kinds.entries()) assert.notEqual(found[index], own(kind), kind);
    });

    scenario('its program is process 1, and sees no other', async () => {
      assert.equal(await engine.shell([], 'echo $$ /proc/[0-9]*'), '1 /proc/1');
    });

    scenario('without a network there is only lo, and it is up', async () => {
      const text = await engine.shell([], 'ip -o link; ip -o addr show lo');
      assert.match(text, /^1: lo: <LOOPBACK,UP/);
      assert.match(text, /127\.0\.0\.1\/8/);
    });

    for (const kind of ['pid', 'ipc', 'uts']) {
      scenario(`--${kind} host is the host's`, async () => {
        assert.equal(await inside(kind, `--${kind}`, 'host'), own(kind));
      });
    }

    scenario("--network host is the host's, with its name", async () => {
      const options = engine.runOptions.filter((option) => option !== '--network' && option !== 'none');
      const argv = [
        'run',
        '--rm',
        ...options,
        '--network',
        'host',
        engine.image,
        'sh',
        '-c',
        'readlink /proc/self/ns/net; hostname',
      ];
      assert.equal(ok(await engine.cli(argv)).stdout, `${own('net')}\n${hostname()}\n`);
    });

    scenario('--pid container:… sees the other, and outlives nothing of it', async (context) => {
      const first = await engine.detached(context, [], ['sleep', '3333']);
      assert.match(await engine.output(['--pid', `container:${first}`], ['ps']), /1 .* sleep 3333/);
      assert.equal(await engine.inspect(first, '{{.State.Running}}'), 'true');
    });

    scenario('--network container:… is the other one’s, lo included', async (context) => {
      const options = engine.runOptions.filter((option) => option !== '--network' && option !== 'none');
      const first = await engine.detached(context, [], ['sh', '-c', 'while :; do echo over lo | nc -l -p 7000; done']);
      const client = 'while ! nc 127.0.0.1 7000 </dev/null 2>/dev/null; do sleep 0.1; done';
      const argv = ['run', '--rm', ...options, '--network', `container:${first}`, engine.image, 'sh', '-c', client];
      assert.equal(ok(await engine.cli(argv)).stdout, 'over lo\n');
    });

    scenario('--ipc container:… shares /dev/shm', async (context) => {
      const script = 'echo shared >/dev/shm/x; echo ready; sleep 1000';
      const first = await engine.detached(context, ['--ipc', 'shareable'], ['sh', '-c', script]);
      await engine.waitForLogs(first, /ready/);
      assert.equal(await engine.output(['--ipc', `container:${first}`], ['cat', '/dev/shm/x']), 'shared');
    });

    scenario('--hostname is that of the container only', async () => {
      const before = hostname();
      assert.equal(await engine.output(['--hostname', 'other'], ['hostname']), 'other');
      assert.equal(hostname(), before);
    });
  });
}
