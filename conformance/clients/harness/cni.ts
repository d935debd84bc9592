// The network of pods: plugins of the Container Network Interface (containernetworking/cni, SPEC.md), as programs.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** lo goes up; the other says that there is an address. Returns the folders of the programs and of the configuration. */
export function writeNetworkPlugins(directory: string): { bin: string; conf: string } {
  const [bin, conf] = ['cni', 'cni-conf'].map((name) => join(directory, name)) as [string, string];
  for (const path of [bin, conf]) mkdirSync(path);
  const result = (rest: string) => `echo '{"cniVersion":"0.4.0",${rest}"dns":{}}'`;
  const plugin = (name: string, add: readonly string[]) => {
    const lines = ['#!/bin/sh', 'cat >/dev/null', '[ "$CNI_COMMAND" = ADD ] || exit 0', ...add];
    writeFileSync(join(bin, name), `${lines.join('\n')}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  plugin('loopback', ['nsenter --net="$CNI_NETNS" ip link set lo up >&2', result('')]);
  const address = `"interfaces":[{"name":"eth0","sandbox":"here"}],"ips":[{"version":"4","address":"192.0.2.9/24","interface":0}],`;
  plugin('nothing', [result(address)]);
  const list = { cniVersion: '0.4.0', name: 'nothing', plugins: [{ type: 'nothing' }] };
  writeFileSync(join(conf, '10-nothing.conflist'), JSON.stringify(list));
  return { bin, conf };
}
