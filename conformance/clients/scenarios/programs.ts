// A container runs a program: status, output, input, terminal, surroundings.

import assert from 'node:assert/strict';
import { ended, ok, TERMINAL } from '../harness/command.ts';
import type { Engine } from '../harness/engine.ts';
import { group, scenario } from '../harness/scenario.ts';

export function programs(engine: Engine): void {
  group('programs', () => {
    for (const status of [0, 7, 255]) {
      scenario(`a program's exit status ${status} is the client's`, async () => {
        ended(await engine.once([], ['sh', '-c', `exit ${status}`]), status);
      });
    }

    scenario('a program that a signal ended has status 128 + its number', async () => {
      ended(await engine.once([], ['sh', '-c', 'busybox timeout -s KILL 0.1 sleep 100; exit $?']), 137);
      ended(await engine.once([], ['sh', '-c', 'trap "exit 143" TERM; kill -TERM $$; sleep 100']), 143);
    });

    scenario('standard output and error are kept apart', async () => {
      const result = ok(await engine.once([], ['sh', '-c', 'echo to stdout; echo to stderr >&2']));
      assert.equal(result.stdout, 'to stdout\n');
      assert.match(result.stderr, /^to stderr$/m);
    });

    scenario('a megabyte of output arrives whole', async () => {
      const result = ok(
        await engine.once([], ['sh', '-c', 'dd if=/dev/zero bs=1024 count=1024 2>/dev/null | tr "\\0" x']),
      );
      assert.equal(result.stdout.length, 1024 * 1024);
    });

    scenario('logs have what a detached program wrote', async (context) => {
      const name = await engine.detached(context, [], ['sh', '-c', 'echo one; echo two >&2; exit 3']);
      assert.equal(await engine.wait(name), 3);
      const logs = ok(await engine.cli(['logs', name]));
      assert.equal(logs.stdout, 'one\n');
      assert.match(logs.stderr, /^two$/m);
    });

    scenario('-i passes standard input through, to its end', async () => {
      const text = Array.from({ length: 5000 }, (_, index) => `line ${index}\n`).join('');
      assert.equal(ok(await engine.once(['-i'], ['cat'], { input: text })).stdout, text);
    });

    scenario('-i is a conversation', async () => {
      const session = engine.session(['-i'], ['sh', '-c', 'while read -r line; do echo "heard $line"; done'], false);
      session.write('one\n');
      await session.waitForOutput(/heard one\n/);
      session.write('two\n');
      await session.waitForOutput(/heard two\n/);
      session.end();
      ok(await session.finished());
    });

    scenario('without -i the standard input is empty', async () => {
      assert.equal(await engine.output([], ['wc', '-c'], { input: 'not for the container' }), '0');
    });

    scenario('-t gives a terminal', async () => {
      const text = ok(
        await engine.once(['-t'], ['sh', '-c', 'busybox tty; test -t 0 && test -t 1 && test -t 2 && echo all']),
      ).stdout;
      assert.match(text, /\/dev\/(pts\/0|console)/);
      assert.match(text, /all\r\n/, 'the three descriptors are the terminal, with its line ends');
    });

    scenario('without -t there is no terminal', async () => {
      assert.equal(await engine.shell([], 'test -t 0 || test -t 1 || test -t 2 || echo none'), 'none');
    });

    scenario('-it talks through the terminal, and control-C is a signal', async () => {
      const script =
        'trap "echo interrupted; exit 5" INT; echo ready; while :; do read -r line; echo "heard $line"; done';
      const session = engine.session(['-i', '-t'], ['sh', '-c', script], true);
      await session.waitForOutput(/ready/);
      session.write('hello\n');
      await session.waitForOutput(/heard hello/);
      session.write('\x03');
      const result = ended(await session.finished(), 5);
      assert.match(result.stdout, /interrupted/);
    });

    scenario("-it has the client's terminal size", async () => {
      // The client tells it soon after the start: until then it is 0 0.
      const script = 'while :; do busybox stty size 2>/dev/null; sleep 0.1; done';
      const session = engine.session(['-i', '-t'], ['sh', '-c', script], true);
      await session.waitForOutput(new RegExp(`${TERMINAL.rows} ${TERMINAL.columns}\\r\\n`));
      session.write('\x03');
      await session.finished();
    });

    scenario('environment, working directory and host name are as asked for', async () => {
      const options = ['-e', 'GREETING=good day', '-w', '/tmp', '--hostname', 'box'];
      assert.equal(await engine.shell(options, 'echo "$GREETING"; pwd; hostname'), 'good day\n/tmp\nbox');
    });

    const refuses = engine.kind === 'podman' ? 'Podman itself refuses it' : undefined;
    scenario('a working directory that the image lacks is made', { skip: refuses }, async () => {
      assert.equal(await engine.output(['-w', '/not/there/yet'], ['pwd']), '/not/there/yet');
    });

    scenario('--user by number and by name, with groups', async () => {
      assert.equal(await engine.shell(['-u', '1234:2345'], 'id -u; id -g'), '1234\n2345');
      assert.equal(await engine.shell(['-u', 'user'], 'id -un; id -gn; echo "$HOME"'), 'user\nuser\n/home/user');
      assert.match(await engine.shell(['-u', '1000', '--group-add', '4321'], 'id -G'), /\b4321\b/);
    });

    scenario('--entrypoint takes the place of the shell', async () => {
      assert.equal(await engine.output(['--entrypoint', '/bin/echo'], ['said', 'this']), 'said this');
    });

    for (const [what, program, status] of [
      ['that is not in PATH', 'no-such-program', 127],
      ['whose path does not exist', '/no/such/program', 127],
      ['that is not executable', '/bin/not-executable', 126],
      ['that is a directory', '/data', 126],
    ] as const) {
      scenario(`a program ${what} is status ${status}, with the reason`, async () => {
        const result = ended(await engine.once([], [program]), status);
        assert.match(result.stderr, status === 127 ? /not found|no such file/i : /permission denied|is a directory/i);
        assert.ok(result.stderr.includes(program), `the message names the program: ${result.stderr}`);
      });
    }

    scenario('--init reaps, and passes the status on', { skip: engine.init.missing }, async () => {
      const result = await engine.once(['--init'], ['sh', '-c', 'cat /proc/1/cmdline | tr "\\0" " "; exit 9']);
      assert.match(ended(result, 9).stdout, /init.* -- sh -c/);
    });
  });
}
