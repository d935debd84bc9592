import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allCommands } from './commands.ts';
import { GLOBAL_OPTIONS } from './options.ts';
import { type Outcome, parseCommandLine } from './parse.ts';
import type { OptionSpec, OptionValues } from './table.ts';

/** What was asked for, as plain data: the options that were given, by name. */
function given(values: OptionValues, specs: readonly OptionSpec[]): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const { name, kind } of specs) {
    if (!values.given(name)) continue;
    found[name] =
      kind === 'flag'
        ? values.flag(name)
        : kind === 'count'
          ? values.count(name)
          : kind === 'list'
            ? values.list(name)
            : values.text(name);
  }
  return found;
}

function run(...args: string[]): {
  command: string;
  options: unknown;
  globals: unknown;
  positionals: readonly string[];
} {
  const { globals, outcome } = parseCommandLine(args);
  assert.equal(outcome.kind, 'run', JSON.stringify(outcome));
  const { command, options, positionals } = outcome as Extract<Outcome, { kind: 'run' }>;
  return {
    command: command.name,
    options: given(options, command.options),
    globals: given(globals, GLOBAL_OPTIONS),
    positionals,
  };
}

function refused(...args: string[]): { status: number; message: string; hint: string | undefined } {
  const { outcome } = parseCommandLine(args);
  assert.equal(outcome.kind, 'refused', JSON.stringify(args));
  const { problem, status } = outcome as Extract<Outcome, { kind: 'refused' }>;
  assert.equal(problem.code, 'usage');
  return { status, message: problem.message, hint: problem.hint };
}

describe('the lines that container engines use', () => {
  test('containerd: create', () => {
    const line =
      '--root /run/containerd/runc/default --log /run/x/log.json --log-format json --systemd-cgroup create --bundle /run/x --pid-file /run/x/init.pid --console-socket /tmp/pty.sock web';
    assert.deepEqual(run(...line.split(' ')), {
      command: 'create',
      options: { bundle: '/run/x', 'pid-file': '/run/x/init.pid', 'console-socket': '/tmp/pty.sock' },
      globals: {
        root: '/run/containerd/runc/default',
        log: '/run/x/log.json',
        'log-format': 'json',
        'systemd-cgroup': true,
      },
      positionals: ['web'],
    });
  });
  test('conmon: create with the equals sign', () => {
    const line = '--log-format=json --log /x/oci-log create --bundle /x --pid-file /x/pidfile 0123abc';
    assert.deepEqual(run(...line.split(' ')), {
      command: 'create',
      options: { bundle: '/x', 'pid-file': '/x/pidfile' },
      globals: { log: '/x/oci-log', 'log-format': 'json' },
      positionals: ['0123abc'],
    });
  });
  test('kill with and without --all, delete --force, debug', () => {
    assert.deepEqual(run('kill', '--all', 'web', '9').positionals, ['web', '9']);
    assert.deepEqual(run('kill', 'web', '15').options, {});
    assert.deepEqual(run('--debug', 'delete', '--force', 'web').options, { force: true });
  });
});

