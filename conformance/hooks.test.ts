// config.md, POSIX-platform Hooks: when they run, where, with what, and what follows when they fail.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Config,
  type Container,
  check,
  type Hook,
  type HookKind,
  ok,
  ran,
  refused,
  type Sandbox,
  waitFor,
  withoutNamespace,
  writeIn,
} from './harness/index.ts';

const kinds: HookKind[] = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'];
const inRuntime: HookKind[] = ['prestart', 'createRuntime', 'poststart', 'poststop'];

const shell = (script: string, more: Partial<Hook> = {}): Hook => ({
  path: '/bin/sh',
  args: ['sh', '-c', script],
  ...more,
});

/** A directory that host and container see under the same path, for hooks of every kind to write into. */
function meetingPlace(box: Sandbox, config: Config): string {
  const place = join(box.directory, 'meeting');
  mkdirSync(place, { recursive: true });
  config.mounts.push({ destination: place, type: 'bind', source: place, options: ['bind', 'rw'] });
  return place;
}

/** A container with one hook of each kind, made by `script`, and a program that writes `program` into the log. */
function withHooks(
  box: Sandbox,
  script: (kind: HookKind, place: string) => string,
  more: Partial<Hook> = {},
): [Container, string] {
  let place = '';
  const container = box.container((config) => {
    place = meetingPlace(box, config);
    config.hooks = Object.fromEntries(kinds.map((kind) => [kind, [shell(script(kind, place), more)]]));
    config.process.args = ['/bin/sh', '-c', `echo program >>${place}/log; exec sleep 300`];
  });
  return [container, place];
}

const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const lines = (path: string) => read(path).split('\n').slice(0, -1);

/** create, start, kill, delete. */
function live(container: Container): void {
  ok(container.create());
  ok(container.start());
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
  ok(container.delete());
}

// runtime.md, Lifecycle 3 to 13
check('the hooks run in the order of the lifecycle, each within its operation', (box) => {
  const [container, place] = withHooks(box, (kind, directory) =>
    kind === 'poststart' ? 'exit 0' : `echo ${kind} >>${directory}/log`,
  );
  const log = join(place, 'log');
  ok(container.create());
  assert.deepEqual(lines(log), ['prestart', 'createRuntime', 'createContainer']);
  ok(container.start());
  waitFor('the program', () => lines(log).includes('program'));
  assert.deepEqual(lines(log).slice(3), ['startContainer', 'program']);
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
  assert.equal(lines(log).length, 5);
  ok(container.delete());
  assert.equal(lines(log)[5], 'poststop');
});

// config.md, Poststart: "after the user-specified process is executed but before the start operation returns"
const early = { knownToFail: { runc: 'poststart hooks run during create (1.1.5)' } };
check('poststart hooks run within start, after the startContainer hooks', early, (box) => {
  const [container, place] = withHooks(box, (kind, directory) => `echo ${kind} >>${directory}/hooks`);
  const log = join(place, 'hooks');
  ok(container.create());
  assert.equal(lines(log).length, 3);
  ok(container.start());
  assert.deepEqual(lines(log).slice(3), ['startContainer', 'poststart']);
});

