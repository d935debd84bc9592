// Runs the compiled tests, two files at a time, each in a process of its own, and counts. Every suite with real containers runs
// under both engines: the executable, and the program for Node.js.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const reporter = new URL('test-reporter.mjs', import.meta.url).href;
const CONCURRENCY = 2;
/** How many times slower than usual this machine is (conformance/harness/wait.ts). */
const PATIENCE = Number(process.env.CONFORMANCE_PATIENCE ?? '1');
/** Milliseconds that a file may take. */
const DEADLINE = 300_000 * PATIENCE;

/**
 * In a virtual machine, where each test takes ten times as long: what depends on the kind of control groups, and of the rest a look at each
 * subject with another kernel. `tests` is a regular expression: the tests of the file whose names it matches.
 */
const ON_V2 = [
  { file: 'conformance/kill-all' },
  { file: 'conformance/resources' },
  { file: 'conformance/cgroups' },
  { file: 'conformance/pause' },
  { file: 'conformance/ps' },
  { file: 'conformance/events' },
  { file: 'conformance/exec', tests: 'cgroup|paused|sees the container|number of processes|many programs|detached' },
  { file: 'conformance/lifecycle', tests: 'the status goes|^delete|^run |a create that fails' },
  { file: 'conformance/user-namespaces', tests: 'whole life|joined by its path|runs in a user namespace|^limits' },
  { file: 'conformance/seccomp', tests: 'arguments decide|newer than all|agent|is killed' },
  { file: 'conformance/rootless', tests: 'whole life|exec adds' },
  { file: 'conformance/namespaces', tests: 'cgroup|own pid namespace|each namespace' },
  // Both ask the kernel for much: id-mapped mounts are younger than some file systems, and addresses of IPv6 come and go with a device.
  { file: 'conformance/network-devices' },
  { file: 'conformance/id-mapped-mounts' },
  { file: 'integration/prepared-run', tests: 'third run|same container|limits and|is the same, but for' },
  { file: 'integration/signal-and-state' },
  // With AppArmor, and with a kernel that signals no process group by a descriptor.
  { file: 'conformance/labels' },
  { file: 'conformance/labels-security' },
  { file: 'conformance/rootless', tests: 'AppArmor' },
  { file: 'conformance/hooks', tests: 'timeout' },
  { file: 'integration/plan-calls', tests: 'without a cgroup namespace' },
];
const WITH_SYSTEMD = [
  { file: 'conformance/systemd' },
  { file: 'integration/systemd' },
  { file: 'conformance/resources' },
  { file: 'conformance/cgroups' },
  { file: 'conformance/pause', tests: '^pause|^delete|below' },
  { file: 'conformance/kill-all', tests: 'KILL --all|^delete' },
  { file: 'conformance/events', tests: 'one line|memory' },
  { file: 'conformance/exec', tests: 'cgroup|paused' },
  { file: 'conformance/user-namespaces', tests: 'whole life' },
  { file: 'integration/signal-and-state', tests: '^state|^a signal|paused' },
  { file: 'conformance/rootless', tests: 'systemd-cgroup' },
];
/** The machine with SELinux. */
const WITH_SELINUX = [{ file: 'conformance/labels-selinux' }];
/** What node:test says of the others. */
const NOT_CHOSEN = 'test name does not match pattern';

/**
 * In this order. `runtime` is what the tests drive, relative to the repository. Those of a virtual machine (scripts/test-vm.sh) are run only
 * where they are asked for.
 */
const SUITES = {
  unit: { directory: 'src' },
  integration: { directory: 'integration', runtime: 'dist/runt' },
  conformance: { directory: 'conformance', runtime: 'dist/runt' },
  'integration-node': { directory: 'integration', runtime: 'bin/runt.js' },
  'conformance-node': { directory: 'conformance', runtime: 'bin/runt.js' },
  'vm-file-system': { files: ON_V2, runtime: 'dist/runt', vm: true },
  'vm-systemd': {
    files: WITH_SYSTEMD,
    runtime: 'dist/runt',
    env: { RUNTIME_FLAGS: '--systemd-cgroup' },
    vm: true,
  },
  'vm-selinux': { files: WITH_SELINUX, runtime: 'dist/runt', vm: true },
};

function testFiles({ directory, files }) {
  if (files !== undefined) return files.map(({ file, tests }) => ({ file: `build/${file}.test.js`, tests }));
  const path = join(root, 'build', directory);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith('.test.js'))
    .sort()
    .map((name) => ({ file: join('build', directory, name) }));
}

