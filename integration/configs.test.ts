// Configs that others have written: `runt spec`, `runc spec`, and what Docker, containerd and Podman gave to their runtimes.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, ok } from '../conformance/harness/index.ts';
import { adapt, giveToRoot, object } from './captured-configs.ts';
import { sharedFolder } from './support.ts';

check('the config of spec, with the terminal off, runs as it is', (box) => {
  const container = box.container();
  const directory = join(box.directory, 'spec');
  mkdirSync(directory);
  ok(box.command(['spec', '--bundle', directory], {}));
  const config = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'));
  config.process.terminal = false;
  config.process.args = ['/bin/sh', '-c', 'echo it runs as $(id -u) on $(hostname)'];
  container.configure(() => ({ ...config }));
  assert.match(ok(container.run()).stdout, /^it runs as 0 on /);
});

const runc = spawnSync('runc', ['--version'], { stdio: 'ignore' }).status === 0;
check('the config of runc spec, with the terminal off, runs as it is', { skip: runc ? false : 'needs runc' }, (box) => {
  const container = box.container();
  const directory = join(box.directory, 'spec');
  mkdirSync(directory);
  assert.equal(spawnSync('runc', ['spec', '--bundle', directory]).status, 0);
  const config = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'));
  config.process.terminal = false;
  config.process.args = ['/bin/echo', 'it runs'];
  container.configure(() => ({ ...config }));
  assert.equal(ok(container.run()).stdout, 'it runs\n');
});

const folder = sharedFolder('configs');
const files =
  folder === undefined ? [] : readdirSync(folder).filter((name) => /^(docker|containerd|podman)-/.test(name));
if (folder === undefined) {
  check('captured configs run', { skip: 'the folder of captured configs is not here' }, () => undefined);
}
for (const name of files.sort()) {
  check(`${name}, captured from an engine, runs`, (box) => {
    const container = box.container((_, place) => {
      const config = object(JSON.parse(readFileSync(join(folder ?? '', name), 'utf8')));
      adapt(config, box, place);
      return config;
    });
    giveToRoot(container);
    ok(container.run());
    ok(container.create());
    ok(container.start());
    container.waitForStatus('stopped');
    ok(container.delete());
    box.assertNothingLeft();
  });
}
