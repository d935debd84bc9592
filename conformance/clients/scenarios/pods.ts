// Pods of Podman: containers that share what a first one holds.

import assert from 'node:assert/strict';
import { ok } from '../harness/command.ts';
import type { Engine } from '../harness/engine.ts';
import { group, type Scenario, scenario } from '../harness/scenario.ts';
import { scope } from '../harness/scope.ts';
import { waitFor } from '../harness/wait.ts';

export function pods(engine: Engine): void {
  /** A pod whose first container is of our image: no other is there. */
  const pod = async (context: Scenario, ...options: string[]) => {
    const name = `pod-${context.name()}`;
    context.afterwards(() => engine.cli(['pod', 'rm', '--force', '--time', '0', name]));
    const infra = ['--infra-image', engine.image, '--infra-command', '/bin/sleep 100000'];
    const parent = ['--cgroup-parent', `/${scope.token}`];
    ok(await engine.cli(['pod', 'create', '--name', name, '--network', 'none', ...parent, ...infra, ...options]));
    return name;
  };
  const member = async (context: Scenario, name: string, program: readonly string[], ...options: string[]) => {
    const container = context.name();
    ok(await engine.cli(['run', '--detach', '--name', container, '--pod', name, ...options, engine.image, ...program]));
    return container;
  };

  group('pods', () => {
    scenario('members share network, ipc and host name, not processes and files', async (context) => {
      const name = await pod(context, '--hostname', 'podbox');
      const server = 'echo shm >/dev/shm/x; echo file >/x; while :; do echo over lo | nc -l -p 7001; done';
      const first = await member(context, name, ['sh', '-c', server]);
      const client =
        'while ! nc 127.0.0.1 7001 </dev/null 2>/dev/null; do sleep 0.1; done; cat /dev/shm/x; hostname; test -e /x || echo no file; ps | grep -c sleep.100000';
      const argv = ['run', '--rm', '--pod', name, engine.image, 'sh', '-c', client];
      // The pattern is itself in the process list, once or twice: what is looked for would be one more.
      const { stdout } = ok(await engine.cli(argv));
      assert.match(stdout, /^over lo\nshm\npodbox\nno file\n/);
      assert.equal(await engine.inspect(first, '{{.State.Running}}'), 'true');
    });

    scenario('members can share processes', async (context) => {
      const name = await pod(context, '--share', 'pid,net,ipc,uts');
      await member(context, name, ['sleep', '4444']);
      const { stdout } = ok(await engine.cli(['run', '--rm', '--pod', name, engine.image, 'ps']));
      assert.match(stdout, /1 .* \/bin\/sleep 100000/);
      assert.match(stdout, /sleep 4444/);
    });

    scenario('stop, start, pause, kill and rm are of all members', async (context) => {
      const name = await pod(context);
      const one = await member(context, name, ['sleep', '1000']);
      const two = await member(context, name, ['sleep', '1000']);
      const states = async () =>
        `${await engine.inspect(one, '{{.State.Status}}')} ${await engine.inspect(two, '{{.State.Status}}')}`;
      const until = (wanted: string) =>
        waitFor(`members ${wanted}`, async () => (await states()) === `${wanted} ${wanted}`);
      await until('running');
      ok(await engine.cli(['pod', 'pause', name]));
      await until('paused');
      ok(await engine.cli(['pod', 'unpause', name]));
      ok(await engine.cli(['pod', 'stop', '--time', '0', name]));
      await until('exited');
      ok(await engine.cli(['pod', 'start', name]));
      await until('running');
      ok(await engine.cli(['pod', 'kill', name]));
      await until('exited');
      ok(await engine.cli(['pod', 'rm', '--force', '--time', '0', name]));
      assert.notEqual((await engine.cli(['inspect', one])).status, 0);
    });

    scenario('pod top and stats see the members', async (context) => {
      const name = await pod(context);
      await member(context, name, ['sleep', '5555']);
      assert.match(ok(await engine.cli(['pod', 'top', name])).stdout, /sleep 5555/);
    });
  });
}