describe('forms of an option', () => {
  for (const form of [
    ['--bundle', '/b'],
    ['--bundle=/b'],
    ['-b', '/b'],
    ['-b=/b'],
    ['-bundle', '/b'],
    ['-bundle=/b'],
    ['--b', '/b'],
  ]) {
    test(`${form.join(' ')} is the bundle`, () => {
      assert.deepEqual(run('create', ...form, 'web').options, { bundle: '/b' });
      assert.deepEqual(run('create', 'web', ...form).options, { bundle: '/b' });
    });
  }
  test('a value may be empty, begin with a dash, or hold an equals sign', () => {
    assert.deepEqual(run('create', '--bundle=', 'web').options, { bundle: '' });
    assert.deepEqual(run('create', '--bundle', '-x', 'web').options, { bundle: '-x' });
    assert.deepEqual(run('create', '--bundle=a=b', 'web').options, { bundle: 'a=b' });
  });
  test('the last of two wins', () => {
    assert.deepEqual(run('create', '-b', 'one', '--bundle', 'two', 'web').options, { bundle: 'two' });
  });
  test('a flag takes a value only after the equals sign, in the words that Go knows', () => {
    for (const word of ['1', 't', 'T', 'true', 'TRUE', 'True'])
      assert.deepEqual(run('delete', `--force=${word}`, 'x').options, { force: true });
    for (const word of ['0', 'f', 'F', 'false', 'FALSE', 'False'])
      assert.deepEqual(run('delete', `-f=${word}`, 'x').options, { force: false });
    assert.deepEqual(run('delete', '--force', 'false').positionals, ['false']);
    assert.match(refused('delete', '--force=yes', 'x').message, /^--force is true or false, not "yes"$/);
  });
  test('--no-pivot is a flag of its own, not a negation', () => {
    assert.deepEqual(run('create', '--no-pivot', 'x').options, { 'no-pivot': true });
    refused('create', '--pivot', 'x');
  });
  test('a count is a whole number from 0, in any base that Go reads', () => {
    assert.deepEqual(run('run', '--preserve-fds', '3', 'x').options, { 'preserve-fds': 3 });
    assert.deepEqual(run('run', '--preserve-fds=0x10', 'x').options, { 'preserve-fds': 16 });
    for (const text of ['-1', 'three', '', '1.5', '1e3', '99999999999999999999']) {
      assert.match(refused('run', '--preserve-fds', text, 'x').message, /--preserve-fds is a whole number from 0/);
    }
  });
  test('a choice is one of its words', () => {
    assert.deepEqual(run('list', '-f', 'json').options, { format: 'json' });
    assert.deepEqual(refused('list', '--format', 'jsn'), {
      status: 1,
      message: '--format is one of table, json, not "jsn"',
      hint: 'did you mean json?',
    });
    refused('list', '-f', '');
  });
  test('an empty --log-format is the default, as with runc', () => {
    assert.deepEqual(run('--log-format', '', 'list').globals, { 'log-format': 'text' });
  });
  test('a value that is missing is a mistake', () => {
    assert.equal(refused('create', 'web', '-b').message, '-b of runt create needs a value');
    assert.equal(refused('--root').message, '--root of runt needs a value');
  });
  test('short options are not combined', () => {
    assert.deepEqual(refused('list', '-qf', 'json').hint, 'short options are given one by one: -q -f');
  });
});

describe('where options stand', () => {
  test('global options stand before or after the command', () => {
    assert.deepEqual(run('--root', '/r', 'state', 'x').globals, { root: '/r' });
    assert.deepEqual(run('state', '--root', '/r', 'x').globals, { root: '/r' });
    assert.deepEqual(run('state', 'x', '--root=/r', '--debug').globals, { root: '/r', debug: true });
  });
  test('an option of the command goes before a global one of the same name', () => {
    assert.deepEqual(run('spec', '--rootless').options, { rootless: true });
    assert.deepEqual(run('--rootless', 'false', 'spec', '--rootless'), {
      command: 'spec',
      options: { rootless: true },
      globals: { rootless: 'false' },
      positionals: [],
    });
  });
  test('an option of one command is unknown to another', () => {
    assert.match(refused('start', '--force', 'x').message, /^unknown option --force of runt start$/);
    refused('--bundle', '/b', 'create', 'x');
  });
  test('-- ends the options', () => {
    assert.deepEqual(run('state', '--', '--root').positionals, ['--root']);
    assert.deepEqual(run('kill', '--all', '--', 'x', '-9').positionals, ['x', '-9']);
    assert.deepEqual(run('--', 'list', '-q').options, { quiet: true });
  });
  test('a dash alone is an argument', () => {
    assert.deepEqual(run('validate', '-').positionals, ['-']);
    assert.deepEqual(run('state', '-').positionals, ['-']);
  });
});

describe('arguments', () => {
  for (const name of ['create', 'start', 'run', 'state', 'delete']) {
    test(`${name} takes one container id`, () => {
      assert.deepEqual(run(name, 'web').positionals, ['web']);
      assert.match(refused(name).message, new RegExp(`^runt ${name} takes 1 argument \\(<container-id>\\), not 0$`));
      assert.equal(refused(name, 'one', 'two').status, 1);
    });
  }
  test('an empty id is an argument: whether it is an id is not for the parser to say', () => {
    assert.deepEqual(run('state', '').positionals, ['']);
  });
  test('kill takes an id and at most a signal', () => {
    assert.match(refused('kill').message, /takes at least 1 argument /);
    assert.match(refused('kill', 'a', '9', 'b').message, /takes at most 2 arguments /);
  });
  for (const name of ['list', 'spec', 'features', 'plan']) {
    test(`${name} takes no arguments`, () => {
      assert.deepEqual(run(name).positionals, []);
      assert.match(refused(name, 'x').message, /takes 0 arguments, not 1/);
    });
  }
});

