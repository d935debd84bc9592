// What a container sees of files: volumes, tmpfs, read-only.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ok, run } from '../harness/command.ts';
import type { Engine } from '../harness/engine.ts';
import { group, scenario } from '../harness/scenario.ts';
import { scope } from '../harness/scope.ts';

function hostDirectory(name: string): string {
  const directory = join(scope.directory, `host-${name}`);
  mkdirSync(directory);
  writeFileSync(join(directory, 'file'), 'from the host\n');
  return directory;
}

export function storage(engine: Engine): void {
  group('storage', () => {
    scenario('the root is writable, and each container has its own', async () => {
      assert.equal(await engine.shell([], 'echo changed >/data/from-image; cat /data/from-image'), 'changed');
      assert.equal(await engine.shell([], 'cat /data/from-image'), 'from the image');
    });

    scenario('--read-only makes the root read-only, and leaves /dev/shm, --tmpfs and volumes', async (context) => {
      const volume = hostDirectory(context.name());
      const script =
        'for i in / /etc /data; do echo x 2>/dev/null >$i/x && echo "$i is writable"; done; echo x >/dev/shm/x && echo x >/scratch/x && echo x >/volume/x && echo ok';
      assert.equal(await engine.shell(['--read-only', '--tmpfs', '/scratch', '-v', `${volume}:/volume`], script), 'ok');
    });

    scenario('--tmpfs with options', async () => {
      const text = await engine.shell(
        ['--tmpfs', '/scratch:rw,noexec,size=2m,mode=1770'],
        'grep " /scratch " /proc/mounts; stat -c %a /scratch',
      );
      assert.match(text, /^tmpfs \/scratch tmpfs rw,nosuid,nodev,noexec,.*size=2048k/);
      assert.match(text, /\n1770$/);
    });

    scenario('a bind mount is shared both ways, :ro only one', async (context) => {
      const volume = hostDirectory(context.name());
      assert.equal(
        await engine.shell(['-v', `${volume}:/volume`], 'cat /volume/file; echo back >/volume/back'),
        'from the host',
      );
      assert.equal(readFileSync(join(volume, 'back'), 'utf8'), 'back\n');
      const script = 'cat /volume/file; echo x 2>/dev/null >/volume/x || echo read-only';
      assert.equal(await engine.shell(['-v', `${volume}:/volume:ro`], script), 'from the host\nread-only');
    });

    scenario('a single file can be mounted, and its directory is made', async (context) => {
      const volume = hostDirectory(context.name());
      assert.equal(
        await engine.output(['-v', `${volume}/file:/new/place/file:ro`], ['cat', '/new/place/file']),
        'from the host',
      );
    });

    scenario('a mount through a link of the image stays inside', async (context) => {
      const name = context.name();
      const volume = hostDirectory(name);
      const made = await engine.detached(context, [], ['sh', '-c', 'ln -s /../../../../outside /link; mkdir /outside']);
      await engine.wait(made);
      const image = `clients-${name}`;
      ok(await engine.cli(['commit', made, image]));
      context.afterwards(() => engine.cli(['rmi', '--force', image]));
      const argv = ['run', '--rm', ...engine.runOptions, '-v', `${volume}:/link`, image, 'cat', '/outside/file'];
      assert.equal(ok(await engine.cli(argv)).stdout, 'from the host\n');
    });

    scenario('a named volume outlives its container', async (context) => {
      const volume = `v${context.name()}`;
      context.afterwards(() => engine.cli(['volume', 'rm', '--force', volume]));
      assert.equal(
        await engine.shell(['-v', `${volume}:/data`], 'cat /data/from-image; echo kept >/data/kept'),
        'from the image',
      );
      assert.equal(await engine.output(['-v', `${volume}:/elsewhere`], ['cat', '/elsewhere/kept']), 'kept');
    });

    scenario("--volumes-from takes another container's", async (context) => {
      const name = await engine.detached(context, ['-v', '/shared'], ['sh', '-c', 'echo mine >/shared/x; sleep 1000']);
      assert.equal(
        await engine.shell(['--volumes-from', name], 'while ! test -s /shared/x; do sleep 0.1; done; cat /shared/x'),
        'mine',
      );
    });

    scenario('propagation: what the host mounts later appears with rslave only', async (context) => {
      const directory = join(scope.directory, `propagation-${context.name()}`);
      mkdirSync(directory);
      ok(await run(['mount', '-t', 'tmpfs', 'tmpfs', directory]));
      context.afterwards(() => run(['umount', '-l', directory]));
      ok(await run(['mount', '--make-shared', directory]));
      mkdirSync(join(directory, 'later'));
      const slave = await engine.detached(context, ['-v', `${directory}:/volume:rslave`], ['sleep', '1000']);
      const own = await engine.detached(context, ['-v', `${directory}:/volume:rprivate`], ['sleep', '1000']);
      ok(await run(['mount', '-t', 'tmpfs', 'tmpfs', join(directory, 'later')]));
      context.afterwards(() => run(['umount', '-l', join(directory, 'later')]));
      const seen = async (name: string) =>
        Number((await engine.exec(name, [], ['grep', '-c', '/volume/later', '/proc/mounts'])).stdout);
      assert.equal(await seen(slave), 1);
      assert.equal(await seen(own), 0);
    });

    scenario('the files of the engine are there: hosts and hostname', async () => {
      const text = await engine.shell(
        ['--hostname', 'box'],
        'echo "$(cat /etc/hostname)"; test -s /etc/hosts && echo ok',
      );
      assert.equal(text, 'box\nok');
    });
  });
}
