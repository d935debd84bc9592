// The command line as runc has it, which container engines call: options, output, exit statuses, errors, the log.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, ok, ran, refused, type Sandbox, withoutNamespace } from './harness/index.ts';

const lasting = (box: Sandbox) =>
  box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
  });

const shellContainer = (box: Sandbox, script: string) =>
  box.container((config) => {
    config.process.args = ['/bin/sh', '-c', script];
  });

// --- global options -------------------------------------------------------------------------------------------------

check('--version prints the name with its version and the version of the specification', (box) => {
  for (const flag of ['--version', '-v']) {
    const { stdout } = ok(box.command([flag], {}));
    assert.match(stdout, /^\S+ version \d+\.\d+\.\d+/);
    assert.match(stdout, /^spec: \d+\.\d+\.\d+/m);
  }
});

check('--help lists the commands and the global options', (box) => {
  for (const flag of ['--help', '-h']) {
    const { stdout } = ok(box.command([flag], {}));
    for (const word of [
      'create',
      'start',
      'state',
      'kill',
      'delete',
      'run',
      'list',
      'spec',
      '--root',
      '--log',
      '--debug',
    ]) {
      assert.ok(stdout.includes(word), `${flag} names ${word}`);
    }
  }
});

check('each command has its own --help', (box) => {
  for (const command of ['create', 'start', 'state', 'kill', 'delete', 'run', 'list', 'spec', 'features']) {
    const { stdout } = ok(box.command([command, '--help'], {}));
    assert.ok(stdout.includes(command));
  }
});

check('--root is where the state is kept; containers of another --root are not seen', (box) => {
  const container = lasting(box);
  ok(container.create());
  assert.ok(readdirSync(box.root).includes(container.id));
  const other = join(box.directory, 'other-state');
  mkdirSync(other);
  refused(box.command(['state', container.id], { global: ['--root', other] }), /exist/);
  assert.deepEqual(
    JSON.parse(ok(box.command(['list', '--format', 'json'], { global: ['--root', other] })).stdout) ?? [],
    [],
  );
});

check('--root is made where it does not exist', (box) => {
  const root = join(box.directory, 'deep/er/state');
  const container = lasting(box);
  ok(container.create({ global: ['--root', root] }));
  assert.ok(existsSync(join(root, container.id)));
  ok(box.command(['delete', '--force', container.id], { global: ['--root', root] }));
});

check('an error is on stderr and, as text, in the file given by --log', (box) => {
  const log = join(box.directory, 'log.txt');
  const result = refused(box.command(['state', 'no-such-container'], { global: ['--log', log] }), /exist/);
  assert.equal(result.stdout, '');
  assert.match(readFileSync(log, 'utf8'), /level=error msg="?.*exist/);
});

// containerd and conmon read these lines.
check('--log-format json writes lines with level, msg and time', (box) => {
  const log = join(box.directory, 'log.json');
  refused(box.command(['state', 'no-such-container'], { global: ['--log', log, '--log-format', 'json'] }), /exist/);
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  const entries = lines.map((line) => JSON.parse(line) as Record<string, string>);
  for (const entry of entries) {
    assert.equal(typeof entry['msg'], 'string');
    assert.ok(Math.abs(Date.parse(entry['time'] ?? '') - Date.now()) < 3_600_000, entry['time']);
  }
  const errors = entries.filter((entry) => entry['level'] === 'error');
  assert.equal(errors.length, 1);
  assert.match(errors[0]?.['msg'] ?? '', /exist/);
});

check('--log-format json without --log writes JSON on stderr', (box) => {
  const { stderr } = refused(box.command(['state', 'no-such-container'], { global: ['--log-format', 'json'] }));
  assert.ok(
    stderr
      .trim()
      .split('\n')
      .some((line) => line.startsWith('{') && (JSON.parse(line) as { level: string }).level === 'error'),
  );
});

check('--log appends to a file that is there', (box) => {
  const log = join(box.directory, 'log.txt');
  writeFileSync(log, 'an earlier line\n');
  refused(box.command(['state', 'no-such-container'], { global: ['--log', log] }));
  assert.match(readFileSync(log, 'utf8'), /^an earlier line\n(.|\n)*exist/);
});

check('an unknown --log-format is an error', (box) => {
  refused(box.command(['list'], { global: ['--log-format', 'xml'] }), /xml|log-format/);
});

check('--debug adds lines to the log and changes nothing else', (box) => {
  const log = join(box.directory, 'log.json');
  const container = shellContainer(box, 'echo hello');
  const result = ok(container.run({ global: ['--debug', '--log', log, '--log-format', 'json'] }));
  assert.equal(result.stdout, 'hello\n');
  const levels = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { level: string }).level);
  assert.ok(levels.includes('debug'));
  assert.ok(!levels.includes('error'));
});

