// What a command loads: nothing that it does not need (strace).

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, isV2, ok, withoutNamespace } from '../conformance/harness/index.ts';
import { lasting, needsExecutable, needsNode, needsStrace, openedPaths, repository, straced } from './support.ts';

const FILTER = 'trace=open,openat,openat2,execve';
const opens = (lines: readonly string[], pattern: RegExp): number =>
  openedPaths(lines).filter(({ path, opened }) => opened && pattern.test(path)).length;

check(
  'list, state, start and the delete of a stopped container load no koffi; create loads it once',
  { skip: needsExecutable || needsStrace },
  (box) => {
    const container = box.container();
    // Traced without the container itself: strace would wait for it.
    const koffi = (run: (prelude: string) => void): number => {
      const trace = straced(box, FILTER);
      run(trace.prelude.replace('strace -f ', 'strace '));
      return opens(trace.lines(), /\/koffi\.node$/);
    };
    assert.equal(
      koffi((prelude) => ok(container.create({ prelude }))),
      1,
      'create',
    );
    assert.equal(
      koffi((prelude) => ok(container.stateResult({ prelude }))),
      0,
      'state',
    );
    assert.equal(
      koffi((prelude) => ok(box.command(['list'], { prelude }))),
      0,
      'list',
    );
    assert.equal(
      koffi((prelude) => ok(container.start({ prelude }))),
      0,
      'start',
    );
    container.waitForStatus('stopped');
    assert.equal(
      koffi((prelude) => ok(container.delete({ prelude }))),
      0,
      'delete',
    );
  },
);

check(
  'start and the delete of a stopped container ask no v1 freezer, and create asks it once, before there is an init',
  { skip: needsStrace || (isV2 && 'is about cgroup v1') },
  (box) => {
    const container = box.container();
    const asked = (run: (prelude: string) => void): number => {
      const trace = straced(box, FILTER);
      run(trace.prelude);
      return opens(trace.lines(), /freezer\.(state|self_freezing)$/);
    };
    assert.equal(
      asked((prelude) => ok(container.create({ prelude: prelude.replace('strace -f ', 'strace ') }))),
      1,
      'create',
    );
    assert.equal(
      asked((prelude) => ok(container.start({ prelude }))),
      0,
      'start',
    );
    container.waitForStatus('stopped');
    assert.equal(
      asked((prelude) => ok(container.delete({ prelude }))),
      0,
      'delete',
    );
    // It is seen where it is asked.
    const other = lasting(box);
    ok(other.create());
    ok(other.start());
    assert.equal(
      asked((prelude) => ok(other.stateResult({ prelude }))),
      1,
      'state',
    );
  },
);

check(
  'processes are signalled by descriptor, never by a pid that may be another’s by then',
  { skip: needsStrace },
  (box) => {
    const container = box.container((config) => {
      config.process.args = ['/bin/sh', '-c', 'sleep 300 & sleep 300 & echo ready; wait'];
      withoutNamespace(config, 'pid');
    });
    const calls = (run: (prelude: string) => void): string[] => {
      const trace = straced(box, 'trace=kill,tkill,tgkill,pidfd_send_signal');
      run(trace.prelude);
      // Not what the engine sends to threads of its own.
      return trace.lines().flatMap((line) => /\b(kill|pidfd_send_signal)\(/.exec(line)?.[1] ?? []);
    };
    ok(container.create());
    ok(container.start());
    container.waitForOutput(/ready/);
    const byDescriptor = (found: readonly string[]): void => {
      assert.ok(found.length > 0);
      assert.deepEqual([...new Set(found)], ['pidfd_send_signal']);
    };
    byDescriptor(calls((prelude) => ok(container.kill('CONT', { prelude, flags: ['--all'] }))));
    byDescriptor(calls((prelude) => ok(container.kill('CONT', { prelude }))));
    byDescriptor(calls((prelude) => ok(container.delete({ prelude, flags: ['--force'] }))));
  },
);

check('run of a config without labels loads nothing that writes labels', { skip: needsNode || needsStrace }, (box) => {
  const folder = join(repository(), 'dist/node');
  const writes = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.js') && readFileSync(join(folder, name), 'utf8').includes('keycreate'),
  );
  assert.ok(writes.length > 0, 'the chunk is found');
  const trace = straced(box, FILTER);
  ok(box.container().run({ prelude: trace.prelude }));
  const loaded = openedPaths(trace.lines()).map(({ path }) => path);
  assert.ok(
    loaded.some((path) => path.includes('dist/node/')),
    'the program is seen',
  );
  assert.deepEqual(
    writes.filter((name) => loaded.some((path) => path.endsWith(`dist/node/${name}`))),
    [],
  );
});

check(
  'run of a valid config loads neither the full validators, nor what explains errors, nor help',
  { skip: needsNode || needsStrace },
  (box) => {
    const folder = join(repository(), 'dist/node');
    const heavy = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
      if (!name.endsWith('.js')) return false;
      const text = readFileSync(join(folder, name), 'utf8');
      // ajv's messages are in the full validators only; jsonc-parser is for positions in reports.
      return (
        text.includes('must have required property') ||
        /from\s*"jsonc-parser"/.test(text) ||
        text.includes('did you mean')
      );
    });
    assert.ok(heavy.length > 0, 'the chunks are found');
    const container = box.container();
    const trace = straced(box, FILTER);
    // Node.js reads modules in threads: they have to be followed, and so is the container, until it ends.
    ok(container.run({ prelude: trace.prelude }));
    const lines = trace.lines();
    assert.ok(opens(lines, /dist\/node\/.*\.js$/) > 0, 'the program is seen');
    assert.equal(opens(lines, /node_modules\/(ajv|jsonc-parser)\//), 0);
    const loaded = openedPaths(lines).map(({ path }) => path);
    const full = heavy.filter((name) =>
      readFileSync(join(folder, name), 'utf8').includes('must have required property'),
    );
    assert.deepEqual(
      full.filter((name) => loaded.some((path) => path.endsWith(`dist/node/${name}`))),
      [],
    );
  },
);
