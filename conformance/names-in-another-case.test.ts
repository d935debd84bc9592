// Names of properties in another case. The specification's are case-sensitive; runc, whose decoder takes any case, has made configs of the other
// kind work, and whoever takes its place has to.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Config,
  type Container,
  check,
  needsControllers,
  ok,
  readCgroup,
  refused,
  runtimeKind,
  type Sandbox,
  writeIn,
} from './harness/index.ts';

const reads = { knownToFail: { crun: 'its decoder knows the exact names alone' } };

/** Starts it with the names of its config as `change` makes them. */
function started(box: Sandbox, edit: (config: Config) => void, change: (text: string) => string): Container {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
    edit(config);
  });
  const file = join(container.bundle, 'config.json');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  ok(container.create());
  ok(container.start());
  return container;
}

/** What a runtime says while it goes on; runc says nothing. */
function warned(text: string, ...places: readonly string[]): void {
  if (runtimeKind !== 'runt') return;
  for (const place of places) assert.ok(text.includes(place), `${place} in ${text}`);
}

check('a config whose names are in another case is what it means, for exec too', reads, (box) => {
  const container = started(
    box,
    (config) => {
      config.process.env = ['PATH=/bin', 'GREETING=hello'];
      config.process.cwd = '/tmp';
      config.hostname = 'elsewhere';
    },
    (text) => text.replace('"cwd"', '"CWD"').replace('"env"', '"Env"').replace('"hostname"', '"HostName"'),
  );
  warned(container.stderr(), '/process/CWD: it is taken for \\"cwd\\"', '/HostName');
  for (const _ of [1, 2]) {
    const { stdout } = ok(container.exec(['/bin/sh', '-c', 'echo $GREETING; pwd; hostname']));
    assert.equal(stdout, 'hello\n/tmp\nelsewhere\n');
  }
});

check('however often such a config is run, it is what it means, and the warning is there', reads, (box) => {
  const container = box.container((config) => {
    config.process.args = ['/bin/sh', '-c', 'echo $GREETING; pwd'];
    config.process.env = ['PATH=/bin', 'GREETING=hello'];
    config.process.cwd = '/tmp';
  });
  const file = join(container.bundle, 'config.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"cwd"', '"CWD"').replace('"env"', '"Env"'));
  for (const _ of [1, 2, 3, 4]) {
    ok(container.run());
    assert.equal(container.stdout(), 'hello\n/tmp\n');
    warned(container.stderr(), '/process/CWD', '/process/Env');
  }
});

check(
  'limits under names in another case are in force, beside those of the same property under its own name',
  { ...reads, skip: needsControllers('cpu', 'pids') },
  (box) => {
    const container = started(
      box,
      (config) => {
        config.linux.resources = { cpu: { shares: 512 }, pids: { limit: 20 } };
      },
      (text) => text.replace('"cpu"', '"CPU": {"Quota": 50000, "PERIOD": 100000}, "cpu"').replace('"limit"', '"Limit"'),
    );
    const pid = container.pid();
    const isV2 = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
      .split('\n')
      .every((line) => !line.includes(':cpu'));
    const quota = (): string => readCgroup(pid, 'cpu', isV2 ? 'cpu.max' : 'cpu.cfs_quota_us');
    assert.match(quota(), /^50000\b/);
    assert.equal(readCgroup(pid, 'pids', 'pids.max'), '20');
    assert.ok(Number(readCgroup(pid, 'cpu', isV2 ? 'cpu.weight' : 'cpu.shares')) !== (isV2 ? 100 : 1024));
    const input = JSON.stringify({ Pids: { LIMIT: 30 }, Cpu: { Quota: 60_000 } });
    const { stderr } = ok(box.command(['update', '--resources', '-', container.id], { input }));
    warned(stderr, 'standard input: /Pids/LIMIT: it is taken for \\"limit\\"');
    assert.match(quota(), /^60000\b/);
    assert.equal(readCgroup(pid, 'pids', 'pids.max'), '30');
  },
);

