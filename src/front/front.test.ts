import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeImage } from '../init/image.ts';
import { ENGINE } from './engine.ts';
import { frontPlan } from './front.ts';
import { ANSWER_FILE, encodeFrontRecord, FLAG, FRONT_FILE, type FrontRecord } from './record.ts';
import { type House, startTimeOf, withHouse } from './test-support.ts';

test('what is not a command as engines write it is executed by the engine, with the same arguments', () => {
  withHouse(({ run, root, writeRecord }) => {
    writeRecord({});
    for (const args of [
      [],
      ['--version'],
      ['create', '-b', '/x', 'c1'],
      ['--root', root],
      ['--root', root, 'delete'],
      ['--root'],
      ['--root', root, 'delete', 'c1', 'c2'],
      ['--root', root, 'delete', '--unknown', 'c1'],
      ['--root', root, '--debug', 'delete', 'c1'],
      ['--root', root, 'start', '--force', 'c1'],
      ['--root', root, 'deletec', 'c1'],
      ['--root', root, 'delet', 'c1'],
      ['--root', root, '--log-format', 'yaml', 'delete', 'c1'],
      ['--root', root, '--log', '/nowhere/log', 'delete', 'c1'],
      ['--root', '', 'delete', 'c1'],
      ['--root', `${root}/none`, 'delete', '--force', 'c1'],
      ['--root', root, 'delete', ''],
      ['--root', root, 'delete', '--force', '../c1'],
      ['--root', root, 'delete', '--force', '.c1'],
      ['--root', root, 'delete', '--force', 'c\u00e4'],
      ['--root', root, 'delete', '--force', 'c 1'],
      ['--root', root, 'delete', '--force', '--', 'c1'],
      ['--root', root, 'delete', 'other'],
      ['--root=', 'delete', 'c1'],
      // The engine takes the path as text, the kernel would follow links; and it has no containers in the root of the host.
      ['--root', `${root}/../root`, 'delete', 'c1'],
      ['--root', '..', 'delete', '--force', 'c1'],
      ['--root', '/', 'delete', '--force', 'c1'],
      ['--root', '/./', 'delete', '--force', 'c1'],
      ['--rootx=/', 'delete', 'c1'],
      ['--root', root, '--log-format=yaml', 'delete', 'c1'],
      ['--root', root, 'delete', '--systemd-cgroup', 'c1'],
      ['--root', root, '--systemd-cgroup', 'run', 'c1'],
      ['--root', root, 'state'],
      ['--root', root, 'state', 'c1', 'c2'],
      ['--root', root, 'state', '--force', 'c1'],
      // Nobody has its pid.
      ['--root', root, 'state', 'c1'],
      ['--root', root, 'kill', 'c1'],
      ['--root', root, 'kill', 'c1', '9', '9'],
      ['--root', root, 'kill', '--all', 'c1'],
      // Nothing is prepared, and the engine that is asked to does not.
      ['--root', root, 'exec', 'c1', 'true'],
      ['--root', root, 'exec', '-d', '--pid-file', 'pid', 'c1', 'true'],
      ['--root', root, 'exec', '--process', '/dev/null', 'c1'],
      ['--root', root, 'exec', '-t', 'c1', 'true'],
      ['--root', root, 'exec'],
      ['--root', root, 'exec', 'c1'],
      ['--root', root, 'exec', 'c1', '--', 'true'],
      ['--root', root, 'exec', '--pid-file', '', 'c1', 'true'],
      // There is none of that name in the system's root.
      ['delete', 'c1-of-no-root'],
    ]) {
      assert.deepEqual(run(...args).engine, ['passed on', ...args], JSON.stringify(args));
    }
  });
});

test('the engine gets the environment without variables that would steer it, after what it is to do without', () => {
  withHouse(({ directory }) => {
    writeFileSync(join(directory, ENGINE), '#!/bin/sh\ncat /proc/$$/environ\n');
    const run = (env: NodeJS.ProcessEnv, ...args: string[]) => {
      const { stdout } = spawnSync(join(directory, 'runt'), args, { encoding: 'utf8', env });
      return stdout.split('\0').slice(0, -1);
    };
    const ours = ['BUN_JSC_useJIT=0', 'BUN_JSC_useWarmUpMarkedBlocks=0'];
    const all = { A: '1', BUN_OPTIONS: '--preload=x', B: '', BUN_BE_BUN: '1', BUNS: '2', BUN_JSC_useJIT: '1' };
    for (const args of [[], ['--version'], ['a', 'b', 'c', 'd', 'e', 'f', 'g']]) {
      assert.deepEqual(run(all, ...args), [...ours, 'A=1', 'B=', 'BUNS=2']);
      assert.deepEqual(run({}, ...args), ours);
      assert.deepEqual(run({ BUN_BE_BUN: '1' }, ...args), ours);
    }
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`V${index}`, 'x']));
    assert.equal(run(many).length, 5000 + ours.length);
  });
});

