// exec by the front, with what an engine has prepared: no engine runs, the program is the same, and what has changed since is not overlooked.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Config,
  type Container,
  check,
  ok,
  refused,
  type Sandbox,
  waitFor,
  writeIn,
} from '../conformance/harness/index.ts';
import {
  childrenOf,
  enginesOf,
  inBackground,
  lastLine,
  needsExecutable,
  needsStrace,
  straced,
  waitUntilOld,
} from './support.ts';

const skip = needsExecutable !== false ? needsExecutable : needsStrace;

function lasting(box: Sandbox, edit?: (config: Config) => void): Container {
  const container = box.container((config) => {
    config.root.readonly = false;
    config.process.args = ['/bin/sleep', '300'];
    edit?.(config);
  });
  mkdirSync(join(container.rootfs, 'etc'), { recursive: true });
  writeFileSync(join(container.rootfs, 'etc/passwd'), 'root:x:0:0::/first:\n');
  ok(container.create());
  ok(container.start());
  waitUntilOld(join(container.rootfs, 'etc/passwd'));
  return container;
}

interface Traced {
  readonly stdout: string;
  readonly status: number | null;
  /** argv[0] of the engines that were executed. */
  readonly engines: readonly string[];
  /** Files that were opened. */
  readonly opened: readonly string[];
}

