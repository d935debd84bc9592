// dockerd restarts while containers run.

import assert from 'node:assert/strict';
import { ended, ok } from '../harness/command.ts';
import type { Docker } from '../harness/docker.ts';
import { group, scenario } from '../harness/scenario.ts';
import { waitFor } from '../harness/wait.ts';

export function dockerDaemon({ engine, restart }: Docker): void {
  group(
    'the daemon',
    () => {
      scenario('the runtime under test is the default one', async (context) => {
        const name = await engine.detached(context, [], ['true']);
        assert.equal(await engine.inspect(name, '{{.HostConfig.Runtime}}'), 'tested');
      });

      scenario('with live-restore, containers run on while dockerd restarts, and it knows them', async (context) => {
        const ticker = ['sh', '-c', 'i=0; while :; do echo "tick $i"; i=$((i+1)); sleep 0.1; done'];
        const name = await engine.detached(context, [], ticker);
        await engine.waitForLogs(name, /tick 1\n/);
        const ending = await engine.detached(
          context,
          [],
          ['sh', '-c', 'while ! test -e /end; do sleep 0.1; done; exit 9'],
        );
        const pid = await engine.inspect(name, '{{.State.Pid}}');
        await restart();
        assert.equal(await engine.inspect(name, '{{.State.Pid}} {{.State.Running}}'), `${pid} true`);
        const last = /tick (\d+)\n$/.exec(await engine.waitForLogs(name, /tick \d+\n$/))?.[1];
        await engine.waitForLogs(name, new RegExp(`tick ${Number(last) + 2}\n`));
        ended(await engine.exec(name, [], ['sh', '-c', 'exit 8']), 8);
        ok(await engine.exec(ending, [], ['touch', '/end']));
        await engine.waitForInspect(ending, '{{.State.Status}} {{.State.ExitCode}}', /^exited 9$/);
        ok(await engine.cli(['stop', '--time', '0', name]));
      });

      scenario('what ends while dockerd is away is found ended', async (context) => {
        const name = await engine.detached(context, [], ['sleep', '1000']);
        const pid = Number(await engine.inspect(name, '{{.State.Pid}}'));
        await restart(() => {
          process.kill(pid, 'SIGKILL');
          return Promise.resolve();
        });
        await waitFor('the end', async () => (await engine.inspect(name, '{{.State.Status}}')) === 'exited');
        ok(await engine.cli(['start', name]));
        assert.equal(await engine.inspect(name, '{{.State.Running}}'), 'true');
      });
    },
    { serial: true },
  );
}