check('a command that succeeds writes nothing to the log', (box) => {
  const log = join(box.directory, 'log.txt');
  const result = ran(box.container().run({ global: ['--log', log] }));
  assert.equal(result.stderr, '');
  assert.equal(existsSync(log) ? readFileSync(log, 'utf8') : '', '');
});

// --- usage errors ---------------------------------------------------------------------------------------------------

check('an unknown command is an error', (box) => {
  refused(box.command(['frobnicate'], {}), /frobnicate/);
});

check('an unknown option is an error, global or of a command', (box) => {
  const container = lasting(box);
  refused(box.command(['list'], { global: ['--frobnicate'] }), /frobnicate/);
  for (const command of ['create', 'start', 'state', 'kill', 'delete', 'run']) {
    refused(box.command([command, '--frobnicate', container.id], { cwd: container.bundle }), /frobnicate/);
  }
  assert.deepEqual(box.leftovers(), []);
});

check('too many arguments are an error', (box) => {
  const container = lasting(box);
  ok(container.create());
  for (const command of ['start', 'state']) refused(box.command([command, container.id, 'surplus'], {}));
  refused(box.command(['create', '--bundle', container.bundle, `${box.token}-other`, 'surplus'], {}));
  assert.equal(container.state().status, 'created');
});

check('an option that lacks its value is an error', (box) => {
  refused(box.command(['create', 'some-id', '--bundle'], {}));
  assert.deepEqual(box.leftovers(), []);
});

// --- ids ------------------------------------------------------------------------------------------------------------

const hostileIds: [string, string][] = [
  ['an empty id', ''],
  ['the id .', '.'],
  ['the id ..', '..'],
  ['an id with a slash', 'a/b'],
  ['an id that leads out of the state directory', '../x'],
  ['an absolute path as id', '/tmp/x'],
  ['an id with a newline', 'a\nb'],
  ['an id with a blank', 'a b'],
  ['an id that is not ASCII', 'é'],
  ['an id of 1,025 characters', 'a'.repeat(1025)],
];

for (const [what, id] of hostileIds) {
  check(`${what} is refused, and nothing is made`, (box) => {
    const { bundle } = lasting(box);
    const before = readdirSync(box.directory).filter((name) => !name.startsWith('command-'));
    refused(box.command(['create', '--bundle', bundle, id], {}));
    refused(box.command(['run', '--bundle', bundle, id], {}));
    for (const command of ['start', 'state', 'kill']) refused(box.command([command, id], {}));
    refused(box.command(['delete', id], {}));
    assert.deepEqual(readdirSync(box.root), []);
    assert.deepEqual(
      readdirSync(box.directory).filter((name) => !name.startsWith('command-')),
      before,
    );
  });
}

check('delete --force with a hostile id removes nothing', (box) => {
  const precious = join(box.directory, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'state.json'), '{}');
  const container = lasting(box);
  ok(container.create());
  for (const id of ['../precious', '..', '.', '']) box.command(['delete', '--force', id], {});
  assert.equal(container.state().status, 'created');
  assert.deepEqual(readdirSync(precious), ['state.json']);
  assert.ok(existsSync(box.root));
});