check('poststart hooks run when the program has been executed', early, (box) => {
  const container = box.container((config) => {
    const script = `pid=$(sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p'); cat /proc/$pid/comm >${box.directory}/comm`;
    config.hooks = { poststart: [shell(script)] };
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create());
  ok(container.start());
  assert.equal(read(join(box.directory, 'comm')), 'sleep\n');
});

check('run calls the hooks in this order, too', early, (box) => {
  const container = box.container((config) => {
    const place = meetingPlace(box, config);
    config.hooks = Object.fromEntries(kinds.map((kind) => [kind, [shell(`echo ${kind} >>${place}/log`)]]));
  });
  ran(container.run());
  assert.deepEqual(lines(join(box.directory, 'meeting/log')), kinds);
});

// config.md: "Hooks MUST be called in the listed order"
check('hooks of one kind run in the listed order', (box) => {
  const container = box.container((config) => {
    const place = meetingPlace(box, config);
    config.hooks = Object.fromEntries(
      kinds.map((kind) => [kind, [1, 2, 3].map((number) => shell(`echo ${number} >>${place}/${kind}`))]),
    );
  });
  ran(container.run());
  for (const kind of kinds) assert.deepEqual(lines(join(box.directory, 'meeting', kind)), ['1', '2', '3'], kind);
});

// config.md: "The state of the container MUST be passed to hooks over stdin"
check('each hook reads the state on its standard input', (box) => {
  const [container, place] = withHooks(box, (kind, directory) => `cat >${directory}/${kind}.json`);
  live(container);
  for (const kind of kinds) {
    const state = JSON.parse(read(join(place, `${kind}.json`))) as Record<string, unknown>;
    assert.equal(state['id'], container.id, kind);
    assert.equal(state['bundle'], container.bundle, kind);
    assert.match(String(state['ociVersion']), /^\d+\.\d+\.\d+/, kind);
  }
});

// runtime.md, State. During create both readings of the specification are in use.
const statuses: [HookKind, string[]][] = [
  ['prestart', ['creating', 'created']],
  ['createRuntime', ['creating', 'created']],
  ['createContainer', ['creating', 'created']],
  ['startContainer', ['created']],
  ['poststart', ['running']],
  ['poststop', ['stopped']],
];
for (const [kind, expected] of statuses) {
  check(
    `the state that ${kind} hooks read has the status ${expected.join(' or ')}`,
    kind === 'poststart' ? early : {},
    (box) => {
      const [container, place] = withHooks(box, (name, directory) => `cat >${directory}/${name}.json`);
      live(container);
      const { status } = JSON.parse(read(join(place, `${kind}.json`))) as { status: string };
      assert.ok(expected.includes(status), status);
    },
  );
}

// runtime.md, State: "the pid as seen by the runtime" or "by the container", after the hook's namespace
for (const kind of kinds.filter((name) => name !== 'poststop')) {
  const side = inRuntime.includes(kind) ? 'runtime' : 'container';
  check(`the pid that ${kind} hooks read is the one that the ${side} sees`, (box) => {
    const [container, place] = withHooks(box, (name, directory) => `cat >${directory}/${name}.json`);
    ok(container.create());
    const host = container.pid();
    ok(container.start());
    const { pid } = JSON.parse(read(join(place, `${kind}.json`))) as { pid: number };
    assert.equal(pid, side === 'runtime' ? host : 1);
  });
}

check(
  'prestart, createRuntime, poststart and poststop hooks run in the namespaces of the runtime, the others in those of the container',
  (box) => {
    const names = ['mnt', 'pid', 'net', 'ipc', 'uts'];
    const [container, place] = withHooks(
      box,
      (kind, directory) => `for n in ${names.join(' ')}; do readlink /proc/self/ns/$n; done >${directory}/${kind}`,
    );
    ok(container.create());
    const of = (pid: number | 'self') => names.map((name) => readlinkSync(`/proc/${pid}/ns/${name}`));
    const inside = of(container.pid());
    ok(container.start());
    ok(container.delete({ flags: ['--force'] }));
    for (const kind of kinds) {
      assert.deepEqual(lines(join(place, kind)), inRuntime.includes(kind) ? of('self') : inside, kind);
    }
  },
);

// config.md, CreateRuntime Hooks: "called after the container namespaces are created", before the pivot
check('prestart and createRuntime hooks find the new namespaces by the pid of the state', (box) => {
  const container = box.container((config) => {
    config.hooks = Object.fromEntries(
      (['prestart', 'createRuntime'] as const).map((kind) => [
        kind,
        [
          shell(
            `pid=$(sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p'); readlink /proc/$pid/ns/net /proc/$pid/ns/mnt >${box.directory}/${kind}`,
          ),
        ],
      ]),
    );
  });
  ok(container.create());
  const pid = container.pid();
  const expected = [readlinkSync(`/proc/${pid}/ns/net`), readlinkSync(`/proc/${pid}/ns/mnt`)];
  for (const kind of ['prestart', 'createRuntime']) assert.deepEqual(lines(join(box.directory, kind)), expected, kind);
});

// config.md, CreateContainer Hooks: before pivot_root, after the mounts
check('a createContainer hook sees the host’s files and the mounts of the container', (box) => {
  const container = box.container((config) => {
    config.hooks = {
      createContainer: [shell(`cat /proc/self/mountinfo >${box.directory}/mountinfo; test -d ${box.directory}`)],
    };
  });
  ok(container.create());
  assert.match(read(join(box.directory, 'mountinfo')), new RegExp(`${container.rootfs}/proc .* - proc`));
});

check('a createContainer hook works in the root of the container', (box) => {
  const container = box.container((config) => {
    config.hooks = { createContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'echo made >./by-the-hook'] }] };
    config.process.args = ['/bin/cat', '/by-the-hook'];
    config.root.readonly = false;
  });
  assert.equal(ok(container.run()).stdout, 'made\n');
});

