// Buildah: its RUN steps are containers, too.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ended, ok, run } from '../harness/command.ts';
import { IMAGE, type Podman } from '../harness/podman.ts';
import { group, scenario } from '../harness/scenario.ts';
import { scope } from '../harness/scope.ts';

export function buildah({ buildah: client, engine }: Podman): void {
  const skip = client === undefined ? 'not installed: buildah' : undefined;
  const call = (args: readonly string[]) => run([...(client ?? []), ...args]);
  const isolation = ['--runtime', scope.runtime, '--isolation', 'oci'];

  group('buildah', () => {
    scenario('run: output, status, and what it changed stays', { skip }, async (context) => {
      const container = ok(await call(['from', '--pull-never', IMAGE])).stdout.trim();
      context.afterwards(() => call(['rm', container]));
      const inside = (script: string) =>
        call(['run', ...isolation, '--network', 'none', container, '--', 'sh', '-c', script]);
      assert.equal(ok(await inside('echo changed >/data/new; id -u')).stdout, '0\n');
      assert.equal(ok(await inside('cat /data/new')).stdout, 'changed\n');
      assert.notEqual((await inside('exit 7')).status, 0);
    });

    scenario('build runs the steps of a Containerfile', { skip }, async (context) => {
      const name = `localhost/${context.name()}`;
      const directory = join(scope.directory, `build-${context.name()}`);
      mkdirSync(directory);
      const lines = [
        `FROM ${IMAGE}`,
        'RUN echo built >/built && chown 1:1 /built',
        'USER 1:1',
        'CMD ["cat", "/built"]',
      ];
      writeFileSync(join(directory, 'Containerfile'), `${lines.join('\n')}\n`);
      context.afterwards(() => engine.cli(['rmi', '--force', name]));
      ok(await call(['build', '--pull-never', ...isolation, '--network', 'none', '--tag', name, directory]));
      const argv = ['run', '--rm', ...engine.runOptions, name];
      assert.equal(ended(await engine.cli(argv), 0).stdout, 'built\n');
    });
  });
}