check('letters, digits and _ + - . make an id', (box) => {
  const container = lasting(box);
  const id = `${box.token}_A+b-c.9`;
  ok(box.command(['create', '--bundle', container.bundle, id], {}));
  assert.ok(ok(box.command(['list', '--quiet'], {})).stdout.includes(id));
  ok(box.command(['delete', '--force', id], {}));
});

check('options are understood after the id, too', (box) => {
  const container = lasting(box);
  ok(box.command(['create', container.id, '--bundle', container.bundle], {}, `${container.bundle}/output`));
  ok(box.command(['delete', container.id, '--force'], {}));
  refused(container.stateResult(), /exist/);
});

check('--bundle=DIR, -b DIR and --bundle DIR are the same', (box) => {
  for (const flags of [['-b'], ['--bundle'], ['--bundle=']]) {
    const container = shellContainer(box, 'echo hello');
    const argument = flags[0]?.endsWith('=') ? [`${flags[0]}${container.bundle}`] : [...flags, container.bundle];
    assert.equal(ok(box.command(['run', ...argument, container.id], {})).stdout, 'hello\n');
  }
});

// --- create, run ----------------------------------------------------------------------------------------------------

check('--pid-file holds the pid of the init, and nothing else', (box) => {
  const container = lasting(box);
  const file = join(box.directory, 'pid');
  ok(container.create({ flags: ['--pid-file', file] }));
  assert.equal(readFileSync(file, 'utf8'), String(container.pid()));
});

check('--pid-file is relative to the working directory of the caller', (box) => {
  const container = lasting(box);
  ok(container.create({ flags: ['--pid-file', 'pid'], cwd: box.directory }));
  assert.equal(readFileSync(join(box.directory, 'pid'), 'utf8'), String(container.pid()));
});

check('a --pid-file that cannot be written is an error, and nothing is left', (box) => {
  const container = lasting(box);
  refused(container.create({ flags: ['--pid-file', join(box.directory, 'no/such/directory/pid')] }), /no such file/i);
  box.assertNothingLeft();
});

check('run --detach returns with the container running and its pid in the file', (box) => {
  const container = lasting(box);
  const file = join(box.directory, 'pid');
  ok(container.run({ flags: ['--detach', '--pid-file', file] }));
  assert.equal(container.state().status, 'running');
  assert.equal(readFileSync(file, 'utf8'), String(container.pid()));
});

check('run exits with the status of the program', (box) => {
  assert.equal(shellContainer(box, 'exit 0').run().status, 0);
  assert.equal(shellContainer(box, 'exit 7').run().status, 7);
  assert.equal(shellContainer(box, 'exit 255').run().status, 255);
});

check('run exits with 128 + the number of the signal that ended the program', (box) => {
  const container = box.container((config) => {
    // Signals from inside reach the first process of a pid namespace only where it has a handler.
    withoutNamespace(config, 'pid');
    config.process.args = ['/bin/sh', '-c', 'kill -TERM $$; sleep 300'];
  });
  const result = container.run();
  assert.equal(result.status, 128 + 15, result.stderr);
  box.assertNothingLeft();
});

check('run --keep leaves the stopped container', (box) => {
  const container = shellContainer(box, 'exit 3');
  const result = container.run({ flags: ['--keep'] });
  assert.equal(result.status, 3);
  assert.equal(container.state().status, 'stopped');
  ok(container.delete());
});

// --- kill -----------------------------------------------------------------------------------------------------------

const catching =
  'for s in HUP USR1 USR2 TERM INT WINCH CONT; do trap "echo got $s" $s; done; echo ready; while :; do sleep 0.02; done';

check('kill takes a name, SIGname, number, and lower case; TERM where none is given', (box) => {
  const container = shellContainer(box, catching);
  ok(container.create());
  ok(container.start());
  container.waitForOutput(/ready/);
  const spellings: [string | undefined, string][] = [
    ['HUP', 'HUP'],
    ['SIGUSR1', 'USR1'],
    ['12', 'USR2'],
    ['winch', 'WINCH'],
    ['sigint', 'INT'],
    [undefined, 'TERM'],
  ];
  for (const [spelling, name] of spellings) {
    ok(container.kill(spelling));
    container.waitForOutput(new RegExp(`got ${name}\n`));
  }
});

