import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { defaultConfig, formatConfig } from './default-config.ts';
import type { Config } from './generated/types.ts';
import { parseConfig } from './load.ts';

const runc = spawnSync('runc', ['--version']).status === 0 ? false : 'runc is not installed';

test('the default configs are valid, and nothing is to be warned of', () => {
  for (const rootless of [false, true])
    for (const unifiedCgroups of [false, true])
      assert.deepEqual(parseConfig(formatConfig(defaultConfig({ rootless, unifiedCgroups })), 'f').warnings, []);
});

for (const rootless of [false, true]) {
  test(`the default ${rootless ? 'rootless ' : ''}config is that of runc, but for the version and the ambient capabilities of old ones`, {
    skip: runc,
  }, () => {
    const bundle = mkdtempSync(`${tmpdir()}/runt-spec-`);
    try {
      execFileSync('runc', ['spec', ...(rootless ? ['--rootless'] : [])], { cwd: bundle });
      const text = readFileSync(`${bundle}/config.json`, 'utf8');
      const theirs = JSON.parse(text) as Config;
      const { ambient, inheritable, ...capabilities } = theirs.process?.capabilities ?? {};
      const comparable = { ...theirs, ociVersion: '1.3.0', process: { ...theirs.process, capabilities } };
      const ours = formatConfig(defaultConfig({ rootless }));
      assert.equal(ours, JSON.stringify(comparable, null, '\t'), 'the order of the properties included');
    } finally {
      rmSync(bundle, { recursive: true });
    }
  });
}

test('the user of a rootless config is the one given', () => {
  const { linux } = defaultConfig({ rootless: true, uid: 1000, gid: 100 });
  assert.deepEqual(linux?.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }]);
  assert.deepEqual(linux?.gidMappings, [{ containerID: 0, hostID: 100, size: 1 }]);
});