const lateHooks = { knownToFail: { runc: 'start does not wait for its end (1.1.5)' } };
check('what a startContainer hook prints before it fails is told', lateHooks, (box) => {
  const container = box.container((config) => {
    config.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'echo the reason >&2; exit 3'] }] };
    config.process.args = ['/bin/true'];
  });
  ok(container.create());
  refused(container.start(), /the reason/);
});

check('a startContainer hook without an environment of its own has that of the program', (box) => {
  const container = box.container((config) => {
    config.process.env = ['PATH=/bin', 'A=first', 'A=of the program'];
    config.hooks = { startContainer: [{ path: '/hook-of-the-image' }] };
    config.process.args = ['/bin/cat', '/tmp/seen'];
    config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' });
  });
  writeFileSync(join(container.rootfs, 'hook-of-the-image'), '#!/bin/sh\necho "$A $HOME" >/tmp/seen\n', {
    mode: 0o755,
  });
  assert.equal(ok(container.run()).stdout, 'of the program /root\n');
});

// config.md: the path of startContainer resolves in the container
check('the path of a startContainer hook is looked up in the container', (box) => {
  const container = box.container((config) => {
    const place = meetingPlace(box, config);
    config.hooks = { startContainer: [{ path: '/hook-of-the-image', args: ['hook', place] }] };
  });
  writeFileSync(join(container.rootfs, 'hook-of-the-image'), '#!/bin/sh\nhostname >"$1/name"\n', { mode: 0o755 });
  ran(container.run());
  assert.equal(read(join(box.directory, 'meeting/name')), 'conformance\n');
});

check('a hook is the program at its path, and has its arguments as they are written', (box) => {
  let place = '';
  const container = box.container((config) => {
    place = meetingPlace(box, config);
    const script = (kind: HookKind) =>
      `printf '[%s]' "$0" "$@" >${place}/${kind}; exec 3</proc/self/cmdline; cat <&3 >${place}/${kind}.line; true`;
    // The name that busybox goes by is the last component of the zeroth argument.
    const args = (kind: HookKind) => ['/the/zeroth/sh', '-c', script(kind), 'name', 'two words', '', '*'];
    config.hooks = Object.fromEntries(kinds.map((kind) => [kind, [{ path: '/bin/sh', args: args(kind) }]]));
  });
  ran(container.run());
  for (const kind of kinds) {
    assert.equal(read(join(place, kind)), '[name][two words][][*]', kind);
    assert.equal(read(join(place, `${kind}.line`)).split('\0')[0], '/the/zeroth/sh', kind);
  }
});

check('a hook without args is run', (box) => {
  const path = writeIn(box, 'hook', `#!/bin/sh\necho $# >${box.directory}/ran\n`, 0o755);
  ok(box.container((config) => void Object.assign(config, { hooks: { createRuntime: [{ path }] } })).run());
  assert.equal(read(join(box.directory, 'ran')), '0\n');
});

// What a shell adds by itself.
const ofTheShell = /^(PWD|OLDPWD|SHLVL|_)=/;
const environmentScript = (kind: HookKind, place: string) => `cat /proc/self/environ >${place}/${kind}`;
const environmentOf = (path: string) =>
  read(path)
    .split('\0')
    .filter((entry) => entry !== '' && !ofTheShell.test(entry));

check(
  'the environment of a hook is the one configured for it, neither that of the caller nor of the container',
  (box) => {
    const env = ['PATH=/usr/bin:/bin', 'ONE=1', 'TWO=with = sign'];
    const [container, place] = withHooks(box, environmentScript, { env });
    ok(container.create({ env: { PATH: process.env['PATH'] ?? '', OF_THE_CALLER: 'x' } }));
    ok(container.start({ env: { PATH: process.env['PATH'] ?? '', OF_THE_CALLER: 'x' } }));
    ok(container.delete({ flags: ['--force'] }));
    for (const kind of kinds) assert.deepEqual(environmentOf(join(place, kind)).sort(), [...env].sort(), kind);
  },
);

