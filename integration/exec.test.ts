// exec from inside: what can be seen of it in the container while it enters, what it loads, what it leaves, the captured files.

import assert from 'node:assert/strict';
import { closeSync, existsSync, linkSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  cgroupsOf,
  check,
  listenForDescriptor,
  mountsOf,
  ok,
  readTerminal,
  refused,
  waitFor,
  writeIn,
} from '../conformance/harness/index.ts';
import { lasting, lastLine, needsExecutable, needsStrace, openedPaths, sharedFolder, straced } from './support.ts';

// With an option that the front does not know the engine does it.
for (const [by, flags] of [
  ['an engine', ['--env', 'A=']],
  ['the front', []],
] as const) {
  check(
    `CVE-2016-9962: what the container can see of an exec by ${by} has its rights, and nothing of the host but the streams`,
    { skip: needsStrace },
    (box) => {
      // The attacker may look into every process that it sees: it has CAP_SYS_PTRACE.
      const attack = `
      echo ready > /tmp/ready
      while true; do for p in /proc/[0-9]*; do
        [ "$(cat $p/comm 2>/dev/null)" = runt:init ] || continue
        { for f in $p/fd/*; do echo fd \${f##*/} $(readlink $f); done
          echo exe $(readlink $p/exe); echo cwd $(readlink $p/cwd); echo root $(readlink $p/root)
          grep -E '^(Cap|NoNewPrivs)' $p/status; echo end; } >> /tmp/seen 2>/dev/null
      done; done`;
      const container = box.container((config) => {
        config.root.readonly = false;
        config.process.noNewPrivileges = false;
        config.process.args = ['/bin/sh', '-c', attack];
        for (const set of Object.values(config.process.capabilities ?? {})) set?.push('CAP_SYS_PTRACE');
      });
      ok(container.create());
      ok(container.start());
      waitFor('the attacker', () => existsSync(join(container.rootfs, 'tmp/ready')));
      // The process that it can see stands still at its first system call, setsid, for a second.
      const trace = straced(box, 'trace=setns,clone3,setsid,prctl,close_range');
      const prelude = trace.prelude.replace(' -o ', " -e 'inject=setsid:delay_enter=1000000' -o ");
      ok(container.exec(['/bin/true'], { prelude, flags }));
      const seen = readFileSync(join(container.rootfs, 'tmp/seen'), 'utf8');
      const [look] = seen.split('end\n').filter((text) => /CapEff/.test(text));
      assert.ok(look !== undefined, 'the attacker has seen it');
      const descriptors = [...look.matchAll(/^fd (\d+) (.*)$/gm)].filter(([, fd]) => Number(fd) > 2);
      assert.equal(descriptors.length, 1, look);
      assert.match(descriptors[0]?.[2] ?? '', /^socket:/);
      assert.match(look, /^exe \/memfd:runt:init( \(deleted\))?$/m);
      assert.match(look, /^cwd \/$/m);
      assert.match(look, /^root \/$/m);
      const granted = (1n << 5n) | (1n << 10n) | (1n << 19n) | (1n << 29n);
      for (const set of ['CapPrm', 'CapEff', 'CapBnd'])
        assert.equal(BigInt(`0x${new RegExp(`^${set}:\\s*(\\w+)`, 'm').exec(look)?.[1]}`), granted, set);
      // And it can't be traced by those without that capability, from before the first namespace is joined.
      const calls = trace.lines();
      const dumpable = calls.findIndex((line) => line.includes('PR_SET_DUMPABLE, SUID_DUMP_DISABLE'));
      const joined = calls.findIndex((line) => /\bsetns\(/.test(line));
      assert.ok(dumpable >= 0 && dumpable < joined, `${dumpable} ${joined}`);
    },
  );
}

check('an exec loads neither the validators of configs nor what creates containers', { skip: needsStrace }, (box) => {
  const container = lasting(box);
  ok(container.create());
  ok(container.start());
  const trace = straced(box, 'trace=open,openat,openat2,execve');
  ok(container.exec(['/bin/true'], { prelude: trace.prelude, flags: ['--env', 'A='] }));
  const paths = openedPaths(trace.lines()).map(({ path }) => path);
  assert.ok(paths.some((path) => path.endsWith('/koffi.node')));
  assert.deepEqual(
    paths.filter((path) => path.startsWith(container.bundle)),
    [],
  );
});

check('a hundred programs leave no process, file, mount or cgroup', { skip: needsExecutable }, (box) => {
  const container = lasting(box);
  ok(container.create());
  ok(container.start());
  const shown = () => ({
    state: readdirSync(join(box.root, container.id)).sort(),
    cgroups: cgroupsOf(container.id).length,
    mounts: readFileSync(`/proc/${container.pid()}/mountinfo`, 'utf8').split('\n').length,
    host: mountsOf(box.token).length,
    children: readFileSync(`/proc/${container.pid()}/task/${container.pid()}/children`, 'utf8'),
    processes: ok(container.exec(['/bin/sh', '-c', 'set -- /proc/[0-9]*; echo $#'])).stdout,
  });
  // What is prepared for those that follow is there after the first that does not find the image just written.
  waitFor('what is prepared', () => {
    ok(container.exec(['/bin/true']));
    return existsSync(join(box.root, container.id, 'exec'));
  });
  const before = shown();
  for (let round = 0; round < 100; round++) ok(container.exec(['/bin/true']));
  // The number of the last process tells how many there were: three an exec, two of which the container never saw.
  assert.deepEqual(shown(), before);
});

check('a runtime that is killed while it executes leaves nothing that delete --force does not end', (box) => {
  const container = lasting(box);
  ok(container.create());
  ok(container.start());
  for (const delay of ['0.01', '0.02', '0.03', '0.05']) {
    const prelude = `"$@" & pid=$!; sleep ${delay}; kill -9 $pid; wait $pid; exit 0`;
    ok(container.exec(['/bin/sleep', '300'], { prelude }));
  }
  ok(container.delete({ flags: ['--force'] }));
  box.assertNothingLeft();
});

check('an exec of a container whose pid has been given to another process touches nobody', (box) => {
  const container = lasting(box);
  ok(container.create());
  ok(container.start());
  const file = join(box.root, container.id, 'state.json');
  const record = JSON.parse(readFileSync(file, 'utf8'));
  // As if init had ended and this process had got its pid.
  writeFileSync(file, JSON.stringify({ ...record, init: { ...record.init, pid: process.pid } }));
  const result = refused(container.exec(['/bin/true']), /container not running/);
  assert.equal(result.status, 255);
  writeFileSync(file, JSON.stringify(record));
});

const folder = sharedFolder('configs');
for (const name of ['exec-01.json', 'exec-02.json']) {
  const skip = folder === undefined ? 'the folder of captured configs is not here' : false;
  check(`${name}, captured from Docker, runs as it is`, { skip }, (box) => {
    const container = lasting(box);
    ok(container.create());
    ok(container.start());
    const path = join(folder ?? '', name);
    const captured = JSON.parse(readFileSync(path, 'utf8'));
    linkSync(join(container.rootfs, 'bin/busybox'), join(container.rootfs, 'bin/tty'));
    const receiver = listenForDescriptor(join(box.directory, 'console'));
    ok(container.exec([], { flags: ['--process', path, '--detach', '--console-socket', receiver.path] }));
    const master = receiver.descriptor();
    if (captured.args[0] === 'sh') writeSync(master, 'tty; exit\n');
    assert.match(readTerminal(master, 'end'), /^\/dev\/pts\/0\r?$/m);
    closeSync(master);
    receiver.close();
  });
}

check('the last line says which option, or which line of the file, was wrong', (box) => {
  const container = lasting(box);
  ok(container.create());
  ok(container.start());
  const file = writeIn(box, 'process.json', '{\n "args": ["true"],\n "cwd": "tmp"\n}');
  const result = refused(container.exec([], { flags: ['--process', file] }));
  assert.match(lastLine(result.stderr), /process\.json:3:9: error: \/cwd: the working directory is an absolute path/);
  writeFileSync(file, JSON.stringify({ args: ['/bin/true'], cwd: '/nonexistent' }));
  const late = refused(container.exec([], { flags: ['--process', file] }));
  assert.match(lastLine(late.stderr), /no such file or directory\) \[.*process\.json \/cwd\]/);
});

check('the log tells on which processors the launcher begins, in the words that runc has for it', (box) => {
  const container = lasting(box);
  ok(container.create());
  const process = { args: ['/bin/true'], cwd: '/', execCPUAffinity: { initial: '0' } };
  const file = writeIn(box, 'process.json', JSON.stringify(process));
  const { stderr } = ok(container.exec([], { global: ['--debug'], flags: ['--process', file] }));
  assert.match(stderr, /nsexec.*: affinity: 0x1\b/);
});
