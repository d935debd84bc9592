// Tasks of containerd: exec, signals, pause, metrics, a restart of the daemon, many at once.

import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { ended, ok } from '../harness/command.ts';
import type { Ctr } from '../harness/containerd.ts';
import { cgroupVersion, withoutController } from '../harness/host.ts';
import { group, type Scenario, scenario } from '../harness/scenario.ts';
import { waitFor } from '../harness/wait.ts';
import { eachOf, MANY } from './many.ts';

const sleeper = ['sleep', '1000'];
const ticker = ['sh', '-c', 'while :; do echo x >>/ticks; sleep 0.01; done'];

export function ctrLife(ctr: Ctr): void {
  /** How long the file is that the ticker writes. */
  const ticks = async (id: string) => {
    const path = `/proc/${(await ctr.task(id))?.pid}/root/ticks`;
    return () => (existsSync(path) ? statSync(path).size : 0);
  };
  /** A container whose program answers these signals in /tmp. */
  const listener = async (context: Scenario, traps: string) => {
    const id = await ctr.detached(context, [], ['sh', '-c', `${traps}\ntouch /tmp/ready\nwhile :; do sleep 0.1; done`]);
    await untilFile(id, '/tmp/ready');
    return id;
  };
  const untilFile = async (id: string, path: string) => {
    const pid = (await ctr.task(id))?.pid;
    await waitFor(`${path} of ${id}`, () => existsSync(`/proc/${pid}/root${path}`));
  };

  group('tasks', () => {
    scenario('a detached task runs, and is listed with its pid', async (context) => {
      const id = await ctr.detached(context, [], sleeper);
      const task = await ctr.task(id);
      assert.equal(task?.status, 'RUNNING');
      assert.ok(existsSync(`/proc/${task?.pid}`));
      assert.match(ok(await ctr.ctr(['containers', 'info', id])).stdout, /io\.containerd\.runc\.v2/);
    });

    scenario('kill sends SIGTERM, or the signal that is named', async (context) => {
      const id = await listener(context, 'trap "touch /tmp/usr1" USR1; trap "exit 4" TERM');
      ok(await ctr.ctr(['tasks', 'kill', '--signal', 'SIGUSR1', id]));
      await untilFile(id, '/tmp/usr1');
      ok(await ctr.ctr(['tasks', 'kill', id]));
      await ctr.waitForStatus(id, 'STOPPED');
      assert.match((await ctr.ctr(['tasks', 'delete', id])).stderr, /exit code 4|^$/);
    });

    scenario('kill --all ends every process', async (context) => {
      const id = await ctr.detached(context, [], ['sh', '-c', 'trap "" TERM; sleep 7777 & sleep 7777 & wait']);
      const pid = (await ctr.task(id))?.pid;
      ok(await ctr.ctr(['tasks', 'kill', '--all', '--signal', 'SIGKILL', id]));
      await ctr.waitForStatus(id, 'STOPPED');
      await waitFor('the end of process 1', () => !existsSync(`/proc/${pid}`));
    });

    scenario('exec: status, output, input', async (context) => {
      const id = await ctr.detached(context, [], sleeper);
      const result = ended(
        await ctr.execHeard(id, [], ['sh', '-c', 'tr "\\0" " " </proc/1/cmdline; echo; echo e >&2; exit 7']),
        7,
      );
      assert.equal(result.stdout, 'sleep 1000 \n');
      assert.match(result.stderr, /^e$/m);
      assert.equal(ok(await ctr.execHeard(id, ['--cwd', '/tmp'], ['pwd'])).stdout, '/tmp\n');
      assert.equal(
        ok(await ctr.execHeard(id, ['--user', '1000:1000'], ['sh', '-c', 'id -u; id -g'])).stdout,
        '1000\n1000\n',
      );
    });

    scenario('exec --tty has a terminal', async (context) => {
      const id = await ctr.detached(context, [], sleeper);
      const script = 'busybox tty; trap "exit 5" INT; echo ready; while :; do read -r line; echo "heard $line"; done';
      const session = ctr.execTerminal(id, ['sh', '-c', script]);
      assert.match(await session.waitForOutput(/ready/), /\/dev\/pts\/\d/);
      session.write('hello\n');
      await session.waitForOutput(/heard hello/);
      session.write('\x03');
      ended(await session.finished(), 5);
    });

    scenario('exec of a missing program is an error, and the task lives on', async (context) => {
      const id = await ctr.detached(context, [], sleeper);
      const result = await ctr.exec(id, [], ['no-such-program']);
      assert.notEqual(result.status, 0);
      assert.match(result.stderr, /not found|no such file/i);
      assert.equal((await ctr.task(id))?.status, 'RUNNING');
    });

    scenario('ten execs at once', async (context) => {
      const id = await ctr.detached(context, [], sleeper);
      const numbers = Array.from({ length: 10 }, (_, index) => index);
      const results = await Promise.all(
        numbers.map((index) => ctr.execHeard(id, [], ['sh', '-c', `echo number ${index}; exit ${index}`])),
      );
      for (const [index, result] of results.entries()) assert.equal(ended(result, index).stdout, `number ${index}\n`);
    });

    scenario(
      'pause freezes, resume goes on',
      { skip: cgroupVersion === 1 ? withoutController('freezer') : undefined },
      async (context) => {
        const id = await ctr.detached(context, [], ticker);
        const size = await ticks(id);
        await waitFor('the first ticks', () => size() > 0);
        ok(await ctr.ctr(['tasks', 'pause', id]));
        assert.equal((await ctr.task(id))?.status, 'PAUSED');
        const frozen = size();
        ok(await ctr.ctr(['tasks', 'ls']));
        assert.equal(size(), frozen, 'nothing ran meanwhile');
        ok(await ctr.ctr(['tasks', 'resume', id]));
        await waitFor('more ticks', () => size() > frozen);
      },
    );

    scenario('ps lists the processes', async (context) => {
      const id = await ctr.detached(context, [], ['sh', '-c', 'sleep 4321 & sleep 4321 & touch /tmp/ready; wait']);
      await untilFile(id, '/tmp/ready');
      const { stdout } = ok(await ctr.ctr(['tasks', 'ps', id]));
      assert.equal(stdout.trim().split('\n').length, 4, `a header and three processes:\n${stdout}`);
    });

    scenario('metrics measure it', { skip: withoutController('memory') }, async (context) => {
      const id = await ctr.detached(context, [], sleeper);
      const { stdout } = ok(await ctr.ctr(['tasks', 'metrics', '--format', 'json', id]));
      assert.match(stdout, /[1-9]\d*/);
      JSON.parse(stdout);
    });

    scenario('delete --force ends and removes a running task', async (context) => {
      const id = await ctr.detached(context, [], sleeper);
      const pid = (await ctr.task(id))?.pid;
      assert.notEqual((await ctr.ctr(['tasks', 'delete', id])).status, 0, 'not without --force');
      ok(
        await ctr
          .ctr(['tasks', 'delete', '--force', id])
          .then((result) => ({ ...result, status: result.status === 137 ? 0 : result.status })),
      );
      assert.equal(await ctr.task(id), undefined);
      assert.ok(!existsSync(`/proc/${pid}`));
    });

    scenario('a container has one task after the other', async (context) => {
      const id = await ctr.detached(
        context,
        [],
        ['sh', '-c', 'echo run >>/log; test $(wc -l </log) = 2 && exit 22; exit 11'],
      );
      await ctr.waitForStatus(id, 'STOPPED');
      assert.match(ok(await ctr.ctr(['tasks', 'delete', id])).stderr, /exit code 11/);
      ended(await ctr.ctr(['tasks', 'start', id]), 22);
    });
  });

  group(
    'the daemon',
    () => {
      scenario('a restart of containerd leaves the tasks running, and it knows them', async (context) => {
        const id = await ctr.detached(context, [], ticker);
        const before = await ctr.task(id);
        const size = await ticks(id);
        await waitFor('the first ticks', () => size() > 0);
        await ctr.restart();
        const then = size();
        await waitFor('more ticks', () => size() > then);
        assert.deepEqual(await ctr.task(id), before);
        ended(await ctr.exec(id, [], ['sh', '-c', 'exit 8']), 8);
        ok(await ctr.ctr(['tasks', 'kill', '--signal', 'SIGKILL', id]));
        await ctr.waitForStatus(id, 'STOPPED');
      });
    },
    { serial: true },
  );

  group('many', () => {
    scenario(`${MANY} containers live at once, and all go`, async (context) => {
      const ids: string[] = [];
      await eachOf(MANY, async () => void ids.push(await ctr.detached(context, [], sleeper)));
      const running = async () =>
        ok(await ctr.ctr(['tasks', 'ls']))
          .stdout.split('\n')
          .filter((line) => line.includes('RUNNING')).length;
      assert.equal(await running(), MANY);
      await eachOf(MANY, async (index) => {
        await ctr.ctr(['tasks', 'delete', '--force', ids[index] ?? '']);
        ok(await ctr.ctr(['containers', 'delete', ids[index] ?? '']));
      });
      assert.equal(await running(), 0);
    });
  });
}
