// `runt features --why`: it looks, for anybody, and leaves the host as it is.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type CheckOptions, check, ok, refused, runtimePath } from '../conformance/harness/index.ts';
import { needsStrace, straced } from './support.ts';

interface Report {
  readonly root: boolean;
  readonly works: readonly string[];
  readonly missing: readonly { readonly of: readonly string[]; readonly kind: string; readonly reason: string }[];
}

function runAs(uid: number, ...args: string[]): { readonly stdout: string; readonly stderr: string } | undefined {
  const program = runtimePath.endsWith('.js') ? [process.execPath, runtimePath] : [runtimePath];
  const [file = '', ...rest] = [...program, ...args];
  const result = spawnSync(file, rest, { uid, gid: uid, encoding: 'utf8', cwd: '/', env: {} });
  // A checkout below /root can't be entered by others: that is the checkout's matter.
  if (result.error !== undefined || /EACCES|ermission denied/.test(result.stderr)) return undefined;
  assert.equal(result.status, 0, result.stderr);
  return result;
}

check('what this host can not do is told with what is missing, as text and as JSON', (box) => {
  const text = ok(box.command(['features', '--why'], {})).stdout;
  assert.match(text, /^Linux \S+, .*, as root: \d+ of \d+ things that were looked at work\.$/m);
  const report: Report = JSON.parse(ok(box.command(['features', '--why', '--format', 'json'], {})).stdout);
  assert.equal(report.root, true);
  assert.ok(report.works.includes('linux.seccomp with SCMP_ACT_ERRNO'));
  for (const { of, kind, reason } of report.missing) {
    assert.ok(text.includes(`${of.join(', ')}\n  ${kind}: ${reason}\n`), reason);
  }
});

check('a caller without privileges is told what needs them', () => {
  const result = runAs(65534, 'features', '--why', '--format', 'json');
  if (result === undefined) return;
  const report: Report = JSON.parse(result.stdout);
  assert.equal(report.root, false);
  const lacking = report.missing.filter(({ kind }) => kind === 'capability').flatMap(({ of }) => of);
  assert.ok(lacking.includes('a container without a user namespace'), lacking.join());
});

const tracing: CheckOptions = { skip: needsStrace };
check('nothing is changed: no file is written, no mount made, no filter installed', tracing, (box) => {
  const changing =
    'mkdir,mkdirat,mknodat,unlink,unlinkat,rename,renameat,renameat2,mount,umount2,pivot_root,sethostname,setns';
  const asking = 'seccomp,move_mount,fsopen,fsmount,mount_setattr,bpf';
  const trace = straced(box, `trace=open,openat,openat2,${changing},${asking}`);
  ok(box.command(['features', '--why'], { prelude: trace.prelude }));
  const lines = trace.lines();
  const change = new RegExp(`O_WRONLY|O_RDWR|O_CREAT|\\b(?:${changing.replaceAll(',', '|')})\\(`);
  const bad = lines.filter((line) => change.test(line) && !/"\/dev\/(?:null|tty)"/.test(line));
  assert.deepEqual(bad, []);
  // What was asked for in order to be refused, was refused.
  const done = lines.filter((line) => /\b(?:seccomp|move_mount|fsopen|fsmount|mount_setattr|bpf)\(/.test(line));
  assert.ok(
    done.some((line) => line.includes('SECCOMP_SET_MODE_FILTER')),
    'the probes are not in the trace',
  );
  for (const line of done) {
    if (/SECCOMP_GET_|resumed>/.test(line)) continue;
    assert.match(line, /= -1 E|unfinished/, line);
  }
});

check('--format says how the reasons are printed, and nothing else', (box) => {
  refused(box.command(['features', '--format', 'json'], {}), /--why/);
  assert.equal(JSON.parse(ok(box.command(['features'], {})).stdout).ociVersionMax, '1.3.0');
});
