// A container while it runs: stop, kill, pause, restart, health, update, top, stats.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { ok, talkTo } from '../harness/command.ts';
import type { Engine } from '../harness/engine.ts';
import { cgroupVersion, withoutController } from '../harness/host.ts';
import { group, scenario } from '../harness/scenario.ts';
import { scope } from '../harness/scope.ts';
import { waitFor } from '../harness/wait.ts';

/** Says `ready`, then waits for signals. */
const listener = (traps: string) => ['sh', '-c', `${traps}\necho ready\nwhile :; do sleep 0.1; done`];

export function lifecycle(engine: Engine): void {
  group('life', () => {
    scenario('stop asks first: a program that ends by SIGTERM has its own status', async (context) => {
      const name = await engine.detached(context, [], listener('trap "echo asked; exit 4" TERM'));
      await engine.waitForLogs(name, /ready/);
      ok(await engine.cli(['stop', '--time', '60', name]));
      assert.equal(await engine.inspect(name, '{{.State.ExitCode}}'), '4');
      await engine.waitForLogs(name, /asked/);
    });

    scenario('stop kills what does not listen', async (context) => {
      const name = await engine.detached(context, [], listener('trap "" TERM'));
      await engine.waitForLogs(name, /ready/);
      ok(await engine.cli(['stop', '--time', '1', name]));
      assert.equal(await engine.inspect(name, '{{.State.ExitCode}}'), '137');
    });

    scenario('kill ends a container with SIGKILL', async (context) => {
      const name = await engine.detached(context, [], listener(''));
      ok(await engine.cli(['kill', name]));
      assert.equal(await engine.wait(name), 137);
      assert.equal(await engine.inspect(name, '{{.State.Running}}'), 'false');
    });

    scenario('kill --signal sends that signal, by name and by number', async (context) => {
      const name = await engine.detached(context, [], listener('trap "echo usr1" USR1; trap "echo usr2" USR2'));
      await engine.waitForLogs(name, /ready/);
      ok(await engine.cli(['kill', '--signal', 'USR1', name]));
      await engine.waitForLogs(name, /usr1/);
      ok(await engine.cli(['kill', '--signal', '12', name]));
      await engine.waitForLogs(name, /usr2/);
      assert.equal(await engine.inspect(name, '{{.State.Running}}'), 'true');
    });

    scenario('stop ends with the container all of its processes', async (context) => {
      const name = await engine.detached(context, [], ['sh', '-c', 'sleep 7777 & sleep 7777 & echo ready; wait']);
      await engine.waitForLogs(name, /ready/);
      const pid = Number(await engine.inspect(name, '{{.State.Pid}}'));
      ok(await engine.cli(['stop', '--time', '0', name]));
      assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
      assert.equal(await engine.inspect(name, '{{.State.Status}}'), 'exited');
    });

    scenario('create makes it, start runs it, and once more', async (context) => {
      const name = context.name();
      context.afterwards(() => engine.remove([name]));
      ok(
        await engine.cli([
          'create',
          ...engine.runOptions,
          '--name',
          name,
          engine.image,
          'sh',
          '-c',
          'echo run >>/log; wc -l </log',
        ]),
      );
      assert.equal(ok(await engine.cli(['start', '--attach', name])).stdout.trim(), '1');
      assert.equal(ok(await engine.cli(['start', '--attach', name])).stdout.trim(), '2');
    });

    scenario('restart gives a new process', async (context) => {
      const name = await engine.detached(context, [], ['sleep', '1000']);
      const before = await engine.inspect(name, '{{.State.Pid}}');
      ok(await engine.cli(['restart', '--time', '0', name]));
      assert.notEqual(await engine.inspect(name, '{{.State.Pid}}'), before);
      assert.equal(await engine.inspect(name, '{{.State.Running}}'), 'true');
    });

    scenario('a restart policy starts again what failed, as often as it says', async (context) => {
      const options = ['--restart', 'on-failure:2'];
      const name = await engine.detached(context, options, ['sh', '-c', 'echo attempt; exit 3']);
      await engine.waitForInspect(name, '{{.RestartCount}} {{.State.Status}}', /^2 (exited|stopped)/);
      const logs = await engine.waitForLogs(name, /(attempt\s+){3}/);
      assert.equal(logs.match(/attempt/g)?.length, 3);
      assert.equal(await engine.inspect(name, '{{.State.ExitCode}}'), '3');
    });

    scenario('a restart policy brings back what was killed', async (context) => {
      const name = await engine.detached(context, ['--restart', 'always'], ['sleep', '1000']);
      const pid = Number(await engine.inspect(name, '{{.State.Pid}}'));
      process.kill(pid, 'SIGKILL');
      await waitFor('another process', async () => {
        const [now, running] = (await engine.inspect(name, '{{.State.Pid}} {{.State.Running}}')).split(' ');
        return running === 'true' && Number(now) !== pid && Number(now) > 0;
      });
    });

    scenario('a health check turns healthy and unhealthy', async (context) => {
      const options = ['--health-cmd', 'test -e /tmp/well', '--health-interval', '1s', '--health-retries', '1'];
      const name = await engine.detached(context, options, ['sleep', '1000']);
      // Podman leaves the time table to systemd; asked by hand, it is the same exec.
      const check = async () => engine.kind === 'podman' && (await engine.cli(['healthcheck', 'run', name]));
      const until = (wanted: string) =>
        waitFor(`health ${wanted}`, async () => {
          await check();
          return (await engine.inspect(name, '{{.State.Health.Status}}')) === wanted;
        });
      await until('unhealthy');
      ok(await engine.exec(name, [], ['touch', '/tmp/well']));
      await until('healthy');
    });

    scenario('pause freezes all, unpause goes on', { skip: withoutFreezer() }, async (context) => {
      const name = await engine.detached(context, [], ['sh', '-c', 'while :; do echo x >>/ticks; sleep 0.01; done']);
      const root = `/proc/${await engine.inspect(name, '{{.State.Pid}}')}/root/ticks`;
      const size = () => (existsSync(root) ? statSync(root).size : 0);
      await waitFor('the first ticks', () => size() > 0);
      ok(await engine.cli(['pause', name]));
      assert.equal(await engine.inspect(name, '{{.State.Status}}'), 'paused');
      const frozen = size();
      const refused = await engine.exec(name, [], ['true']);
      assert.notEqual(refused.status, 0, 'exec into a paused container is refused');
      assert.equal(size(), frozen, 'nothing ran meanwhile');
      ok(await engine.cli(['unpause', name]));
      await waitFor('more ticks', () => size() > frozen);
    });

    scenario('top shows its processes', async (context) => {
      const name = await engine.detached(context, [], ['sh', '-c', 'sleep 4321; true']);
      const top = await waitFor('the child', async () => {
        const { stdout } = ok(await engine.cli(['top', name]));
        return stdout.includes('sleep 4321') && stdout;
      });
      assert.match(top, /PID/);
      assert.equal(top.trim().split('\n').length, 3, 'a header and two processes');
    });

    scenario('stats measures it', { skip: withoutController('memory') }, async (context) => {
      const name = await engine.detached(context, ['--memory', '64m'], ['sh', '-c', 'echo ready; sleep 1000']);
      await engine.waitForLogs(name, /ready/);
      const format = '{{.Name}} {{.MemUsage}} {{.PIDs}}';
      const { stdout } = ok(await engine.cli(['stats', '--no-stream', '--format', format, name]));
      assert.match(stdout, new RegExp(`^${name} .*[1-9].*/ ?(64MiB|67\\.\\d+MB) [12]$`, 'm'));
    });

    const [memoryFile, cpuFile] =
      cgroupVersion === 1
        ? ['/sys/fs/cgroup/memory/memory.limit_in_bytes', '/sys/fs/cgroup/cpu/cpu.shares']
        : ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/cpu.weight'];
    scenario(
      'update changes the limits of a running container',
      { skip: withoutController('memory') ?? withoutController('cpu') },
      async (context) => {
        const name = await engine.detached(context, ['--memory', '64m', '--memory-swap', '64m'], ['sleep', '1000']);
        ok(await engine.cli(['update', '--memory', '96m', '--memory-swap', '96m', '--cpu-shares', '512', name]));
        const { stdout } = ok(await engine.exec(name, [], ['cat', memoryFile, cpuFile]));
        assert.match(stdout, new RegExp(`^${96 * 1024 * 1024}\n(512|20|59)\n$`));
      },
    );

    scenario('removing a running container needs --force', async (context) => {
      const name = await engine.detached(context, [], ['sleep', '1000']);
      const pid = Number(await engine.inspect(name, '{{.State.Pid}}'));
      assert.notEqual((await engine.cli(['rm', name])).status, 0);
      ok(await engine.remove([name]));
      assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
      assert.notEqual((await engine.cli(['inspect', name])).status, 0);
    });

    scenario('attach talks to it', async (context) => {
      const script = 'while read -r line; do echo "heard $line"; test "$line" = end && exit 6; done';
      const name = await engine.detached(context, ['-i'], ['sh', '-c', script]);
      const session = talkTo([...engine.client, 'attach', name]);
      session.write('this\n');
      await session.waitForOutput(/heard this\n/);
      session.write('end\n');
      await session.finished();
      session.end();
      assert.equal(await engine.wait(name), 6);
    });

    scenario('cp copies in and out', async (context) => {
      const name = await engine.detached(context, [], ['sleep', '1000']);
      const path = `${scope.directory}/${name}-copied`;
      writeFileSync(path, 'from the host\n');
      ok(await engine.cli(['cp', path, `${name}:/tmp/copied`]));
      assert.equal(ok(await engine.exec(name, [], ['cat', '/tmp/copied'])).stdout, 'from the host\n');
      ok(await engine.cli(['cp', `${name}:/data/from-image`, path]));
      assert.equal(readFileSync(path, 'utf8'), 'from the image\n');
    });
  });
}

const withoutFreezer = () => (cgroupVersion === 1 ? withoutController('freezer') : undefined);