// CVE-2025-23266: what is in the image's environment must not reach a privileged hook.
const emptyOptions = { knownToFail: { runc: "hooks without env have the caller's (1.1.5)" } };
check('the environment of a hook is empty where none is configured', emptyOptions, (box) => {
  const runtimeHooks = kinds.filter((kind) => kind !== 'startContainer');
  const script = (kind: HookKind, place: string) => `/bin/cat /proc/self/environ >${place}/${kind}`;
  const [container, place] = withHooks(box, script);
  ok(container.create({ env: { LD_PRELOAD: '', OF_THE_CALLER: 'x' } }));
  ok(container.start({ env: { LD_PRELOAD: '', OF_THE_CALLER: 'x' } }));
  ok(container.delete({ flags: ['--force'] }));
  for (const kind of runtimeHooks) {
    assert.ok(existsSync(join(place, kind)), `the ${kind} hook ran`);
    assert.deepEqual(environmentOf(join(place, kind)), [], kind);
  }
});

check('CVE-2025-23266: what the image sets for its program does not reach the hooks of the host', (box) => {
  const [container, place] = withHooks(box, environmentScript, { env: ['PATH=/usr/bin:/bin'] });
  const { process, ...config } = JSON.parse(readFileSync(join(container.bundle, 'config.json'), 'utf8'));
  const names = ['LD_PRELOAD=/evil.so', 'LD_LIBRARY_PATH=/', 'NODE_OPTIONS=--require=/evil.js', 'PATH=.'];
  container.configure(() => ({ ...config, process: { ...process, env: names } }));
  ok(container.create());
  ok(container.delete({ flags: ['--force'] }));
  for (const kind of ['prestart', 'createRuntime', 'createContainer', 'poststop'])
    assert.deepEqual(environmentOf(join(place, kind)), ['PATH=/usr/bin:/bin'], kind);
});

const without = { knownToFail: { runc: "hooks without env have the caller's (1.1.5)" } };
check('CVE-2025-23266: nor those that have no environment of their own', without, (box) => {
  const script = (kind: HookKind, place: string) => `/bin/cat /proc/self/environ >${place}/${kind}`;
  const [container, place] = withHooks(box, script);
  const { process, ...config } = JSON.parse(readFileSync(join(container.bundle, 'config.json'), 'utf8'));
  container.configure(() => ({ ...config, process: { ...process, env: ['LD_PRELOAD=/evil.so', 'PATH=.'] } }));
  ok(container.create());
  ok(container.delete({ flags: ['--force'] }));
  for (const kind of ['prestart', 'createRuntime', 'createContainer', 'poststop'])
    assert.deepEqual(environmentOf(join(place, kind)), [], kind);
});

check('a hook that does not read its standard input does no harm', (box) => {
  const container = box.container((config) => {
    config.annotations = { large: 'x'.repeat(300_000) };
    config.hooks = { createRuntime: [shell('exec <&-; exit 0')], poststop: [shell('exit 0')] };
  });
  ran(container.run());
});

check('the output of a hook does not get into that of the program', (box) => {
  const container = box.container((config) => {
    config.hooks = { createRuntime: [shell('echo noise')], poststart: [shell('echo noise')] };
    config.process.args = ['/bin/echo', 'clean'];
  });
  assert.equal(ok(container.run()).stdout, 'clean\n');
});

// --- failures -------------------------------------------------------------------------------------------------------

// runtime.md, Lifecycle 3 to 5: "generate an error, stop the container, and continue the lifecycle at step 12"
for (const kind of ['prestart', 'createRuntime', 'createContainer'] as const) {
  check(
    `a ${kind} hook that fails makes create fail, with what the hook wrote; later hooks do not run; nothing is left`,
    (box) => {
      const container = box.container((config) => {
        config.hooks = {
          [kind]: [shell('echo the reason of the hook >&2; exit 3'), shell(`touch ${box.directory}/second`)],
          startContainer: [shell('exit 0')],
        };
      });
      const { stderr } = refused(container.create(), /hook/);
      assert.match(stderr, /the reason of the hook/);
      assert.ok(!existsSync(join(box.directory, 'second')));
      refused(container.stateResult(), /exist/);
      box.assertNothingLeft();
    },
  );
}

check('a hook that cannot be executed makes create fail', (box) => {
  const container = box.container((config) => {
    config.hooks = { createRuntime: [{ path: '/no/such/hook' }] };
  });
  refused(container.create(), /\/no\/such\/hook/);
  box.assertNothingLeft();
});

check('a hook that is killed makes create fail', (box) => {
  const container = box.container((config) => {
    config.hooks = { createRuntime: [shell('kill -KILL $$')] };
  });
  refused(container.create(), /hook/);
  box.assertNothingLeft();
});

