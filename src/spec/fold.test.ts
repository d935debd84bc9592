import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BASES } from '../fuzz/bases.ts';
import { writeConfig } from '../fuzz/values.ts';
import { explain } from './explain.ts';
import { configWith, MINIMAL, places, sharedFiles } from './fixtures.ts';
import { foldNames } from './fold.ts';
import { knownProperties, validateConfig } from './generated/config-lean.ts';
import { ROOTS } from './generated/schema-index.ts';
import { loadText } from './load.ts';
import { loadProcess } from './load-process.ts';
import { loadResources } from './load-resources.ts';
import { countProperties } from './scan.ts';
import { resolve, type SchemaNode, unknownProperties } from './schema.ts';

/** The document that a text of linux.resources is taken for, and the pointers of what is said about it. */
function folded(text: string): { readonly document: unknown; readonly places: readonly string[] } {
  const found = foldNames(text, 'resources');
  if (found !== undefined) assert.deepEqual(JSON.parse(found.text), found.document);
  return { document: found?.document, places: found?.findings.map((one) => `${one.severity} ${one.pointer}`) ?? [] };
}

test('a name in another case is taken for that of the specification, with a warning at its place', () => {
  assert.deepEqual(folded('{"CPU": {"Cpus": "0", "MEMS": "1"}, "hugepagelimits": [{"pagesize": "2MB", "Limit": 0}]}'), {
    document: { cpu: { cpus: '0', mems: '1' }, hugepageLimits: [{ pageSize: '2MB', limit: 0 }] },
    places: [
      'warning /CPU',
      'warning /CPU/Cpus',
      'warning /CPU/MEMS',
      'warning /hugepagelimits',
      'warning /hugepagelimits/0/pagesize',
      'warning /hugepagelimits/0/Limit',
    ],
  });
});

test('names that nobody knows stay as they are, and so do those of maps', () => {
  assert.deepEqual(
    folded('{"cpuz": {}, "unified": {"CPU": "1", "Memory.Max": "2"}, "rdma": {"CPU": {"hcahandles": 1}}}'),
    {
      document: {
        cpuz: {},
        unified: { CPU: '1', 'Memory.Max': '2' },
        rdma: { CPU: { hcaHandles: 1 } },
      },
      places: ['warning /rdma/CPU/hcahandles'],
    },
  );
  for (const text of ['{"cpuz": {"Shares": 1}}', '{"unified": {"Limit": "1"}}', '[]', 'null', '{', '{"cpu": 1}'])
    assert.equal(foldNames(text, 'resources'), undefined, text);
});

test('only letters of ASCII have a case: the sign of the kelvin is no k', () => {
  // Go takes the first for blockIO, and the second for cpus.
  assert.equal(foldNames('{"bloc\u212aIO": {"weight": 10}}', 'resources'), undefined);
  assert.equal(foldNames('{"cpu": {"cpu\u017f": "0"}}', 'resources'), undefined);
});

test('objects under two names of one property are one where they have no name in common', () => {
  assert.deepEqual(folded('{"CPU": {"Cpus": "0"}, "cpu": {"shares": 7}, "Cpu": {"quota": 1}}'), {
    document: { cpu: { shares: 7, cpus: '0', quota: 1 } },
    places: ['warning /CPU', 'warning /CPU/Cpus', 'warning /Cpu'],
  });
});

test('of a value that is there twice the one under the exact name counts, wherever it stands', () => {
  for (const [text, document, at] of [
    ['{"pids": {"LIMIT": 1, "limit": 2}}', { pids: { LIMIT: 1, limit: 2 } }, '/pids/LIMIT'],
    ['{"pids": {"limit": 2, "LIMIT": 1}}', { pids: { LIMIT: 1, limit: 2 } }, '/pids/LIMIT'],
    ['{"PIDS": {"Limit": 1}, "pids": {"limit": 2}}', { PIDS: { Limit: 1 }, pids: { limit: 2 } }, '/PIDS'],
    ['{"Devices": [], "devices": []}', { Devices: [], devices: [] }, '/Devices'],
  ] as const) {
    assert.deepEqual(folded(text), { document, places: [`warning ${at}`] }, text);
  }
});

test('of two names in another case for one value neither counts: that is an error', async () => {
  assert.deepEqual(folded('{"pids": {"LIMIT": 1, "Limit": 2}}').places, ['warning /pids/LIMIT', 'error /pids/Limit']);
  await assert.rejects(
    loadResources('{"pids": {"LIMIT": 1, "Limit": 2}}', 'r'),
    /r:1:23: error: \/pids\/Limit: "limit" is there already/,
  );
  const text = JSON.stringify(configWith({ process: { ...MINIMAL.process, TERMINAL: false, Terminal: true } }));
  // The config would fit without: both are unknown then.
  assert.ok(validateConfig(JSON.parse(text)));
  await assert.rejects(
    loadText(text, 'c'),
    /error: \/process\/Terminal: "terminal" is there already under another name/,
  );
});

test('a name that is there twice in one case is an error, whatever else there is', async () => {
  const twice = '{"CPU": {"shares": 2}, "CPU": {"quota": 1000}}';
  assert.equal(foldNames(twice, 'resources'), undefined);
  await assert.rejects(loadResources(twice, 'r'), /there twice/);
});

test('no name makes a prototype', () => {
  const { document } = folded(
    '{"CPU": {"__proto__": {"shares": 1}}, "cpu": {"__PROTO__": 1}, "__proto__": {"pids": {"limit": 1}}}',
  );
  assert.deepEqual(
    JSON.stringify(document),
    '{"cpu":{"__PROTO__":1,"__proto__":{"shares":1}},"__proto__":{"pids":{"limit":1}}}',
  );
});