function traced(box: Sandbox, container: Container, args: readonly string[], ...flags: string[]): Traced {
  const trace = straced(box, 'trace=execve,execveat,open,openat');
  const { stdout, status } = container.exec(args, { flags, prelude: trace.prelude });
  const lines = trace.lines();
  const engines = enginesOf(lines);
  return {
    stdout,
    status,
    engines,
    opened: lines.flatMap((line) => /open(?:at)?\((?:[^"]*, )?"([^"]*)"/.exec(line)?.[1] ?? []),
  };
}

check('the first exec has an engine prepare it, without koffi; those that follow need none', { skip }, (box) => {
  const container = lasting(box);
  const first = traced(box, container, ['/bin/echo', 'one']);
  assert.equal(first.stdout, 'one\n');
  assert.deepEqual(first.engines, ['runt:preparing']);
  assert.ok(!first.opened.some((path) => path.endsWith('koffi.node')));
  for (const [args, stdout, status] of [
    [['/bin/echo', 'two', '', 'a b'], 'two  a b\n', 0],
    [['echo', 'from PATH'], 'from PATH\n', 0],
    [['sh', '-c', 'exit 7'], '', 7],
    [['sh', '-c', 'kill -TERM $$'], '', 143],
  ] as const) {
    const { engines, opened: _, ...result } = traced(box, container, args);
    assert.deepEqual(result, { stdout, status });
    assert.deepEqual(engines, [], args.join(' '));
  }
});

check(
  'it is the same program as an engine executes: ids, rights, limits, environment, cgroups, namespaces',
  { skip },
  (box) => {
    const container = lasting(box, (config) => {
      config.process.user = { uid: 1000, gid: 7, additionalGids: [9, 11] };
      config.process.env = ['PATH=/bin', 'A=x=y', 'A=z'];
      config.process.cwd = '/tmp';
    });
    const script = `umask; pwd; env | sort; ulimit -a; for f in /proc/self/ns/*; do readlink $f; done
    grep -E "^(Uid|Gid|Groups|Cap|NoNew|Seccomp|Sig[BI])" /proc/self/status; cat /proc/self/cgroup /proc/self/oom_score_adj; ls /proc/self/fd`;
    const [front, engine] = [[], ['--cap', 'CAP_KILL', '--cwd', '/tmp']].map(
      (flags) =>
        ok(
          container.exec(['/bin/sh', '-c', script], {
            flags,
            prelude: 'trap "" HUP USR1; ulimit -n 300; exec 9</dev/null',
          }),
        ).stdout,
    );
    // With CAP_KILL it is an engine's, and nothing else.
    assert.equal(front, engine);
  },
);

check('HOME is what the user database says now', { skip }, (box) => {
  const container = lasting(box);
  const passwd = join(container.rootfs, 'etc/passwd');
  const home = () => traced(box, container, ['/bin/sh', '-c', 'echo $HOME']);
  assert.equal(home().stdout, '/first\n');
  writeFileSync(passwd, 'root:x:0:0::/second:\n');
  assert.equal(home().stdout, '/second\n');
  waitUntilOld(passwd);
  assert.equal(home().stdout, '/second\n');
  assert.deepEqual(home().engines, []);
  writeIn(box, 'passwd', 'root:x:0:0::/third:\n');
  renameSync(join(box.directory, 'passwd'), passwd);
  assert.equal(home().stdout, '/third\n');
});

check('S05: a link of the container’s in place of the user database leads nowhere', { skip }, (box) => {
  const container = lasting(box);
  writeIn(box, 'secret', 'root:x:0:0::/of-the-host:\n');
  const script = `rm /etc/passwd; ln -s ${join(box.directory, 'secret')} /etc/passwd`;
  ok(container.exec(['/bin/sh', '-c', script]));
  for (let round = 0; round < 2; round++)
    assert.equal(ok(container.exec(['/bin/sh', '-c', 'echo $HOME'])).stdout, '/\n');
});

check('a description in a file is prepared once for all arguments; another one anew', { skip }, (box) => {
  const container = lasting(box);
  const description = { cwd: '/tmp', env: ['PATH=/bin', 'HOME=/h', 'A=1'], user: { uid: 5, gid: 6 } };
  const exec = (args: readonly string[], changes: object = {}): Traced => {
    // As Go writes it: < > & as escapes.
    const text = JSON.stringify({ args, ...description, ...changes }).replace(
      /[<>&]/g,
      (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
    );
    return traced(box, container, [], '--process', writeIn(box, 'process.json', text));
  };
  assert.deepEqual(exec(['/bin/echo', 'one']).engines, ['runt:preparing']);
  const script = 'echo "a & b" && echo \'<"\\>\' \t; pwd; id -u; echo $A';
  for (const [args, stdout] of [
    [['/bin/sh', '-c', script], 'a & b\n<"\\>\n/tmp\n5\n1\n'],
    [['/bin/printf', '%s|', '', '\\', '"', '/', 'a\nb\tc\b\f\r'], '|\\|"|/|a\nb\tc\b\f\r|'],
    [['/bin/echo', ...Array.from({ length: 500 }, (_, index) => `${index}`)], null],
  ] as const) {
    const result = exec(args);
    assert.deepEqual(result.engines, [], JSON.stringify(args));
    assert.equal(result.stdout, stdout ?? `${args.slice(1).join(' ')}\n`);
  }
  assert.equal(exec(['/bin/echo', 'ä', '\u{1F40C}', '\u0001']).stdout, 'ä \u{1F40C} \u0001\n');
  const other = exec(['/bin/sh', '-c', 'echo $A'], { env: ['PATH=/bin', 'HOME=/h', 'A=2'] });
  assert.deepEqual([other.stdout, other.engines], ['2\n', ['runt:preparing']]);
  // Two that look like it: the arguments of which?
  const twice = exec(['/bin/echo', 'x'], { env: ['PATH=/bin', 'HOME=/h', '"args":["/bin/false"]'] });
  assert.equal(twice.stdout, 'x\n');
});

check(
  'a program that can not be executed is the engine’s to explain, and nothing is left of the attempt',
  { skip },
  (box) => {
    const container = lasting(box);
    ok(container.exec(['/bin/true']));
    writeFileSync(join(container.rootfs, 'tmp/text'), 'no program', { mode: 0o644 });
    const pidFile = join(box.directory, 'pid');
    for (const [program, message] of [
      ['nothing-like-that', /executable file not found in \$PATH/],
      ['/nothing/like/that', /no such file or directory/],
      ['/tmp/text', /permission denied/],
      [`/${'x'.repeat(300)}`, /file name too long/],
      ['x'.repeat(300), /\S/],
    ] as const) {
      const result = refused(container.exec([program], { flags: ['--pid-file', pidFile] }), message);
      assert.equal(result.status, 255, program);
      assert.deepEqual(
        readdirSync(box.directory).filter((name) => name.startsWith('pid')),
        [],
      );
    }
    assert.deepEqual(
      childrenOf(process.pid).filter(({ name }) => name.startsWith('runt')),
      [],
    );
  },
);

check('the pid file has the pid when a detached exec returns', { skip }, (box) => {
  const container = lasting(box);
  ok(container.exec(['/bin/true']));
  const pidFile = join(box.directory, 'pid');
  for (let round = 0; round < 3; round++) {
    const trace = straced(box, 'trace=execve');
    ok(
      container.exec(['/bin/sleep', '300'], {
        flags: ['--detach', '--pid-file', pidFile],
        prelude: trace.prelude.replace('-f ', ''),
      }),
    );
    assert.equal(trace.lines().length, 1);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /^\/bin\/sleep/);
  }
  const nowhere = refused(container.exec(['/bin/touch', '/tmp/ran'], { flags: ['--pid-file', '/nonexistent/pid'] }));
  assert.match(lastLine(nowhere.stderr), /pid file .*nonexistent/);
  const directory = refused(container.exec(['/bin/true'], { flags: ['--pid-file', box.directory] }));
  assert.match(lastLine(directory.stderr), /pid file/);
});

check('in a paused container it is refused; a signal ends one that was begun just before', { skip }, (box) => {
  const container = lasting(box);
  ok(container.exec(['/bin/true']));
  ok(container.pause());
  refused(container.exec(['/bin/true']), /paused/);
  ok(container.resume());
  assert.deepEqual(traced(box, container, ['/bin/true']).engines, []);
});

check(
  'what waits for the program has at most 64 KiB of its own, passes signals on, and ends as the program does',
  { skip },
  (box) => {
    const container = lasting(box);
    ok(container.exec(['/bin/true']));
    const script = 'trap "exit 9" USR1; while :; do sleep 0.1; done';
    const exec = inBackground(box, ['exec', container.id, 'sh', '-c', script]);
    const shell = waitFor('the program', () => childrenOf(exec.pid).find(({ name }) => name === 'sh'))?.pid ?? 0;
    const memory = readFileSync(`/proc/${exec.pid}/smaps_rollup`, 'utf8');
    const [own, all] = ['Anonymous', 'Rss'].map((name) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(memory)?.[1]),
    );
    assert.ok(own !== undefined && own > 0 && own <= 64 && all !== undefined && all <= 192, memory);
    const SIGUSR1 = 1n << 9n;
    waitFor('the trap', () => {
      const caught = /^SigCgt:\s+(\w+)$/m.exec(readFileSync(`/proc/${shell}/status`, 'utf8'))?.[1];
      return (BigInt(`0x${caught}`) & SIGUSR1) === 0n ? undefined : true;
    });
    process.kill(exec.pid, 'SIGUSR1');
    assert.equal(exec.status(), 9);
  },
);

check('a signal that comes before the program is there ends the exec, and leaves nothing of it', { skip }, (box) => {
  const container = lasting(box);
  ok(container.exec(['/bin/true']));
  const before = childrenOf(container.pid()).length;
  // The launcher stands still.
  const prelude = 'strace -f -qq -o /dev/null -e trace=setns -e inject=setns:signal=SIGSTOP --'.split(' ');
  const exec = inBackground(box, ['exec', container.id, '/bin/touch', '/tmp/ran'], prelude);
  const front = waitFor('the front', () => childrenOf(exec.pid).find(({ name }) => name === 'runt'))?.pid ?? 0;
  const launcher = waitFor('the launcher', () => childrenOf(front).find(({ name }) => name === 'runt:init'));
  for (const signal of ['SIGWINCH', 'SIGCONT', 'SIGTERM'] as const) process.kill(front, signal);
  assert.equal(exec.status(), 255);
  assert.ok(
    !existsSync(`/proc/${launcher?.pid}`) ||
      /\(runt:init\) Z/.test(readFileSync(`/proc/${launcher?.pid}/stat`, 'utf8')),
  );
  assert.equal(childrenOf(container.pid()).length, before);
  assert.ok(!existsSync(join(container.rootfs, 'tmp/ran')));
});

check('what is prepared for another process, by another build, or is no such thing, is not used', { skip }, (box) => {
  const container = lasting(box);
  ok(container.exec(['/bin/true']));
  const file = join(box.root, container.id, 'exec');
  const good = readFileSync(file);
  const enginesWith = (bytes: Uint8Array): readonly string[] => {
    writeFileSync(file, bytes);
    const { stdout, engines } = traced(box, container, ['/bin/echo', 'ran']);
    assert.equal(stdout, 'ran\n');
    return engines;
  };
  const changed = (offset: number): Uint8Array => {
    const bytes = Buffer.from(good);
    bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset);
    return bytes;
  };
  assert.deepEqual(enginesWith(good), []);
  // The build, and the caller's user namespace.
  for (const offset of [24, 128]) assert.deepEqual(enginesWith(changed(offset)), ['runt:preparing'], `${offset}`);
  // The time when init began: the pid is another's by now.
  for (const bytes of [changed(104), good.subarray(0, 100), good.subarray(0, good.length - 1), Buffer.alloc(0)]) {
    const engines = enginesWith(bytes);
    assert.ok(engines.length === 1 && engines[0] !== 'runt:preparing', JSON.stringify(engines));
  }
});

check(
  'a stream of the caller’s becomes the user’s, as with an engine; a /dev/null for one direction serves both',
  { skip },
  (box) => {
    const container = lasting(box, (config) => {
      config.process.user = { uid: 1000, gid: 1000 };
    });
    ok(container.exec(['/bin/true']));
    const out = writeIn(box, 'out', '');
    const script = 'echo own > /dev/stdout && echo lost >&2 && cat <&0';
    const trace = straced(box, 'trace=execve');
    ok(
      container.exec(['/bin/sh', '-c', script], { prelude: `exec >${out} 2</dev/null 0</dev/null; ${trace.prelude}` }),
    );
    assert.ok(!trace.lines().some((line) => line.includes('runt-engine')));
    assert.equal(readFileSync(out, 'utf8'), 'own\n');
    assert.equal(statSync(out).uid, 1000);
  },
);

check('init that has moved into a user namespace is followed into it, not into its mounts alone', { skip }, (box) => {
  const container = lasting(box, (config) => {
    const script = 'while ! [ -e /tmp/go ]; do sleep 0.05; done; exec /bin/busybox unshare -U -r -m /bin/sleep 300';
    config.process.args = ['/bin/sh', '-c', script];
    // Root of a container may not map itself without CAP_SETFCAP.
    config.process.user = { uid: 1000, gid: 1000 };
  });
  const process = { args: ['/bin/cat', '/proc/self/uid_map'], cwd: '/', user: { uid: 0, gid: 0 } };
  const file = writeIn(box, 'process.json', JSON.stringify(process));
  const map = (...flags: string[]) => ok(container.exec([], { flags: [...flags, '--process', file] })).stdout;
  assert.match(map(), /4294967295/);
  writeFileSync(join(container.rootfs, 'tmp/go'), '');
  waitFor('the user namespace', () =>
    /4294967295/.test(readFileSync(`/proc/${container.pid()}/uid_map`, 'utf8')) ? undefined : true,
  );
  waitFor('the program', () =>
    readFileSync(`/proc/${container.pid()}/comm`, 'utf8') === 'sleep\n' ? true : undefined,
  );
  assert.doesNotMatch(map(), /4294967295/);
  assert.equal(map(), map('--ignore-paused'));
});

check('what the caller holds open beyond the streams it holds as long as the program runs', { skip }, (box) => {
  const container = lasting(box);
  ok(container.exec(['/bin/true']));
  const lock = writeIn(box, 'lock', '');
  const exec = inBackground(box, ['exec', container.id, 'sleep', '300'], ['flock', '-F', lock]);
  const program = waitFor('the program', () => childrenOf(exec.pid).find(({ name }) => name === 'sleep'))?.pid ?? 0;
  assert.equal(spawnSync('flock', ['-n', lock, 'true']).status, 1);
  process.kill(program, 'SIGKILL');
  assert.equal(exec.status(), 137);
});

check('Ctrl-C leaves no part of a pid file', { skip }, (box) => {
  const container = lasting(box);
  ok(container.exec(['/bin/true']));
  // timeout(1) signals a process group of its own, as a terminal does.
  const prelude = `for delay in 0.001 0.002 0.003 0.004 0.005; do for round in 1 2 3 4 5 6 7 8; do
    timeout -s INT $delay "$@"
  done; done; exit 0; `;
  container.exec(['/bin/true'], { flags: ['--pid-file', join(box.directory, 'pid')], prelude });
  assert.deepEqual(
    readdirSync(box.directory).filter((name) => name.includes('.runt-')),
    [],
  );
});

check('a closed stream, and a pipe that describes the program, are the engine’s', { skip }, (box) => {
  const container = lasting(box);
  ok(container.exec(['/bin/true']));
  const stream = (prelude: string) => ok(container.exec(['/bin/readlink', '/proc/self/fd/0'], { prelude })).stdout;
  assert.equal(stream('exec 0<&-'), '/dev/null\n');
  const text = JSON.stringify({ args: ['/bin/echo', 'piped'], cwd: '/' });
  const file = writeIn(box, 'process.json', text);
  const prelude = `exec 7<${file}`;
  assert.equal(ok(container.exec([], { flags: ['--process', '/dev/fd/7'], prelude })).stdout, 'piped\n');
});