describe('help, version and what does not exist', () => {
  test('no arguments, --help and -h ask for help', () => {
    for (const args of [[], ['--help'], ['-h'], ['-help']]) assert.equal(parseCommandLine(args).outcome.kind, 'help');
  });
  test('--help anywhere asks for the help of the command, whatever else is missing', () => {
    for (const args of [
      ['state', '--help'],
      ['--help', 'state'],
      ['state', 'a', 'b', '-h'],
    ]) {
      const { outcome } = parseCommandLine(args);
      assert.equal(outcome.kind === 'help' && outcome.command?.name, 'state', args.join(' '));
    }
  });
  test('--help=false asks for none', () => {
    assert.equal(run('--help=false', 'list').command, 'list');
  });
  test('--version and -v ask for the version', () => {
    for (const args of [['--version'], ['-v'], ['-version'], ['--version', 'list']]) {
      assert.equal(parseCommandLine(args).outcome.kind, 'version', args.join(' '));
    }
  });
  test('an unknown command is refused with status 3 and a suggestion', () => {
    assert.deepEqual(refused('crate', 'x'), {
      status: 3,
      message: 'runt has no command "crate"',
      hint: 'did you mean create?',
    });
    assert.equal(refused('-', 'list').status, 3);
    assert.equal(refused('--debug', 'false', 'list').status, 3);
  });
  test('an unknown option is refused with status 1 and a suggestion', () => {
    assert.deepEqual(refused('create', '--bundel', '/b', 'x'), {
      status: 1,
      message: 'unknown option --bundel of runt create',
      hint: 'did you mean --bundle?',
    });
    assert.equal(refused('--bogus').message, 'unknown option --bogus of runt');
    assert.equal(refused('state', '-z', 'x').message, 'unknown option -z of runt state');
  });
  test('the log options before a mistake are kept, so that the log is told', () => {
    const { globals } = parseCommandLine(['--log', '/l', '--log-format', 'json', 'state', '--bogus']);
    assert.equal(globals.text('log'), '/l');
    assert.equal(globals.text('log-format'), 'json');
  });
  test('what follows the container of an exec is the command, options and all', () => {
    assert.deepEqual(run('exec', '-e', 'A=1', '--env=B=2', '-t', 'web', 'sh', '-c', 'x', '--debug', '--', '-e'), {
      command: 'exec',
      options: { env: ['A=1', 'B=2'], tty: true },
      globals: {},
      positionals: ['web', 'sh', '-c', 'x', '--debug', '--', '-e'],
    });
    assert.deepEqual(run('exec', 'web', '--', 'ls').positionals, ['web', 'ls']);
    assert.deepEqual(run('exec', '--process', '/p.json', 'web').positionals, ['web']);
    assert.match(refused('exec', '--env', 'A=1').message, /takes at least 1/);
  });
  test('commands of a later version are known, with whatever arguments', () => {
    for (const name of ['checkpoint', 'restore']) {
      assert.equal(run(name, '--process', 'x', '-t', 'id').command, name);
    }
  });
});

describe('the rest of a command line', () => {
  test('what follows the id of ps is not looked at: it belongs to ps(1)', () => {
    assert.deepEqual(run('ps', '--format', 'json', 'web', '-e', '--format', 'x', '--debug', '--'), {
      command: 'ps',
      options: { format: 'json' },
      globals: {},
      positionals: ['web', '-e', '--format', 'x', '--debug', '--'],
    });
  });
  test('before it an id is needed all the same', () => {
    assert.match(
      refused('ps', '--format', 'json').message,
      /^runt ps takes at least 1 argument \(<container-id>\), not 0$/,
    );
  });
});

describe('the table', () => {
  test('no command has two options or letters that are the same', () => {
    for (const command of [{ name: 'runt', options: GLOBAL_OPTIONS }, ...allCommands()]) {
      const names = command.options.flatMap(({ name, short }) => (short === undefined ? [name] : [name, short]));
      assert.equal(new Set(names).size, names.length, command.name);
    }
  });
  test('no two commands have the same name', () => {
    assert.equal(new Set(allCommands().map(({ name }) => name)).size, allCommands().length);
  });
  test('a choice has choices and a default among them; a text has a placeholder', () => {
    for (const option of [GLOBAL_OPTIONS, ...allCommands().map(({ options }) => options)].flat()) {
      if (option.kind === 'choice') assert.ok(option.choices?.includes(option.default ?? ''), option.name);
      if (option.kind === 'text') assert.ok(option.placeholder, option.name);
    }
  });
  test('help sentences are sentences of one kind: lower case, no full stop', () => {
    const options = [GLOBAL_OPTIONS, ...allCommands().map((command) => command.options)].flat();
    for (const text of [...allCommands().map(({ summary }) => summary), ...options.map(({ help }) => help)]) {
      assert.match(text, /^[a-z].*[^.]$/);
    }
  });
  test('asking for an option that is not in the table is a defect that shows', () => {
    const { globals } = parseCommandLine(['list']);
    assert.throws(() => globals.flag('frce'), /no flag option frce/);
    assert.throws(() => globals.text('debug'), /no text or choice option debug/);
  });
});