test('--version alone is answered with the text that the front was made with', () => {
  const text = 'runt version 1\nspec: 2\n';
  withHouse(({ directory, run }) => {
    const program = join(directory, 'runt');
    writeFileSync(program, encodeImage(frontPlan(text), process.arch === 'arm64' ? 'arm64' : 'x64'));
    for (const words of [['--version'], ['-v'], ['--root', '/x', '--log-format=json', '--systemd-cgroup', '-v']]) {
      const { status, stdout } = spawnSync(program, words, { encoding: 'utf8' });
      assert.deepEqual({ status, stdout }, { status: 0, stdout: text });
    }
    for (const args of [
      ['-version'],
      ['--version', 'x'],
      ['version'],
      ['--versions'],
      ['--log', 'x', '-v'],
      ['start', '-v'],
      ['-f', '-v'],
    ])
      assert.deepEqual(run(...args).engine, ['passed on', ...args]);
    // Where it can't be written the engine says so.
    assert.equal(spawnSync('sh', ['-c', `${program} --version >/dev/full`]).status, 42);
  });
});

test('delete removes the directories and the state of a container whose init has ended', () => {
  withHouse(({ run, root, directory, writeRecord }) => {
    const parent = join(directory, 'group');
    const own = join(parent, 'c1');
    mkdirSync(own, { recursive: true });
    const gone = { path: join(directory, 'gone'), inode: 1 };
    writeRecord({ directories: [gone, { path: own, inode: statSync(own).ino }, { path: parent }] });
    const log = join(directory, 'log');
    const { status, engine } = run('--root', root, '--log', log, '--log-format', 'json', 'delete', 'c1');
    assert.deepEqual({ status, engine }, { status: 0, engine: undefined });
    assert.deepEqual(readdirSync(root), []);
    assert.equal(existsSync(parent), false);
    assert.equal(readFileSync(log, 'utf8'), '');
  });
});

test('options with an equals sign are as good as those in two words, and --systemd-cgroup as none', () => {
  withHouse(({ run, root, directory, writeRecord }) => {
    writeRecord({});
    const log = join(directory, 'log');
    const { status, engine } = run(
      `--root=${root}`,
      `--log=${log}`,
      '--log-format=json',
      '--systemd-cgroup',
      'delete',
      'c1',
    );
    assert.deepEqual({ status, engine }, { status: 0, engine: undefined });
    assert.deepEqual(readdirSync(root), []);
    assert.ok(existsSync(log));
  });
});

test('more names than one read of a directory gives are removed', () => {
  withHouse(({ run, root, state, writeRecord }) => {
    writeRecord({});
    for (let i = 0; i < 300; i++) writeFileSync(join(state, `a-file-with-a-rather-long-name-${i}`), '');
    assert.equal(run('--root', root, 'delete', 'c1').status, 0);
    assert.deepEqual(readdirSync(root), []);
  });
});

test('a parent that others have come to use is the engine’s to give away', () => {
  withHouse(({ run, root, state, directory, writeRecord }) => {
    const parent = join(directory, 'group');
    mkdirSync(join(parent, 'other'), { recursive: true });
    writeRecord({ directories: [{ path: parent }] });
    assert.ok(run('--root', root, 'delete', 'c1').engine !== undefined);
    assert.deepEqual(readdirSync(parent), ['other']);
    assert.ok(existsSync(join(state, 'state.json')));
  });
});

test('delete --force of what is not there succeeds', () => {
  withHouse(({ run, root }) => {
    for (const flag of ['--force', '-f']) assert.equal(run('--root', root, 'delete', flag, 'c2').status, 0);
  });
});

test('the engine finds all that it needs where the front can not delete', () => {
  withHouse(({ run, root, state, directory, writeRecord }) => {
    const busy = join(directory, 'busy');
    mkdirSync(join(busy, 'sub'), { recursive: true });
    const inode = statSync(busy).ino;
    const refused: Partial<FrontRecord>[] = [
      { pid: process.pid },
      { flags: FLAG.start },
      { directories: [{ path: busy, inode }] },
      { directories: [{ path: busy, inode: inode + 1 }] },
    ];
    for (const [index, record] of refused.entries()) {
      writeRecord(record);
      const args = ['--root', root, 'delete', 'c1'];
      assert.deepEqual(run(...args).engine, ['passed on', ...args], String(index));
      assert.deepEqual(readdirSync(state).sort(), [FRONT_FILE, 'state.json']);
    }
    writeRecord({});
    mkdirSync(join(state, 'directory'));
    assert.ok(run('--root', root, 'delete', 'c1').engine !== undefined);
    assert.ok(existsSync(join(state, 'state.json')));
  });
});

