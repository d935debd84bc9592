// The statistics of a class, read from a directory that looks like resctrl.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { classStatistics } from './statistics.ts';

function withFiles(files: Readonly<Record<string, string>>, body: (root: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'resctrl-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    body(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Without what is undefined, as the JSON is. */
const shown = (value: object): object =>
  JSON.parse(JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? Number(part) : part)));

const HOST = {
  schemata: '    L3:0=fff\n    MB:0=100\n',
  'gold/schemata': '    L3:0=00f\n    MB:0= 20\n',
  'info/L3/cbm_mask': 'fff\n',
  'info/L3/min_cbm_bits': '2\n',
  'info/L3/num_closids': '16\n',
  'info/MB/bandwidth_gran': '10\n',
  'info/MB/delay_linear': '1\n',
  'info/MB/min_bandwidth': '10\n',
  'info/MB/num_closids': '8\n',
  'info/L3_MON/mon_features': 'llc_occupancy\nmbm_total_bytes\n',
};

test('all that the host has is told, by the names that runc gives it', () => {
  const monitored = {
    'gold/mon_data/mon_L3_00/llc_occupancy': '4096\n',
    'gold/mon_data/mon_L3_00/mbm_total_bytes': 'Unavailable\n',
    'gold/mon_data/mon_L3_01/llc_occupancy': '0\n',
    'gold/mon_data/mon_L3_01/mbm_total_bytes': '7\n',
  };
  withFiles({ ...HOST, ...monitored }, (root) => {
    assert.deepEqual(shown(classStatistics({ root, path: `${root}/gold` })), {
      l3_cache_info: { cbm_mask: 'fff', min_cbm_bits: 2, num_closids: 16 },
      l3_cache_schema_root: 'L3:0=fff',
      l3_cache_schema: 'L3:0=00f',
      mem_bw_info: { bandwidth_gran: 10, delay_linear: 1, min_bandwidth: 10, num_closids: 8 },
      mem_bw_schema_root: 'MB:0=100',
      mem_bw_schema: 'MB:0= 20',
      schemata: ['L3:0=00f', 'MB:0= 20'],
      mbm_stats: [{}, { mbm_total_bytes: 7 }],
      cmt_stats: [{ llc_occupancy: 4096 }, { llc_occupancy: 0 }],
    });
  });
});

test('a monitoring group of the container’s own counts for it alone', () => {
  const file = 'gold/mon_groups/box/mon_data/mon_L3_00/llc_occupancy';
  withFiles({ ...HOST, 'gold/mon_data/mon_L3_00/llc_occupancy': '9', [file]: '3' }, (root) => {
    const record = { root, path: `${root}/gold`, monitoring: `${root}/gold/mon_groups/box` };
    assert.deepEqual(shown(classStatistics(record).cmt_stats ?? []), [{ llc_occupancy: 3 }]);
  });
});

test('what the host does not have is left out, and a class that is gone tells nothing', () => {
  withFiles({ 'gold/schemata': '    L2:0=f\n' }, (root) => {
    assert.deepEqual(shown(classStatistics({ root, path: `${root}/gold` })), { schemata: ['L2:0=f'] });
    assert.deepEqual(classStatistics({ root, path: `${root}/gone` }), {});
  });
});
