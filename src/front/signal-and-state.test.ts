// kill and state by the front: to whom a signal goes, and when the engine is asked.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FLAG, FRONT_FILE, type FrontRecord, LARGEST, OFFSET } from './record.ts';
import { IDENTITY, startTimeOf, withHouse } from './test-support.ts';

test('kill finds the start of a process behind a name that holds anything, and sends to no other process', async () => {
  await withHouse(async ({ run, root, directory, writeRecord }) => {
    const name = ') Z 1 (x) 9 9';
    copyFileSync('/bin/sleep', join(directory, name));
    const child = spawn(join(directory, name), ['300'], { stdio: 'ignore' });
    const ended = once(child, 'close');
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    const startTime = Number(fields[19]);
    const kill = ['--root', root, 'kill', 'c1', 'TERM'];
    for (const wrong of [
      { startTime: startTime + 1 },
      { startTime: startTime * 10 },
      { startTime: 0 },
      { flags: FLAG.start },
    ]) {
      writeRecord({ pid, startTime, ...wrong });
      assert.ok(
        run(...kill).engine !== undefined,
        JSON.stringify(wrong, (_, value) => String(value)),
      );
    }
    // Nor where what freezes it can't be looked at, or has others below it that could be frozen.
    const freezer = { path: join(directory, 'freezer'), version: 1 } as const;
    writeRecord({ pid, startTime, freezer });
    assert.ok(run('--root', root, 'kill', 'c1', 'KILL').engine !== undefined);
    assert.ok(run('--root', root, 'state', 'c1').engine !== undefined);
    mkdirSync(join(freezer.path, 'below'), { recursive: true });
    assert.ok(run('--root', root, 'kill', 'c1', 'KILL').engine !== undefined);
    rmSync(freezer.path, { recursive: true });
    assert.equal(child.exitCode ?? child.signalCode, null);
    writeRecord({ pid, startTime });
    assert.deepEqual(run(...kill), { status: 0, stderr: '', engine: undefined });
    assert.deepEqual(await ended, [null, 'SIGTERM']);
  });
});

test('kill KILL thaws what v1 has frozen: it would not die before that', async () => {
  await withHouse(async ({ run, root, directory, writeRecord }) => {
    const freezer = { path: join(directory, 'freezer'), version: 1 } as const;
    mkdirSync(freezer.path);
    const file = join(freezer.path, 'freezer.state');
    writeFileSync(file, 'FROZEN');
    const child = spawn('/bin/sleep', ['300'], { stdio: 'ignore' });
    const ended = once(child, 'close');
    await once(child, 'spawn');
    writeRecord({ pid: child.pid ?? 0, startTime: startTimeOf(child.pid ?? 0), freezer });
    assert.deepEqual(run('--root', root, 'kill', 'c1', 'CONT'), { status: 0, stderr: '', engine: undefined });
    assert.equal(readFileSync(file, 'utf8'), 'FROZEN');
    assert.deepEqual(run('--root', root, 'kill', 'c1', 'KILL'), { status: 0, stderr: '', engine: undefined });
    assert.deepEqual(await ended, [null, 'SIGKILL']);
    assert.equal(readFileSync(file, 'utf8'), 'THAWED');
  });
});

/** What the record of a process that lives says besides, for `state`. */
function living(begin = '{', end = '}\n'): Partial<FrontRecord> {
  return { pid: process.pid, startTime: startTimeOf(process.pid), state: { begin, end } };
}

test('state is the engine’s to tell where a freezer says anything but that it is thawed', () => {
  withHouse(({ run, root, directory, writeRecord }) => {
    for (const [version, name, thawed, others] of [
      [1, 'freezer.state', 'THAWED\n', ['FROZEN\n', 'FREEZING\n', '']],
      [2, 'cgroup.freeze', '0\n', ['1\n', '']],
    ] as const) {
      const path = join(directory, `v${version}`);
      mkdirSync(path);
      writeRecord({ ...living(), freezer: { path, version } });
      for (const text of others) {
        writeFileSync(join(path, name), text);
        assert.ok(run('--root', root, 'state', 'c1').engine !== undefined, text);
      }
      writeFileSync(join(path, name), thawed);
      assert.equal(run('--root', root, 'state', 'c1').status, 0);
    }
  });
});