test('a config with names in another case is loaded as with those of the specification, to the digit', async () => {
  const text = JSON.stringify(configWith({ linux: { Resources: {}, namespaces: [{ Type: 'pid' }] } }), null, 2)
    .replace(
      '"cwd"',
      '"RLimits": [{"TYPE": "RLIMIT_CORE", "Soft": 9007199254740993, "hard": 18446744073709551615}], "cwd"',
    )
    .replace('"root"', '"\\u0052oot"')
    .replace('"path"', '"\\u0050ath"');
  const loaded = await loadText(text, 'c');
  assert.deepEqual(loaded.config, {
    ...MINIMAL,
    process: {
      ...MINIMAL.process,
      rlimits: [{ type: 'RLIMIT_CORE', soft: 9007199254740992, hard: 18446744073709552000 }],
    },
    linux: { resources: {}, namespaces: [{ type: 'pid' }] },
  });
  assert.equal(loaded.exactInteger('/process/rlimits/0/soft'), 9007199254740993n);
  assert.equal(loaded.exactInteger('/process/rlimits/0/hard'), 18446744073709551615n);
  // What is kept for later commands has the names of the specification.
  const again = await loadText(loaded.text, 'c');
  assert.deepEqual(again.config, loaded.config);
  assert.deepEqual(again.warnings, []);
  assert.equal(again.exactInteger('/process/rlimits/0/soft'), 9007199254740993n);
  assert.deepEqual(loaded.warnings.map(({ message, pointer }) => `${pointer}: ${message}`).slice(0, 2), [
    '/process/RLimits: it is taken for "rlimits", as the specification spells it',
    '/process/RLimits/0/TYPE: it is taken for "type", as the specification spells it',
  ]);
});

test('what else is wrong is told at its place in the text that was given, and the name as a warning', async () => {
  const text = [
    '{"OCIVersion": "1.3.0", "PROCESS": {"args": ["sh"],',
    '  "CWD": "here"}, "root": {"path": "rootfs"},',
    '  "Process": {"user": {"uid": -1}}, "\\u0068OSTNAME": 5, "linux": {"namespaces": [{"typ": "pid"}]}}',
  ].join('\n');
  const findings = explain(text, 'config');
  assert.deepEqual(
    findings.map(({ line, column, severity, pointer }) => `${line}:${column} ${severity} ${pointer}`),
    [
      '1:2 warning /OCIVersion',
      '1:25 warning /PROCESS',
      '2:3 warning /PROCESS/CWD',
      '2:10 error /process/cwd',
      '3:3 warning /Process',
      '3:31 error /process/user/uid',
      '3:37 warning /hOSTNAME',
      '3:54 error /hostname',
      '3:82 error /linux/namespaces/0',
      '3:83 warning /linux/namespaces/0/typ',
    ],
  );
  const { suggestion } = findings.at(-1) ?? {};
  assert.equal(suggestion, 'type');
  await assert.rejects(loadText(text, 'c'), /c:2:10: error: \/process\/cwd.*\(and 3 more\)/);
});

test('a document that is too deep for a report is taken as it is', () => {
  const deep = `{"CPU": {"shares": 2}, "x": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  assert.equal(foldNames(deep, 'resources'), undefined);
});

test('the process of an exec, and the change of an update, are folded too', async () => {
  const { process, warnings, text } = await loadProcess('{"Cwd": "/", "ARGS": ["a"]}', 'p');
  assert.deepEqual(process, { cwd: '/', args: ['a'] });
  assert.deepEqual(JSON.parse(text), process);
  assert.deepEqual(places(warnings), ['warning /Cwd', 'warning /ARGS']);
  const change = await loadResources('{"Memory": {"LIMIT": 9007199254740993}}', 'r');
  assert.equal(change.exactInteger('/linux/resources/memory/limit'), 9007199254740993n);
  assert.deepEqual(places(change.warnings), ['warning /Memory', 'warning /Memory/LIMIT']);
});

test('no two properties of an object are one but for their case', () => {
  const seen = new Set<SchemaNode>();
  const visit = (given: SchemaNode): void => {
    const node = resolve(given) ?? given;
    if (seen.has(node)) return;
    seen.add(node);
    const names = Object.keys(node.properties ?? {});
    assert.equal(new Set(names.map((name) => name.toLowerCase())).size, names.length, names.join());
    for (const part of [...Object.values(node.properties ?? {}), node.items, node.values])
      if (part !== undefined) visit(part);
  };
  for (const root of Object.values(ROOTS)) visit(root);
  assert.ok(seen.size > 200);
});

const captured = sharedFiles('configs');
test('the validator of the hot path counts the properties that the schema knows', () => {
  const texts = [
    ...BASES.map((base) => writeConfig(base)),
    ...captured.files.filter((file) => !/\/exec[^/]*$/.test(file)).map((file) => readFileSync(file, 'utf8')),
  ];
  let valid = 0;
  for (const text of texts) {
    const strange = text.replace('"linux"', '"x": {"y": {"z": 1}}, "linux"');
    for (const one of [text, strange]) {
      const document = JSON.parse(one);
      if (!validateConfig(document)) continue;
      valid += 1;
      assert.equal(countProperties(document) - knownProperties(), one === text ? 0 : 3);
      assert.equal(unknownProperties('config', document).length, one === text ? 0 : 1);
    }
  }
  assert.ok(valid >= 2 * BASES.length, `${valid}`);
});