check('kill refuses an unknown signal', (box) => {
  const container = lasting(box);
  ok(container.create());
  ok(container.start());
  for (const signal of ['FROB', 'SIGFROB', '-1', '65', '999', '1x']) refused(container.kill(signal));
  assert.equal(container.state().status, 'running');
});

check('kill --all signals every process of the container', (box) => {
  const container = shellContainer(
    box,
    'for n in 1 2 3; do (trap "echo child $n got USR1" USR1; echo ready $n; while :; do sleep 0.02; done) & done; trap "" USR1; while :; do wait; sleep 0.02; done',
  );
  ok(container.create());
  ok(container.start());
  for (const number of [1, 2, 3]) container.waitForOutput(new RegExp(`ready ${number}`));
  ok(container.kill('USR1', { flags: ['--all'] }));
  for (const number of [1, 2, 3]) container.waitForOutput(new RegExp(`child ${number} got USR1`));
});

// --- list -----------------------------------------------------------------------------------------------------------

check('list prints a table with a line for each container', (box) => {
  const one = lasting(box);
  const two = lasting(box);
  ok(one.create());
  ok(two.create());
  ok(two.start());
  const lines = ok(box.command(['list'], {}))
    .stdout.trimEnd()
    .split('\n');
  assert.match(lines[0] ?? '', /^ID +PID +STATUS +BUNDLE +CREATED +OWNER/);
  assert.equal(lines.length, 3);
  for (const [container, status] of [
    [one, 'created'],
    [two, 'running'],
  ] as const) {
    const line = lines.find((candidate) => candidate.startsWith(`${container.id} `))?.split(/ +/);
    assert.deepEqual(line?.slice(1, 4), [String(container.pid()), status, container.bundle]);
    assert.ok(Math.abs(Date.parse(line?.[4] ?? '') - Date.now()) < 3_600_000);
  }
});

check('list of nothing prints the header only', (box) => {
  assert.match(ok(box.command(['list'], {})).stdout, /^ID .*\n$/);
});

const listsNothing = { knownToFail: { runc: '1.1.5 takes it for empty' } };
check('list of a --root that does not exist fails: it is misspelt', listsNothing, (box) => {
  refused(box.command(['list'], { global: ['--root', join(box.directory, 'misspelt')] }), /misspelt/);
});

check('list --format json prints an array with the state of each container', (box) => {
  const container = box.container((config) => {
    config.annotations = { key: 'value' };
  });
  ok(container.create());
  for (const flags of [
    ['--format', 'json'],
    ['-f', 'json'],
  ]) {
    const list = JSON.parse(ok(box.command(['list', ...flags], {})).stdout) as Record<string, unknown>[];
    assert.equal(list.length, 1);
    const entry = list[0] ?? {};
    assert.equal(entry['id'], container.id);
    assert.equal(entry['pid'], container.pid());
    assert.equal(entry['status'], 'created');
    assert.equal(entry['bundle'], container.bundle);
    assert.equal(entry['rootfs'], container.rootfs);
    assert.ok(Math.abs(Date.parse(String(entry['created'])) - Date.now()) < 3_600_000);
    assert.deepEqual(entry['annotations'], { key: 'value' });
    assert.equal(entry['owner'], 'root');
  }
});

check('list --quiet prints the ids only', (box) => {
  const one = lasting(box);
  const two = lasting(box);
  ok(one.create());
  ok(two.create());
  for (const flag of ['--quiet', '-q']) {
    assert.deepEqual(
      ok(box.command(['list', flag], {}))
        .stdout.trim()
        .split('\n')
        .sort(),
      [one.id, two.id].sort(),
    );
  }
});

