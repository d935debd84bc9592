// A second daemon, whose containers are in user namespaces.

import assert from 'node:assert/strict';
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ok } from '../harness/command.ts';
import { type Docker, startDocker } from '../harness/docker.ts';
import { group, type Scenario, scenario } from '../harness/scenario.ts';
import { scope } from '../harness/scope.ts';

const FIRST = 300_000;
/** A user that every host has; that it is to be root's stand-in is nowhere but in the daemon's own /etc/subuid. */
const USER = 'daemon';

/**
 * dockerd takes the ranges of a user from /etc/subuid and /etc/subgid. The daemons see others there, in a mount namespace of their own: the host's
 * are left alone.
 */
function startRemapped(): Promise<Docker> {
  const range = join(scope.directory, 'subid');
  writeFileSync(range, `${USER}:${FIRST}:65536\n`);
  const bind = ['/etc/subuid', '/etc/subgid'].map((path) => `mount --bind "$0" ${path}`).join(' && ');
  const wrapper = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `${bind} && exec "$@"`, range];
  return startDocker({ name: 'remapped', flags: [`--userns-remap=${USER}`], wrapper });
}

export function dockerUserns(): void {
  let docker: Promise<Docker> | undefined;
  // Started by the first scenario, stopped by the last.
  const engine = async () => {
    docker ??= startRemapped();
    return (await docker).engine;
  };

  group(
    'user namespaces (--userns-remap)',
    () => {
      scenario('root of the container is nobody on the host', async (context: Scenario) => {
        const { detached, inspect, exec } = await engine();
        const name = await detached(context, [], ['sleep', '1000']);
        const status = readFileSync(`/proc/${await inspect(name, '{{.State.Pid}}')}/status`, 'utf8');
        assert.match(status, new RegExp(`^Uid:\t${FIRST}\t${FIRST}\t${FIRST}\t${FIRST}$`, 'm'));
        const { stdout } = ok(await exec(name, [], ['sh', '-c', 'id -u; cat /proc/self/uid_map; stat -c %u /bin']));
        assert.match(stdout, new RegExp(`^0\n\\s+0\\s+${FIRST}\\s+65536\n0\n$`));
      });

      scenario('it can do what root can, inside', async () => {
        const { shell } = await engine();
        const script =
          'chown 5:6 /data && stat -c %u:%g /data; echo x >/dev/null && echo y >/new && cat /new; mknod /tmp/mem c 1 1 2>/dev/null || echo no mknod';
        assert.equal(await shell([], script), '5:6\ny\nno mknod');
      });

      scenario('a volume shows its owners as the map has them', async (context: Scenario) => {
        const { shell } = await engine();
        const directory = join(scope.directory, `userns-${context.name()}`);
        mkdirSync(directory);
        writeFileSync(join(directory, 'host'), '');
        writeFileSync(join(directory, 'mapped'), '');
        chownSync(join(directory, 'mapped'), FIRST + 7, FIRST + 8);
        const text = await shell(['-v', `${directory}:/volume`], 'stat -c %u:%g /volume/host /volume/mapped');
        assert.equal(text, '65534:65534\n7:8');
      });

      scenario('a terminal, another user, limits, read-only', async () => {
        const { once, output } = await engine();
        assert.match(ok(await once(['-t'], ['sh', '-c', 'stat -c %u "$(busybox tty)"'])).stdout, /^0\r\n$/);
        assert.equal(await output(['-u', '1000:1000', '--read-only', '--pids-limit', '50'], ['id', '-u']), '1000');
      });

      scenario('--userns host goes without', async () => {
        const { output } = await engine();
        assert.match(await output(['--userns', 'host'], ['cat', '/proc/self/uid_map']), /^\s*0\s+0\s+4294967295$/);
      });

      scenario('the second daemon stops', async () => {
        await (await docker)?.stop();
      });
    },
    { serial: true },
  );
}