// runtime.md, Lifecycle 7
const silent = { knownToFail: { runc: 'start succeeds; the error is on stderr of the container (1.1.5)' } };
check('a startContainer hook that fails makes start fail', silent, (box) => {
  const container = box.container((config) => {
    config.hooks = { startContainer: [shell('exit 3')] };
  });
  ok(container.create());
  refused(container.start(), /hook/);
});

check('a startContainer hook that fails keeps the program from being run, and stops the container', (box) => {
  const container = box.container((config) => {
    config.hooks = { startContainer: [shell('exit 3')] };
    config.process.args = ['/bin/echo', 'the program ran'];
  });
  ok(container.create());
  container.start();
  if (container.stateResult().status === 0) {
    container.waitForStatus('stopped');
    ok(container.delete());
  }
  assert.equal(container.stdout(), '');
  box.assertNothingLeft();
});

// The words are runc's (1.2).
for (const kind of ['createRuntime', 'createContainer', 'startContainer'] as const) {
  const options = kind === 'startContainer' ? lateHooks : { knownToFail: { runc: 'the kind is not told (1.1.5)' } };
  const failing = (box: Sandbox, second: Hook) => {
    const container = box.container((config) => {
      config.hooks = { [kind]: [shell('echo of the first >&2'), second] };
      config.process.args = ['/bin/true'];
    });
    const created = container.create();
    if (kind !== 'startContainer') return refused(created).stderr;
    ok(created);
    return refused(container.start()).stderr;
  };

  check(`a ${kind} hook that fails is told with its kind, index, status, and what it alone printed`, options, (box) => {
    const text = failing(box, shell('echo more >&2; echo the reason >&2; exit 3'));
    assert.match(text, new RegExp(`error running ${kind} hook #1: .*exit status 3.*the reason`, 's'));
    assert.doesNotMatch(failing(box, shell('exit 3')), /of the first/);
  });

  check(`a ${kind} hook that a signal ends is told with it`, options, (box) => {
    assert.match(failing(box, shell('kill -KILL $$')), new RegExp(`${kind} hook #1: .*(signal 9|signal: killed)`));
  });

  check(`a ${kind} hook that can't be executed is told with the reason`, options, (box) => {
    const text = failing(box, { path: '/no/such/hook' });
    assert.match(text, new RegExp(`${kind} hook #1: .*/no/such/hook.*no such file or directory`));
  });
}