check('names of maps, and names that nobody knows, are left alone', (box) => {
  const container = box.container((config) => {
    config.annotations = { 'org.example.Key': '1', TERMINAL: 'yes', Path: '2' };
    config.process.args = ['/bin/true'];
    Object.assign(config, { anything: { Args: ['/nonexistent'] } });
  });
  ok(container.create());
  assert.deepEqual(container.state().annotations, { 'org.example.Key': '1', TERMINAL: 'yes', Path: '2' });
  ok(container.start());
});

const takesLast = { knownToFail: { runc: 'takes the last one', crun: 'knows neither' } };

check('a property under two names, neither its own, is refused: which one counts is not clear', takesLast, (box) => {
  const container = box.container();
  const file = join(container.bundle, 'config.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"args"', '"OomScoreAdj": 1, "OOMSCOREADJ": 2, "args"'));
  refused(container.create(), /config\.json:\d+:\d+: error: \/process\/OOMSCOREADJ: .*already/);
  assert.deepEqual(box.leftovers(), []);
});

check(
  'a property under its own name and another counts as under its own, wherever that stands',
  { knownToFail: { runc: 'takes the last one' } },
  (box) => {
    for (const change of [
      (text: string) => text.replace('"args"', '"Cwd": "/nonexistent", "args"'),
      (text: string) => text.replace('"/tmp"', '"/tmp", "Cwd": "/nonexistent"'),
    ]) {
      const container = started(
        box,
        ({ process }) => {
          process.cwd = '/tmp';
          process.args = ['/bin/sh', '-c', 'pwd; exec sleep 300'];
        },
        change,
      );
      warned(container.stderr(), '/process/Cwd: it is ignored');
      container.waitForOutput(/^\/tmp\n$/);
    }
  },
);

check(
  'the file of --process may have names in another case, however often and after which it is read',
  reads,
  (box) => {
    const container = started(
      box,
      () => undefined,
      (text) => text,
    );
    const exec = (text: string): string => {
      const { stdout, stderr } = ok(container.exec([], { flags: ['--process', writeIn(box, 'process.json', text)] }));
      return `${stdout}${stderr === '' ? '' : 'with a warning'}`;
    };
    const own = '{"cwd":"/","env":["PATH=/bin"],"args":["/bin/echo","one"]}';
    const silent = runtimeKind === 'runt' ? 'with a warning' : '';
    // What an exec has left for the next one is not taken for another file.
    for (const [text, output] of [
      [own, 'one\n'],
      [own.replace('args', 'Args').replace('one', 'two'), `two\n${silent}`],
      [own.replace('one', 'three'), 'three\n'],
      [own.replace('cwd', 'CWD').replace('one', 'four'), `four\n${silent}`],
      [own.replace('one', 'five').replace('"args"', '"Terminal":false,"args"'), `five\n${silent}`],
      [own.replace('one', 'six').replace('}', ',"noNewprivileges":true}'), `six\n${silent}`],
      [own, 'one\n'],
    ] as const) {
      for (const _ of [1, 2]) assert.equal(exec(text), output, text);
    }
  },
);

check(
  'of args and Args in the file of --process the first counts, for every exec',
  { knownToFail: { runc: 'takes the last one' } },
  (box) => {
    const container = started(
      box,
      () => undefined,
      (text) => text,
    );
    const rest = '"cwd":"/","env":["PATH=/bin"]';
    for (const text of [
      `{${rest},"args":["/bin/echo","exact"],"Args":["/bin/echo","other"]}`,
      `{${rest},"Args":["/bin/echo","other"],"args":["/bin/echo","exact"]}`,
    ]) {
      const flags = ['--process', writeIn(box, 'process.json', text)];
      for (const _ of [1, 2, 3]) assert.equal(ok(container.exec([], { flags })).stdout, 'exact\n', text);
    }
  },
);
