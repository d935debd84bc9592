// The schemas themselves, and the validators made from them, against documents of others.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { MINIMAL, sharedFiles } from './fixtures.ts';
import { validateConfig } from './generated/config-lean.ts';
import { validateFeatures, validateState } from './generated/documents-lean.ts';
import * as full from './generated/full.ts';
import { validateProcess } from './generated/process-lean.ts';
import type { DocumentKind } from './schema.ts';
import { validateText } from './validate.ts';

type Schema = { readonly [key: string]: unknown; readonly properties?: Readonly<Record<string, Schema>> };

function* properties(schema: unknown, path: string): Generator<readonly [string, Schema]> {
  if (schema === null || typeof schema !== 'object') return;
  for (const [name, part] of Object.entries(schema)) {
    if (name === 'properties')
      for (const [key, value] of Object.entries(part as object)) yield [`${path}/${key}`, value as Schema];
    yield* properties(part, `${path}/${name}`);
  }
}

test('every property of every schema has a sentence of its own and a link into the specification', () => {
  let count = 0;
  for (const file of readdirSync('schemas')) {
    for (const [path, property] of properties(JSON.parse(readFileSync(`schemas/${file}`, 'utf8')), file)) {
      count += 1;
      assert.match(String(property['description']), /^[A-Z"0-9'].*[.:]$/s, path);
      assert.match(
        String(property['x-spec']),
        /^https:\/\/github\.com\/opencontainers\/runtime-spec\/blob\/v1\.3\.0\//,
        path,
      );
    }
  }
  assert.ok(count > 250, `${count} properties`);
});

test('the validators need no module at run time', () => {
  const directory = 'src/spec/generated';
  for (const file of readdirSync(directory))
    assert.doesNotMatch(readFileSync(`${directory}/${file}`, 'utf8'), /require\(|from ['"](?!\.\.\/)/, file);
});

for (const kind of ['config', 'state', 'features'] as const) {
  for (const quality of ['good', 'bad'] as const) {
    const { files, skip } = sharedFiles(`vectors/${kind}/${quality}`);
    test(`the specification's ${quality} examples of ${kind} ${quality === 'good' ? 'have no error' : 'have errors'}`, {
      skip,
    }, async () => {
      assert.notEqual(files.length, 0);
      for (const file of files) {
        const errors = (await validateText(readFileSync(file, 'utf8'), kind)).filter(
          ({ severity }) => severity === 'error',
        );
        assert.equal(errors.length === 0, quality === 'good', `${basename(file)}: ${JSON.stringify(errors)}`);
      }
    });
  }
}

const captured = sharedFiles('configs');
test('every config captured from container engines is valid, and nothing is said about it', {
  skip: captured.skip,
}, async () => {
  assert.notEqual(captured.files.length, 0);
  for (const file of captured.files) {
    // What engines pass to `exec` is a process.
    const kind: DocumentKind = basename(file).startsWith('exec') ? 'process' : 'config';
    assert.deepEqual(await validateText(readFileSync(file, 'utf8'), kind), [], basename(file));
  }
});

test('the lean and the full validators agree', () => {
  const documents: readonly unknown[] = [
    MINIMAL,
    {},
    null,
    [],
    { ...MINIMAL, linux: { namespaces: [{ type: 'networ' }] } },
    { ...MINIMAL, process: { cwd: 1 } },
    { ...MINIMAL, hooks: { poststop: [{ path: '/x', timeout: 0 }] } },
    { ociVersion: '1.3.0', id: 'a', status: 'running', bundle: '/b', pid: 1 },
    { ociVersionMin: '1.0.0', ociVersionMax: '1.3.0', hooks: null, linux: { seccomp: { actions: ['SCMP_ACT_X'] } } },
    { ociVersionMin: '1.0.0', ociVersionMax: '1.3.0' },
    { cwd: '/' },
    { cwd: '/', capabilities: { bounding: [1] } },
  ];
  const pairs = [
    [validateConfig, full.validateConfig],
    [validateState, full.validateState],
    [validateFeatures, full.validateFeatures],
    [validateProcess, full.validateProcess],
  ] as const;
  for (const [lean, thorough] of pairs) {
    const verdicts = documents.map((document) => lean(document));
    assert.deepEqual(
      verdicts,
      documents.map((document) => thorough(document)),
    );
    assert.ok(verdicts.includes(true) && verdicts.includes(false));
  }
});

test('features may be null, which means unknown', () => {
  assert.ok(
    validateFeatures({
      ociVersionMin: '1.0.0',
      ociVersionMax: '1.3.0',
      linux: { namespaces: null, cgroup: { v1: null } },
    }),
  );
  assert.ok(!validateFeatures({ ociVersionMin: null, ociVersionMax: '1.3.0' }));
});