check('list shows a stopped container with pid 0', (box) => {
  const container = shellContainer(box, 'true');
  ok(container.create());
  ok(container.start());
  container.waitForStatus('stopped');
  const list = JSON.parse(ok(box.command(['list', '--format', 'json'], {})).stdout) as {
    pid: number;
    status: string;
  }[];
  assert.deepEqual([list[0]?.status, list[0]?.pid], ['stopped', 0]);
});

check('list refuses an unknown format', (box) => {
  refused(box.command(['list', '--format', 'yaml'], {}), /yaml|format/);
});

// --- spec, features -------------------------------------------------------------------------------------------------

check('spec writes a config.json that runs', (box) => {
  const container = box.container();
  const file = join(container.bundle, 'config.json');
  writeFileSync(join(box.directory, 'marker'), '');
  refused(box.command(['spec'], { cwd: container.bundle }), /exist/);
  const place = join(box.directory, 'place');
  mkdirSync(place);
  ok(box.command(['spec'], { cwd: place }));
  const config = JSON.parse(readFileSync(join(place, 'config.json'), 'utf8')) as {
    process: { terminal: boolean; args: string[] };
    root: { path: string; readonly: boolean };
    linux: { namespaces: { type: string }[] };
  };
  assert.deepEqual(config.root, { path: 'rootfs', readonly: true });
  assert.equal(config.process.terminal, true);
  assert.deepEqual(config.process.args, ['sh']);
  const types = config.linux.namespaces.map((namespace) => namespace.type);
  for (const type of ['pid', 'network', 'ipc', 'uts', 'mount']) assert.ok(types.includes(type), type);
  config.process.terminal = false;
  config.process.args = ['sh', '-c', 'echo $$'];
  writeFileSync(file, JSON.stringify(config));
  assert.equal(ok(container.run()).stdout, '1\n');
});

check('spec does not overwrite a config.json', (box) => {
  const file = join(box.directory, 'config.json');
  writeFileSync(file, 'mine');
  refused(box.command(['spec'], { cwd: box.directory }), /exist/);
  refused(box.command(['spec', '--bundle', box.directory], {}), /exist/);
  assert.equal(readFileSync(file, 'utf8'), 'mine');
});

check('spec --bundle writes into that directory', (box) => {
  const place = join(box.directory, 'place');
  mkdirSync(place);
  ok(box.command(['spec', '--bundle', place], {}));
  assert.deepEqual(readdirSync(place), ['config.json']);
  refused(box.command(['spec', '--bundle', join(box.directory, 'missing')], {}));
});

check('spec --rootless writes a config with a user namespace and its mappings', (box) => {
  ok(box.command(['spec', '--rootless'], { cwd: box.directory }));
  const { linux } = JSON.parse(readFileSync(join(box.directory, 'config.json'), 'utf8')) as {
    linux: { namespaces: { type: string }[]; uidMappings: object[]; gidMappings: object[]; resources?: object };
  };
  const types = linux.namespaces.map((namespace) => namespace.type);
  assert.ok(types.includes('user'));
  assert.ok(!types.includes('network'));
  assert.equal(linux.uidMappings.length, 1);
  assert.equal(linux.gidMappings.length, 1);
  assert.equal(linux.resources, undefined);
});

// features.md of the specification
check('features prints what the runtime can do, as JSON', (box) => {
  const features = JSON.parse(ok(box.command(['features'], {})).stdout) as {
    ociVersionMin: string;
    ociVersionMax: string;
    hooks: string[];
    mountOptions: string[];
    linux: { namespaces: string[]; capabilities: string[] };
  };
  assert.match(features.ociVersionMin, /^1\.0\.0/);
  assert.match(features.ociVersionMax, /^1\.\d+\.\d+/);
  for (const hook of ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop']) {
    assert.ok(features.hooks.includes(hook), hook);
  }
  for (const option of ['ro', 'rbind', 'nosuid', 'rro', 'rslave'])
    assert.ok(features.mountOptions.includes(option), option);
  for (const type of ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup']) {
    assert.ok(features.linux.namespaces.includes(type), type);
  }
  assert.ok(features.linux.capabilities.includes('CAP_SYS_ADMIN'));
});
