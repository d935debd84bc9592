// More programs in a running container.

import assert from 'node:assert/strict';
import { ended, ok, run, talkTo, underTerminal } from '../harness/command.ts';
import type { Engine } from '../harness/engine.ts';
import { withoutPrivileged } from '../harness/host.ts';
import { group, scenario } from '../harness/scenario.ts';
import { waitFor } from '../harness/wait.ts';

export function exec(engine: Engine): void {
  const sleeper = ['sleep', '1000'];
  const readCapabilities = ['grep', 'CapEff', '/proc/self/status'];
  const SYS_ADMIN = 1n << 21n;
  group('exec', () => {
    scenario('exec sees the container, and its status is passed on', async (context) => {
      const name = await engine.detached(context, ['--hostname', 'box'], sleeper);
      const { stdout } = ended(
        await engine.exec(name, [], ['sh', '-c', 'hostname; tr "\\0" " " </proc/1/cmdline; exit 7']),
        7,
      );
      assert.equal(stdout, 'box\nsleep 1000 ');
    });

    scenario('exec keeps standard output and error apart', async (context) => {
      const name = await engine.detached(context, [], sleeper);
      const result = ok(await engine.exec(name, [], ['sh', '-c', 'echo to stdout; echo to stderr >&2']));
      assert.equal(result.stdout, 'to stdout\n');
      assert.match(result.stderr, /^to stderr$/m);
    });

    scenario('exec -i passes standard input through', async (context) => {
      const name = await engine.detached(context, [], sleeper);
      const result = await run([...engine.client, 'exec', '-i', name, 'cat'], { input: 'a\nb\n' });
      assert.equal(ok(result).stdout, 'a\nb\n');
      const session = talkTo([
        ...engine.client,
        'exec',
        '-i',
        name,
        'sh',
        '-c',
        'read -r line; echo "heard $line"; exit 3',
      ]);
      session.write('this\n');
      await session.waitForOutput(/heard this/);
      ended(await session.finished(), 3);
      session.end();
    });

    scenario('exec -it has a terminal', async (context) => {
      const name = await engine.detached(context, [], sleeper);
      const script = 'busybox tty; trap "exit 5" INT; echo ready; while :; do read -r line; echo "heard $line"; done';
      const session = underTerminal([...engine.client, 'exec', '-it', name, 'sh', '-c', script]);
      assert.match(await session.waitForOutput(/ready/), /\/dev\/pts\/\d/);
      session.write('hello\n');
      await session.waitForOutput(/heard hello/);
      session.write('\x03');
      ended(await session.finished(), 5);
    });

    scenario('exec into a container with a terminal gets a second one', async (context) => {
      const name = await engine.detached(context, ['-t'], sleeper);
      const { stdout } = ok(await engine.exec(name, ['-t'], ['sh', '-c', 'busybox tty; ls -l /proc/1/fd/0']));
      assert.match(stdout, /\/dev\/pts\/1/);
    });

    scenario('exec has its own environment, directory and user', async (context) => {
      const name = await engine.detached(context, ['-e', 'A=container', '-e', 'B=container'], sleeper);
      const options = ['-e', 'B=exec', '-w', '/tmp', '-u', '1000:1000'];
      const { stdout } = ok(await engine.exec(name, options, ['sh', '-c', 'echo $A $B; pwd; id -u; id -g']));
      assert.equal(stdout, 'container exec\n/tmp\n1000\n1000\n');
    });

    scenario('exec has the capabilities of the container', async (context) => {
      const name = await engine.detached(context, ['--cap-drop', 'ALL', '--cap-add', 'CHOWN'], sleeper);
      assert.match(ok(await engine.exec(name, [], readCapabilities)).stdout, /:\t0{15}1\n/);
    });

    scenario('exec --privileged has all capabilities', { skip: withoutPrivileged(engine) }, async (context) => {
      const name = await engine.detached(context, [], sleeper);
      const { stdout } = ok(await engine.exec(name, ['--privileged'], readCapabilities));
      assert.equal(BigInt(`0x${stdout.split(':')[1]?.trim()}`) & SYS_ADMIN, SYS_ADMIN);
    });

    scenario('exec --detach returns at once, and its program goes on', async (context) => {
      const name = await engine.detached(context, [], sleeper);
      ok(
        await engine.exec(
          name,
          ['--detach'],
          ['sh', '-c', 'while ! test -e /tmp/go; do sleep 0.05; done; touch /tmp/done'],
        ),
      );
      ok(await engine.exec(name, [], ['touch', '/tmp/go']));
      await waitFor(
        'the detached program',
        async () => (await engine.exec(name, [], ['test', '-e', '/tmp/done'])).status === 0,
      );
    });

    for (const [what, program, status] of [
      ['that is not in PATH', 'no-such-program', 127],
      ['whose path does not exist', '/no/such/program', 127],
      ['that is not executable', '/bin/not-executable', 126],
    ] as const) {
      scenario(`exec of a program ${what} is status ${status}, and the container lives on`, async (context) => {
        const name = await engine.detached(context, [], sleeper);
        const result = await engine.exec(name, [], [program]);
        // Docker's daemon says 126 for every exec that the runtime refused; later ones make the difference.
        if (engine.kind !== 'docker' || result.status !== 126) ended(result, status);
        assert.match(result.stderr + result.stdout, status === 127 ? /not found|no such file/i : /permission denied/i);
        assert.equal(await engine.inspect(name, '{{.State.Running}}'), 'true');
      });
    }

    scenario('exec into a stopped container is refused', async (context) => {
      const name = await engine.detached(context, [], ['true']);
      await engine.wait(name);
      const result = await engine.exec(name, [], ['true']);
      assert.notEqual(result.status, 0);
      assert.match(result.stderr, /not running|state improper|is not running/i);
    });

    scenario('ten execs at once', async (context) => {
      const name = await engine.detached(context, [], sleeper);
      const results = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          engine.exec(name, [], ['sh', '-c', `echo number ${index}; exit ${index}`]),
        ),
      );
      for (const [index, result] of results.entries()) assert.equal(ended(result, index).stdout, `number ${index}\n`);
    });

    scenario("an exec's processes end with the container", async (context) => {
      const name = await engine.detached(context, [], sleeper);
      const session = talkTo([...engine.client, 'exec', '-i', name, 'sh', '-c', 'echo ready; sleep 2000']);
      await session.waitForOutput(/ready/);
      ok(await engine.cli(['kill', name]));
      assert.notEqual((await session.finished()).status, 0);
      session.end();
    });
  });
}