test('a record that is damaged, cut off or missing is as none', () => {
  withHouse(({ run, root, state, writeRecord }) => {
    writeRecord({});
    const whole = readFileSync(join(state, FRONT_FILE));
    for (const bytes of [Buffer.alloc(0), whole.subarray(0, 40), whole.subarray(0, -1), Buffer.alloc(200), undefined]) {
      if (bytes === undefined) rmSync(join(state, FRONT_FILE));
      else writeFileSync(join(state, FRONT_FILE), bytes);
      assert.ok(run('--root', root, 'delete', 'c1').engine !== undefined);
    }
  });
});

test('a process that has ended but was not waited for has ended', async () => {
  await withHouse(async ({ run, root, writeRecord }) => {
    // The program that the shell becomes never waits for the shell's child.
    const parent = spawn('sh', ['-c', 'sleep 0.01 & echo $!; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const [pid] = (await once(parent.stdout, 'data')) as [Buffer];
      writeRecord({ pid: Number(pid) });
      while (!readFileSync(`/proc/${Number(pid)}/stat`, 'latin1').includes(') Z ')) await new Promise(setImmediate);
      writeRecord({ pid: Number(pid), startTime: startTimeOf(Number(pid)) });
      for (const command of ['kill', 'state']) assert.ok(run('--root', root, command, 'c1').engine !== undefined);
      assert.equal(run('--root', root, 'delete', 'c1').status, 0);
    } finally {
      parent.stdin.end();
      await once(parent, 'close');
    }
  });
});

/** Somebody who waits for the order, and then says these words of 32 bits. */
async function waitingInit(state: string, words: readonly number[]): Promise<{ readonly heard: Promise<string> }> {
  assert.equal(spawnSync('mkfifo', [join(state, 'start'), join(state, 'started')]).status, 0);
  const octal = [...Buffer.from(Uint32Array.from(words).buffer)].map((byte) => `\\0${byte.toString(8)}`).join('');
  // As init does, it has both ends of both before anybody else comes.
  const script = `exec 3<>start 4<>started; echo ready; head -c 1 <&3; printf '%b' '${octal}' >&4`;
  const init = spawn('sh', ['-c', script], { cwd: state, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  init.stdout.on('data', (part: Buffer) => {
    text += part.toString();
  });
  const heard = once(init, 'close').then(() => text);
  await once(init.stdout, 'data');
  return { heard };
}

/** The front is run while this process goes on. */
async function startIn({ root, directory }: House): Promise<{ status: number | null; engine: boolean }> {
  const front = spawn(join(directory, 'runt'), ['--root', root, 'start', 'c1'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [status] = (await once(front, 'close')) as [number | null];
  return { status, engine: status === 42 };
}

test('start gives the order and ends when init says that the program is next', async () => {
  await withHouse(async (house) => {
    house.writeRecord({ pid: process.pid });
    const { heard } = await waitingInit(house.state, [7, 0]);
    assert.deepEqual(await startIn(house), { status: 0, engine: false });
    assert.equal(await heard, 'ready\n1');
    assert.deepEqual(readdirSync(house.state).sort(), [FRONT_FILE, 'started', 'state.json']);
  });
});

test('what else init says is left to the engine in a file, and the order stays with this process', async () => {
  await withHouse(async (house) => {
    house.writeRecord({ pid: process.pid });
    const words = [70, 0, 2, 0];
    const { heard } = await waitingInit(house.state, words);
    assert.equal((await startIn(house)).engine, true);
    await heard;
    const answer = readFileSync(join(house.state, ANSWER_FILE));
    assert.deepEqual(answer, Buffer.from(Uint32Array.from(words).buffer));
    assert.match(readdirSync(house.state).join(' '), /\bstart\.\d+\.\d+\b/);
  });
});

test('the order is not touched where init does not wait, or may not be started by the front', () => {
  withHouse(({ run, root, state, writeRecord }) => {
    writeFileSync(join(state, 'start'), '');
    const refused: Partial<FrontRecord>[] = [
      {},
      { pid: process.pid, image: '1:1' },
      { pid: process.pid, flags: FLAG.delete },
    ];
    for (const [index, record] of refused.entries()) {
      writeRecord(record);
      assert.ok(run('--root', root, 'start', 'c1').engine !== undefined, String(index));
      assert.ok(existsSync(join(state, 'start')));
    }
  });
});

test('without its engine the front says what is missing', () => {
  withHouse(({ run, directory }) => {
    rmSync(join(directory, ENGINE));
    const { status, stderr } = run('--version');
    assert.equal(status, 1);
    assert.match(stderr, /^runt: runt-engine can't be executed: /);
  });
});

test('a record that the front has no room for is not written', () => {
  const path = `/${'x'.repeat(4000)}`;
  const record = { flags: FLAG.delete, pid: 1, startTime: 1, image: '1:1' };
  assert.ok(encodeFrontRecord({ ...record, directories: Array.from({ length: 4 }, () => ({ path })) }) !== undefined);
  assert.equal(encodeFrontRecord({ ...record, directories: Array.from({ length: 5 }, () => ({ path })) }), undefined);
});