test('texts of a record that are not in it are not printed', () => {
  withHouse(({ run, root, state, writeRecord }) => {
    writeRecord(living());
    const whole = readFileSync(join(state, FRONT_FILE));
    for (const field of [OFFSET.stateBegin, OFFSET.stateEnd]) {
      for (const place of [0n, 8n, BigInt(LARGEST), 0x7fff_ffffn, 1n << 63n]) {
        const bytes = Buffer.from(whole);
        bytes.writeBigUInt64LE(place, field);
        writeFileSync(join(state, FRONT_FILE), bytes);
        assert.ok(run('--root', root, 'state', 'c1').engine !== undefined, `${field}: ${place}`);
      }
    }
  });
});

test('without standard output the state is not printed elsewhere', () => {
  withHouse(({ root, directory, writeRecord }) => {
    writeRecord(living());
    const log = join(directory, 'log');
    const { status } = spawnSync('sh', ['-c', `${directory}/runt --root ${root} --log ${log} state c1 >&-`]);
    assert.equal(status, 42);
    assert.equal(existsSync(log), false);
  });
});

const NO_PERL = spawnSync('perl', ['-e', '']).status === 0 ? false : 'needs perl';

/** Reads from a small pipe that does not block who writes when that sleeps, or has ended. */
const SLOW_READER = `
  use Fcntl;
  pipe(R, W); fcntl(W, F_SETFL, O_WRONLY | O_NONBLOCK); fcntl(W, 1031, 4096);
  my $pid = fork;
  if (!$pid) { open(STDOUT, ">&", \\*W); exec @ARGV }
  close W;
  for (;;) { open(S, "/proc/$pid/stat"); my $stat = <S>; close S; last if $stat =~ /\\) [SZ] /; }
  print while <R>;
`;

test('a reader that is slow gets the state once', { skip: NO_PERL }, () => {
  withHouse(({ root, directory, writeRecord }) => {
    const [begin, end] = ['x'.repeat(6000), 'y'.repeat(3000)];
    writeRecord(living(begin, end));
    const command = [join(directory, 'runt'), '--root', root, 'state', 'c1'];
    const { stdout } = spawnSync('perl', ['-e', SLOW_READER, ...command], { encoding: 'utf8' });
    assert.equal(stdout, `${begin}"pid": ${process.pid},\n  "status": "created"${end}`);
  });
});

test('state prints its texts around the pid and the status, however long they are', () => {
  withHouse(({ root, directory, run, writeRecord }) => {
    const _fields = readFileSync(`/proc/${process.pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    const state = { begin: `{${'ä'.repeat(3000)} `, end: `,${'x'.repeat(6000)}}\n` };
    const about = { pid: process.pid, startTime: startTimeOf(process.pid), state };
    const command = ['--root', root, 'state', 'c1'];
    for (const [image, status] of [
      [IDENTITY, 'created'],
      ['1:1', 'running'],
    ] as const) {
      writeRecord({ ...about, image });
      const { stdout } = spawnSync(join(directory, 'runt'), command, { encoding: 'utf8' });
      assert.equal(stdout, `${state.begin}"pid": ${process.pid},\n  "status": "${status}"${state.end}`);
      // The engine says what is wrong.
      assert.equal(spawnSync('sh', ['-c', '"$@" >/dev/full', 'sh', join(directory, 'runt'), ...command]).status, 42);
    }
    const { state: _, ...unknown } = about;
    writeRecord(unknown);
    assert.deepEqual(run(...command).engine, ['passed on', ...command]);
  });
});
