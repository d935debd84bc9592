// `ctr run`: what a container is given, and what comes back.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ended, ok } from '../harness/command.ts';
import type { Ctr } from '../harness/containerd.ts';
import { cgroupVersion, withoutController } from '../harness/host.ts';
import { group, scenario } from '../harness/scenario.ts';
import { scope } from '../harness/scope.ts';

const v1 = cgroupVersion === 1;
const file = (controller: string, name: string) => `/sys/fs/cgroup/${v1 ? `${controller}/` : ''}${name}`;
const field = (name: string) => `grep ^${name}: /proc/self/status | tr -d "\\t" | cut -d: -f2`;

export function ctrPrograms(ctr: Ctr): void {
  group('programs', () => {
    for (const status of [0, 7, 255]) {
      scenario(`a program's exit status ${status} is the client's`, async (context) => {
        ended(await ctr.once(context, [], ['sh', '-c', `exit ${status}`]), status);
      });
    }

    scenario('standard output and error are kept apart', async (context) => {
      const result = ok(await ctr.once(context, [], ['sh', '-c', 'echo to stdout; echo to stderr >&2']));
      assert.equal(result.stdout, 'to stdout\n');
      assert.match(result.stderr, /^to stderr$/m);
    });

    scenario('standard input is passed through', async (context) => {
      const session = ctr.session(context, [], ['sh', '-c', 'read -r line; echo "heard $line"; exit 3'], false);
      session.write('this\n');
      await session.waitForOutput(/heard this\n/);
      ended(await session.finished(), 3);
      session.end();
    });

    scenario('--tty is a terminal, of the right size, and control-C is a signal', async (context) => {
      const script =
        'busybox tty; trap "echo interrupted; exit 5" INT; echo ready; while :; do read -r line; echo "heard $line"; busybox stty size; done';
      const session = ctr.session(context, ['--tty'], ['sh', '-c', script], true);
      assert.match(await session.waitForOutput(/ready/), /\/dev\/(pts\/0|console)/);
      session.write('hello\n');
      await session.waitForOutput(/heard hello/);
      session.write('\x03');
      assert.match(ended(await session.finished(), 5).stdout, /interrupted/);
    });

    scenario('environment and working directory are as asked for', async (context) => {
      const options = ['--env', 'GREETING=good day', '--cwd', '/tmp'];
      assert.equal(await ctr.shell(context, options, 'echo "$GREETING"; pwd'), 'good day\n/tmp');
    });

    for (const [what, program, pattern] of [
      ['that is not in PATH', 'no-such-program', /not found|no such file/i],
      ['whose path does not exist', '/no/such/program', /no such file/i],
      ['that is not executable', '/bin/not-executable', /permission denied/i],
    ] as const) {
      scenario(`a program ${what} is an error, with the reason`, async (context) => {
        const result = await ctr.once(context, [], [program]);
        assert.notEqual(result.status, 0);
        assert.match(result.stderr, pattern);
        assert.ok(result.stderr.includes(program), `the message names the program: ${result.stderr}`);
      });
    }

    scenario('--pid-file has the pid', async (context) => {
      const path = join(scope.directory, `${context.name()}.pid`);
      const id = await ctr.detached(context, ['--pid-file', path], ['sleep', '1000']);
      assert.equal(Number(readFileSync(path, 'utf8')), (await ctr.task(id))?.pid);
    });

    scenario('--null-io discards the output', async (context) => {
      assert.equal(ok(await ctr.once(context, ['--null-io'], ['echo', 'nothing'])).stdout, '');
    });
  });

  group('configuration', () => {
    scenario('--memory-limit is in force', { skip: withoutController('memory') }, async (context) => {
      const path = file('memory', v1 ? 'memory.limit_in_bytes' : 'memory.max');
      // containerd hides the cgroup of the container from it on v1; the host sees it.
      const id = await ctr.detached(context, ['--memory-limit', String(64 * 1024 * 1024)], ['sleep', '1000']);
      assert.equal(readHost(path, id, 'memory'), String(64 * 1024 * 1024));
    });

    scenario(
      'a program that takes more than its memory limit is killed',
      { skip: withoutController('memory') },
      async (context) => {
        const options = ['--memory-limit', String(16 * 1024 * 1024)];
        const greedy = 'dd if=/dev/zero of=/dev/shm/big bs=1048576 count=48 2>/dev/null; exit $?';
        ended(await ctr.once(context, options, ['sh', '-c', greedy]), 137);
      },
    );

    scenario('--cpus is a quota', { skip: withoutController('cpu') }, async (context) => {
      const id = await ctr.detached(context, ['--cpus', '0.5'], ['sleep', '1000']);
      const names = v1 ? ['cpu.cfs_quota_us', 'cpu.cfs_period_us'] : ['cpu.max'];
      assert.equal(names.map((name) => readHost(file('cpu', name), id, 'cpu')).join(' '), '50000 100000');
    });

    scenario('--cap-add and --cap-drop change the capabilities', async (context) => {
      const usual = BigInt(`0x${await ctr.shell(context, [], field('CapEff'))}`);
      const options = ['--cap-add', 'CAP_NET_ADMIN', '--cap-drop', 'CAP_CHOWN'];
      const changed = BigInt(`0x${await ctr.shell(context, options, field('CapEff'))}`);
      assert.equal(changed, (usual | (1n << 12n)) & ~1n);
    });

    scenario('no new privileges, unless allowed', async (context) => {
      assert.equal(await ctr.shell(context, [], field('NoNewPrivs')), '1');
      assert.equal(await ctr.shell(context, ['--allow-new-privs'], field('NoNewPrivs')), '0');
    });

    scenario('--seccomp filters with the default profile', async (context) => {
      assert.equal(await ctr.shell(context, [], field('Seccomp')), '0');
      const script = `${field('Seccomp')}; busybox unshare -U true 2>&1 || echo refused`;
      assert.match(await ctr.shell(context, ['--seccomp'], script), /^2\n.*not permitted\nrefused$/);
    });

    scenario('--seccomp-profile filters with a profile of our own', async (context) => {
      const path = join(scope.directory, `${context.name()}.json`);
      const syscalls = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }];
      writeFileSync(path, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }));
      const options = ['--seccomp', '--seccomp-profile', path];
      assert.match(await ctr.shell(context, options, 'mkdir /tmp/x 2>&1 || true'), /No space left/);
    });

    scenario('--read-only and --mount', async (context) => {
      const directory = join(scope.directory, `mount-${context.name()}`);
      mkdirSync(directory);
      writeFileSync(join(directory, 'file'), 'from the host\n');
      const mount = (options: string) => ['--mount', `type=bind,src=${directory},dst=/tmp,options=${options}`];
      const script = 'cat /tmp/file; echo x 2>/dev/null >/x || echo root; echo x 2>/dev/null >/tmp/x || echo mount';
      assert.equal(
        await ctr.shell(context, ['--read-only', ...mount('rbind:ro')], script),
        'from the host\nroot\nmount',
      );
      assert.equal(await ctr.shell(context, ['--read-only', ...mount('rbind:rw')], script), 'from the host\nroot');
      assert.ok(existsSync(join(directory, 'x')));
    });

    scenario(
      '--device makes it usable',
      { skip: existsSync('/dev/fuse') ? undefined : 'no /dev/fuse' },
      async (context) => {
        assert.equal(await ctr.shell(context, ['--device', '/dev/fuse'], '(: </dev/fuse) && echo opened'), 'opened');
      },
    );

    scenario('own namespaces; --net-host and --with-ns', async (context) => {
      const read = 'for i in mnt pid net ipc uts; do readlink /proc/self/ns/$i; done';
      const own = ['mnt', 'pid', 'net', 'ipc', 'uts'].map((kind) => readlinkSync(`/proc/self/ns/${kind}`));
      const inside = (await ctr.shell(context, [], read)).split('\n');
      assert.deepEqual(
        inside.filter((name) => own.includes(name)),
        [],
      );
      assert.equal(await ctr.output(context, ['--net-host'], ['readlink', '/proc/self/ns/net']), own[2]);
      const first = await ctr.detached(context, [], ['sleep', '3333']);
      const pid = (await ctr.task(first))?.pid;
      const joined = ['--with-ns', `pid:/proc/${pid}/ns/pid`, '--with-ns', `ipc:/proc/${pid}/ns/ipc`];
      const text = await ctr.shell(context, joined, 'readlink /proc/self/ns/ipc; ps');
      assert.ok(text.startsWith(readlinkSync(`/proc/${pid}/ns/ipc`)));
      assert.match(text, /1 .*sleep 3333/);
    });

    scenario('--uidmap and --gidmap: root inside is nobody outside', async (context) => {
      const maps = ['--uidmap', '0:200000:65536', '--gidmap', '0:200000:65536'];
      const id = await ctr.detached(context, maps, ['sleep', '1000']);
      const status = readFileSync(`/proc/${(await ctr.task(id))?.pid}/status`, 'utf8');
      assert.match(status, /^Uid:\t200000\t200000\t200000\t200000$/m);
      assert.equal(ok(await ctr.execHeard(id, [], ['id', '-u'])).stdout, '0\n');
    });

    scenario('--config runs a configuration of our own', async (context) => {
      const id = context.name();
      const bundle = join(scope.directory, `bundle-${id}`);
      mkdirSync(bundle);
      const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type }));
      const config = {
        ociVersion: '1.0.2',
        process: {
          user: { uid: 0, gid: 0 },
          args: ['/bin/cat', '/proc/sys/kernel/hostname'],
          cwd: '/',
          env: ['PATH=/bin'],
        },
        root: { path: join(scope.directory, 'rootfs'), readonly: true },
        hostname: 'own-config',
        mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
        linux: { namespaces, cgroupsPath: `/${scope.token}/${id}` },
      };
      writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
      const result = ok(await ctr.once(context, ['--config', join(bundle, 'config.json')], []));
      assert.equal(result.stdout, 'own-config\n');
    });
  });
}

/** A file of the container's cgroup, read on the host: `path` as the container would name it. */
function readHost(path: string, id: string, controller: string): string {
  const base = v1 ? `/sys/fs/cgroup/${controller}` : '/sys/fs/cgroup';
  return readFileSync(path.replace(base, join(base, scope.token, id)), 'utf8').trim();
}