// runtime.md, Lifecycle 9
check('a poststart hook that fails makes start fail, and stops the container', early, (box) => {
  const container = box.container((config) => {
    config.hooks = { poststart: [shell('exit 3'), shell(`touch ${box.directory}/second`)] };
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create());
  refused(container.start(), /hook/);
  assert.ok(!existsSync(join(box.directory, 'second')));
  if (container.stateResult().status === 0) {
    container.waitForStatus('stopped');
    ok(container.delete());
  }
  box.assertNothingLeft();
});

// runtime.md, Lifecycle 13: "log a warning, but the remaining hooks and lifecycle continue"
const poststopOptions = { knownToFail: { runc: 'the remaining hooks are not run (1.1.5)' } };
check(
  'a poststop hook that fails is a warning; the others run, and the container is deleted',
  poststopOptions,
  (box) => {
    const log = join(box.directory, 'log.txt');
    const container = box.container((config) => {
      config.hooks = { poststop: [shell('exit 3'), { path: '/no/such/hook' }, shell(`touch ${box.directory}/third`)] };
    });
    ok(container.create());
    ok(container.start());
    container.waitForStatus('stopped');
    ok(container.delete({ global: ['--log', log] }));
    assert.ok(existsSync(join(box.directory, 'third')));
    assert.match(read(log), /level=warning.*hook/);
    box.assertNothingLeft();
  },
);

// runtime.md, Lifecycle 3 to 5 and 13: a failed create goes on at step 12, and so to poststop
check('poststop hooks run after a create that a hook made fail', (box) => {
  const container = box.container((config) => {
    config.hooks = { createRuntime: [shell('exit 3')], poststop: [shell(`touch ${box.directory}/poststop`)] };
  });
  refused(container.create(), /hook/);
  assert.ok(existsSync(join(box.directory, 'poststop')));
  box.assertNothingLeft();
});

// --- timeouts -------------------------------------------------------------------------------------------------------

for (const kind of kinds) {
  const options = kind === 'startContainer' ? lateHooks : kind === 'poststart' ? early : {};
  check(`a ${kind} hook that outlives its timeout is ended, and has failed`, options, (box) => {
    const log = join(box.directory, 'log.txt');
    const container = box.container((config) => {
      config.hooks = { [kind]: [shell(`: ${box.token}; exec sleep 25`, { timeout: 1 })] };
    });
    const isOfCreate = kind === 'prestart' || kind === 'createRuntime' || kind === 'createContainer';
    if (!isOfCreate) ok(container.create());
    if (kind === 'poststop') {
      ok(container.start());
      container.waitForStatus('stopped');
    }
    const begin = Date.now();
    if (kind === 'poststop') {
      ok(container.delete({ global: ['--log', log] }));
      assert.match(read(log), /level=(warning|error).*(hook|time)/i);
    } else refused(isOfCreate ? container.create() : container.start(), /hook|time/i);
    assert.ok(Date.now() - begin < 20_000);
    if (kind === 'startContainer') {
      container.waitForStatus('stopped');
      ok(container.delete());
    }
    box.assertNothingLeft();
  });
}

check('a hook that keeps its timeout has not failed', (box) => {
  const container = box.container((config) => {
    config.hooks = { createRuntime: [shell('exit 0', { timeout: 10 })], poststop: [shell('exit 0', { timeout: 10 })] };
  });
  ran(container.run());
});

const groupOptions = {
  knownToFail: { runc: 'only the hook itself is killed, and its children hold create up (1.1.5)' },
};
check('the children of a hook that outlives its timeout are ended, too', groupOptions, (box) => {
  const container = box.container((config) => {
    config.hooks = { createRuntime: [shell(`sleep 20 & echo $! >${box.directory}/child; wait`, { timeout: 1 })] };
  });
  const begin = Date.now();
  refused(container.create(), /hook|time/i);
  assert.ok(Date.now() - begin < 15_000);
  const child = read(join(box.directory, 'child')).trim();
  waitFor(
    'the end of the child',
    () => !existsSync(`/proc/${child}`) || /^State:\s+Z/m.test(read(`/proc/${child}/status`)),
    2000,
  );
});

for (const kind of ['createContainer', 'startContainer'] as const) {
  const options = kind === 'startContainer' ? lateHooks : groupOptions;
  check(
    `the children of a ${kind} hook that outlives its timeout are ended, too, and the time is told`,
    options,
    (box) => {
      // Without a pid namespace: at its end all would end anyway.
      const container = box.container((config) => {
        const place = meetingPlace(box, config);
        withoutNamespace(config, 'pid');
        config.hooks = { [kind]: [shell(`sleep 60 & echo $! >${place}/child; wait`, { timeout: 1 })] };
      });
      const created = container.create();
      if (kind === 'startContainer') ok(created);
      const { stderr } = refused(kind === 'startContainer' ? container.start() : created);
      assert.match(stderr, /timeout of 1/);
      const child = read(join(box.directory, 'meeting/child')).trim();
      assert.match(child, /^\d+$/);
      waitFor(
        'the end of the child',
        () => !existsSync(`/proc/${child}`) || /^State:\s+Z/m.test(read(`/proc/${child}/status`)),
        2000,
      );
    },
  );
}

/** runc 1.1.5 looks them up. */
const lax = (_kind: HookKind): { knownToFail: { runc: string } } => ({ knownToFail: { runc: 'not checked by 1.1.5' } });

// config.md: path "MUST be absolute", timeout "MUST be greater than zero"
for (const kind of kinds)
  check(`a ${kind} hook with a relative path is an error`, lax(kind), (box) => {
    const container = box.container((config) => {
      config.hooks = { [kind]: [{ path: 'bin/true' }] };
    });
    // It is there, wherever the runtime would look for it.
    mkdirSync(join(container.bundle, 'bin'));
    writeFileSync(join(container.bundle, 'bin/true'), '#!/bin/sh\n', { mode: 0o755 });
    refused(container.create({ cwd: container.bundle }), /absolute|bin\/true/);
    box.assertNothingLeft();
  });

check('a timeout that is not greater than zero is an error', (box) => {
  for (const timeout of [0, -1]) {
    const container = box.container((config) => {
      config.hooks = { createRuntime: [shell('exit 0', { timeout })] };
    });
    refused(container.create(), /timeout/);
  }
  box.assertNothingLeft();
});
