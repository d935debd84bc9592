// Podman with user namespaces.

import assert from 'node:assert/strict';
import { ok } from '../harness/command.ts';
import type { Engine } from '../harness/engine.ts';
import { group, scenario } from '../harness/scenario.ts';

export function podmanUserns(engine: Engine): void {
  const maps = ['--uidmap', '0:200000:65536', '--gidmap', '0:200000:65536'];
  group('user namespaces', () => {
    scenario('root of the container is nobody on the host', async (context) => {
      const name = await engine.detached(context, maps, ['sleep', '1000']);
      const { readFileSync } = await import('node:fs');
      const status = readFileSync(`/proc/${await engine.inspect(name, '{{.State.Pid}}')}/status`, 'utf8');
      assert.match(status, /^Uid:\t200000\t200000\t200000\t200000$/m);
      assert.match(status, /^Gid:\t200000\t200000\t200000\t200000$/m);
      const { stdout } = ok(
        await engine.exec(name, [], ['sh', '-c', 'id -u; cat /proc/self/uid_map; stat -c %u /bin']),
      );
      assert.match(stdout, /^0\n\s+0\s+200000\s+65536\n0\n$/);
    });

    scenario('its root may do what root may inside, and nothing outside', async () => {
      const script =
        'chown 5:6 /data && stat -c %u:%g /data; hostname new && hostname; mknod /tmp/mem c 1 1 2>/dev/null || echo no mknod';
      assert.equal(await engine.shell([...maps, '--cap-add', 'SYS_ADMIN'], script), '5:6\nnew\nno mknod');
    });

    scenario('a terminal belongs to the user inside', async () => {
      const { stdout } = ok(await engine.once([...maps, '-t'], ['sh', '-c', 'stat -c %u $(busybox tty); echo ok']));
      assert.match(stdout, /^0\r\nok/);
    });

    scenario('a user other than root', async () => {
      assert.equal(await engine.output([...maps, '-u', '1000:1000'], ['id', '-u']), '1000');
    });
  });
}