/** Resolves with the file's results; a process that ends badly without a failed test is a failure of its own. */
function runFile({ suite, file, tests, runtime, env: more }, scratch, number) {
  const report = join(scratch, `${number}.jsonl`);
  const env = { ...process.env, ...(runtime === undefined ? {} : { RUNTIME: join(root, runtime) }), ...more };
  delete env.NODE_TEST_CONTEXT;
  const begin = performance.now();
  const child = spawn(
    process.execPath,
    [
      `--test-reporter=${reporter}`,
      `--test-reporter-destination=${report}`,
      ...(tests === undefined ? [] : [`--test-name-pattern=/${tests}/`]),
      file,
    ],
    {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      output = (output + text).slice(-20_000);
    });
  }
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, DEADLINE);
  return new Promise((resolve) => {
    // 'exit', not 'close': a container that a broken runtime left behind holds our pipes.
    child.once('error', (error) => finish(`can't be started: ${error.message}`));
    child.once('exit', (code, signal) => finish(code === 0 ? undefined : `ended with ${signal ?? `status ${code}`}`));
    function finish(bad) {
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      const results = existsSync(report)
        ? readFileSync(report, 'utf8')
            .split('\n')
            .filter(Boolean)
            .map((line) => JSON.parse(line))
            .filter(({ text }) => text !== NOT_CHOSEN)
        : [];
      const why = late
        ? `took longer than ${DEADLINE / 1000} s`
        : (bad ?? (results.length === 0 ? 'has no tests' : undefined));
      if (why !== undefined && !results.some(({ type }) => type === 'failed')) {
        results.push({ type: 'failed', name: `the file ${why}`, milliseconds: 0, text: output });
      }
      resolve({ suite, file, results, seconds: (performance.now() - begin) / 1000 });
    }
  });
}

const count = (results, type) => results.filter((result) => result.type === type).length;
const counts = (results) => ['passed', 'failed', 'skipped'].map((type) => `${count(results, type)} ${type}`).join(', ');
const indent = (text) => text.trimEnd().replaceAll(/^/gm, '    ');

const fileName = (file) => file.replace(/^build\//, '').replace(/\.js$/, '.ts');

function print({ suite, file, results, seconds }) {
  console.log(`${suite}: ${fileName(file)}: ${counts(results)} (${seconds.toFixed(1)} s)`);
  for (const { type, name: test, text } of results)
    if (type === 'failed') console.log(`  FAILED ${test}\n${indent(text)}`);
}

function printSkipped(results) {
  const reasons = new Map();
  for (const { type, text } of results) if (type === 'skipped') reasons.set(text, (reasons.get(text) ?? 0) + 1);
  if (reasons.size > 0) console.log('\nskipped:');
  for (const [reason, times] of reasons) console.log(`  ${times} × ${reason}`);
}

/** The Test Anything Protocol: a line a test, and how many there are. */
function printTap(results) {
  console.log('\nTAP version 13');
  results.forEach(({ suite, file, name, type, text }, index) => {
    const title = `${suite}: ${fileName(file)}: ${name}`.replaceAll('#', '\\#');
    const skipped = type === 'skipped' ? ` # SKIP ${text}` : '';
    console.log(`${type === 'failed' ? 'not ok' : 'ok'} ${index + 1} - ${title}${skipped}`);
  });
  console.log(`1..${results.length}`);
}

const tap = process.argv[2] === '--tap';
const chosen = process.argv.slice(tap ? 3 : 2);
const unknown = chosen.filter((name) => !(name in SUITES));
if (unknown.length > 0) {
  console.error(`no such suite: ${unknown.join(', ')}; there are ${Object.keys(SUITES).join(', ')}`);
  process.exit(1);
}
const queue = Object.entries(SUITES)
  .filter(([name, { vm }]) => (chosen.length === 0 ? vm !== true : chosen.includes(name)))
  .flatMap(([suite, { runtime, env, ...where }]) => testFiles(where).map((one) => ({ suite, ...one, runtime, env })));

const scratch = mkdtempSync(join(tmpdir(), 'runt-tests-'));
const all = [];
let next = 0;
const begin = performance.now();
async function work() {
  while (next < queue.length) {
    const number = next++;
    const done = await runFile(queue[number], scratch, number);
    print(done);
    all.push(...done.results.map((result) => ({ ...result, suite: done.suite, file: done.file })));
  }
}
await Promise.all(Array.from({ length: CONCURRENCY }, work));
rmSync(scratch, { recursive: true, force: true });

if (tap) printTap(all);
printSkipped(all);
console.log(`\n${queue.length} files in ${((performance.now() - begin) / 1000).toFixed(0)} s`);
console.log(counts(all));
process.exitCode = count(all, 'failed') > 0 || count(all, 'passed') === 0 ? 1 : 0;
