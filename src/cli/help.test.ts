import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { allCommands } from './commands.ts';
import { commandHelp, generalHelp } from './help.ts';
import { renderMarkdown } from './markdown.ts';
import { GLOBAL_OPTIONS } from './options.ts';

test('the general help names every command and every global option', () => {
  const help = generalHelp();
  for (const { name } of allCommands()) assert.match(help, new RegExp(`\\b${name}\\b`));
  for (const { name } of GLOBAL_OPTIONS) assert.ok(help.includes(`--${name}`), name);
});

test('the help of a command shows its usage, its arguments and every option', () => {
  for (const command of allCommands()) {
    const help = commandHelp(command);
    assert.ok(help.startsWith(`runt ${command.name}: `));
    for (const { name } of [...command.positionals, ...command.options])
      assert.ok(help.includes(name), `${command.name} ${name}`);
  }
});

test('the help of a command that is refused says so', () => {
  for (const command of allCommands())
    assert.equal(commandHelp(command).includes('not supported yet'), command.later === true);
});

test('help is no wider than 100 columns', () => {
  for (const help of [generalHelp(), ...allCommands().map(commandHelp)]) {
    for (const line of help.split('\n')) assert.ok(line.length <= 100, line);
  }
});

// To write the page anew: RUNT_WRITE_DOCS=1 and this test.
test('docs/command-line.md is up to date with the table of commands', () => {
  const page = 'docs/command-line.md';
  if (process.env.RUNT_WRITE_DOCS === '1') writeFileSync(page, renderMarkdown());
  assert.equal(readFileSync(page, 'utf8'), renderMarkdown());
});
