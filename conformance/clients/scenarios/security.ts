// What a container may not do, and how it is allowed to.

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../harness/engine.ts';
import { withoutPrivileged } from '../harness/host.ts';
import { group, scenario } from '../harness/scenario.ts';
import { scope } from '../harness/scope.ts';

const field = (name: string) => `grep ^${name}: /proc/self/status | tr -d "\\t" | cut -d: -f2`;

function seccompProfile(name: string, profile: object): string {
  const path = join(scope.directory, `${name}.json`);
  writeFileSync(path, JSON.stringify(profile));
  return `seccomp=${path}`;
}

export function security(engine: Engine): void {
  group('security', () => {
    scenario('capabilities: the default, less, more', async () => {
      const capabilities = async (...options: string[]) => BigInt(`0x${await engine.shell(options, field('CapEff'))}`);
      const usual = await capabilities();
      const NET_ADMIN = 1n << 12n;
      const CHOWN = 1n;
      assert.ok((usual & CHOWN) !== 0n && (usual & NET_ADMIN) === 0n, 'a few');
      assert.equal(await capabilities('--cap-drop', 'ALL'), 0n);
      assert.equal(await capabilities('--cap-drop', 'ALL', '--cap-add', 'NET_ADMIN'), NET_ADMIN);
      assert.equal(await capabilities('--cap-drop', 'CHOWN'), usual & ~CHOWN);
    });

    scenario('a capability is in force: chown', async () => {
      assert.match(
        await engine.shell(['--cap-drop', 'CHOWN'], 'chown 1:1 /data 2>&1 || echo refused'),
        /not permitted\nrefused/,
      );
      assert.equal(await engine.shell([], 'chown 1:1 /data && echo done'), 'done');
    });

    scenario('a user other than root has no capabilities', async () => {
      assert.equal(BigInt(`0x${await engine.shell(['-u', '1000'], field('CapEff'))}`), 0n);
    });

    scenario(
      '--privileged: all capabilities and devices, no filter, writable /sys and /proc/sys',
      { skip: withoutPrivileged(engine) },
      async () => {
        const script = `${field('CapEff')}; ${field('Seccomp')}; test -c /dev/mem -o -c /dev/kmsg && echo devices; grep -c " /sys ro\\| /proc/sys ro" /proc/mounts; mount -t tmpfs none /tmp && echo mounted`;
        const [capabilities, filter, ...rest] = (await engine.shell(['--privileged'], script)).split('\n');
        const NET_ADMIN = 1n << 12n;
        const SYS_ADMIN = 1n << 21n;
        assert.equal(BigInt(`0x${capabilities}`) & (NET_ADMIN | SYS_ADMIN), NET_ADMIN | SYS_ADMIN);
        assert.equal(filter, '0');
        assert.deepEqual(rest, ['devices', '0', 'mounted']);
      },
    );

    scenario('no-new-privileges is in force', async () => {
      assert.equal(await engine.shell(['--security-opt', 'no-new-privileges'], field('NoNewPrivs')), '1');
      assert.equal(await engine.shell([], field('NoNewPrivs')), '0');
    });

    scenario('seccomp: the default profile filters', async () => {
      assert.equal(await engine.shell([], field('Seccomp')), '2');
      // Podman's profile lets everybody make user namespaces.
      if (engine.kind === 'podman') return;
      assert.match(await engine.shell([], 'busybox unshare -U true 2>&1 || echo refused'), /not permitted\nrefused/);
    });

    scenario('seccomp: unconfined does not', async () => {
      const script = `${field('Seccomp')}; busybox unshare -U true && echo done`;
      assert.equal(await engine.shell(['--security-opt', 'seccomp=unconfined'], script), '0\ndone');
    });

    scenario('seccomp: a profile of our own, with an errno and an argument', async () => {
      const option = seccompProfile('own', {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [
          { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 },
          // sethostname of exactly three bytes.
          {
            names: ['sethostname'],
            action: 'SCMP_ACT_ERRNO',
            errnoRet: 5,
            args: [{ index: 1, value: 3, op: 'SCMP_CMP_EQ' }],
          },
          { names: ['symlink', 'symlinkat'], action: 'SCMP_ACT_KILL_PROCESS' },
        ],
      });
      const options = ['--security-opt', option, '--cap-add', 'SYS_ADMIN'];
      const script = 'mkdir /tmp/x 2>&1; hostname abc 2>&1; hostname abcd && hostname; ln -s a /tmp/y; echo "link: $?"';
      const text = await engine.shell(options, script);
      assert.match(text, /No space left on device\n.*(I\/O|Input\/output) error\nabcd\n(Bad system call\n)?link: 159/);
    });

    scenario('seccomp: exec is filtered, too', async (context) => {
      const option = seccompProfile(`exec-${context.name()}`, {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
      });
      const name = await engine.detached(context, ['--security-opt', option], ['sleep', '1000']);
      const result = await engine.exec(name, [], ['mkdir', '/tmp/x']);
      assert.match(result.stderr, /No space left on device/);
    });

    scenario('a device is there, and usable, by --device', async () => {
      const script = 'test -c /dev/mine && dd if=/dev/mine bs=4 count=1 2>/dev/null | wc -c';
      assert.equal(await engine.shell(['--device', '/dev/zero:/dev/mine'], script), '4');
      assert.equal(await engine.shell([], 'test -e /dev/mine || echo absent'), 'absent');
    });

    // Not one that is allowed by default. Opening it does nothing.
    const rare = ['/dev/loop-control', '/dev/fuse', '/dev/net/tun', '/dev/vda', '/dev/sda'].find((path) =>
      existsSync(path),
    );
    const noRare = rare === undefined ? 'no device to ask for on this host' : undefined;
    scenario('a device is usable as far as --device says', { skip: noRare }, async () => {
      const script =
        '(: </dev/mine) && echo read; (: 2>/dev/null >>/dev/mine) || echo no write; mknod /tmp/again c $((0x$(stat -c %t /dev/mine))) $((0x$(stat -c %T /dev/mine))); (: 2>/dev/null >>/tmp/again) || echo nor there';
      assert.equal(await engine.shell(['--device', `${rare}:/dev/mine:r`], script), 'read\nno write\nnor there');
    });

    scenario("the usual devices work, the host's memory does not", async () => {
      const script =
        'for i in null zero full random urandom tty ptmx fd stdin stdout stderr shm pts; do test -e /dev/$i || test -L /dev/$i || echo "no $i"; done; echo x >/dev/null; mknod /tmp/mem c 1 1 && dd if=/tmp/mem bs=1 count=1 2>&1 | grep -o "not permitted"';
      assert.equal(await engine.shell([], script), 'not permitted');
    });

    scenario('parts of /proc and /sys are hidden or read-only', async () => {
      const script =
        'if test -e /proc/kcore; then wc -c </proc/kcore; else echo 0; fi; ls /sys/firmware | wc -l; echo 1 2>/dev/null >/proc/sys/kernel/domainname || echo read-only; echo b 2>/dev/null >/proc/sysrq-trigger || echo read-only';
      assert.equal(await engine.shell([], script), '0\n0\nread-only\nread-only');
    });

    scenario('--sysctl of a namespace is set, of the host refused', async () => {
      assert.equal(
        await engine.output(['--sysctl', 'kernel.shm_rmid_forced=1'], ['cat', '/proc/sys/kernel/shm_rmid_forced']),
        '1',
      );
      assert.equal(
        await engine.output(['--sysctl', 'net.ipv4.ip_forward=1'], ['cat', '/proc/sys/net/ipv4/ip_forward']),
        '1',
      );
      assert.notEqual((await engine.once(['--sysctl', 'vm.swappiness=1'], ['true'])).status, 0);
    });
  });
}
