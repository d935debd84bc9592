import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { configPlaces } from '../spec/schema-tree.ts';
import { tableProblems } from './check.ts';
import { tableText } from './markdown.ts';
import { propertiesOf } from './row.ts';
import { CHAPTERS, PROPERTIES } from './table.ts';

const patterns = configPlaces().flatMap(({ pattern, isProperty }) => (isProperty ? [pattern] : []));

test('every property of the specification is honoured or refused by a file that mentions it, and shown by a test', () => {
  assert.ok(patterns.length > 220, `${patterns.length}`);
  assert.deepEqual(tableProblems(PROPERTIES, patterns), []);
});

test('a property without a row, a row without a property, and a row that says nothing true are problems', () => {
  const problems = (row: object, of: readonly string[] = ['/process/args']) =>
    tableProblems(propertiesOf([{ properties: ['/process/args'], ...row } as never]), of).join('\n');
  const honouredBy = 'src/init/steps/program.ts';
  const test = ['conformance/process.test.ts', 'the program gets its arguments as they are written'];
  assert.equal(problems({ honouredBy, test }), '');
  assert.match(problems({ honouredBy, test }, ['/process/args', '/new']), /^\/new has no row/);
  assert.match(problems({ honouredBy, test }, []), /no property of the schemas/);
  assert.match(problems({ honouredBy: 'src/init/steps/nowhere.ts', test }), /nowhere\.ts does not exist/);
  assert.match(problems({ honouredBy: 'src/nearest.ts', test }), /src\/nearest\.ts does not mention it/);
  assert.match(problems({ honouredBy, test: [test[0], 'another title'] }), /has no test "another title"/);
  assert.match(problems({ honouredBy, test: ['src/nearest.ts', ''] }), /no file of tests/);
  assert.match(problems({ honouredBy, test, properties: ['/{process,process}/args'] }), /two rows/);
  assert.equal(problems({ honouredBy, test: [test[0], 'run of … fails with the reason, and leaves nothing'] }), '');
});

test('docs/properties.md is what the table says', () => {
  const text = tableText(CHAPTERS);
  if (process.env['RUNT_WRITE_DOCS'] === '1') writeFileSync('docs/properties.md', text);
  assert.equal(readFileSync('docs/properties.md', 'utf8'), text, 'run the tests with RUNT_WRITE_DOCS=1 to write it');
});
