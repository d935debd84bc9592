// The device policy as properties of a unit: a list of what is allowed (systemd.resource-control(5), "DeviceAllow="). Pure.
//
// systemd knows no exceptions from what is allowed. On v2 its filter and ours must both allow an access, so its list may be wider but never
// narrower than the policy; on v1 there is one list, which systemd writes anew when it is reloaded: so it may be narrower, but never wider.

import { ACCESS, type DeviceMatch, type DevicePolicy, exceptionsOf } from '../device-rules.ts';
import type { UnitProperty } from './properties.ts';

/** From this version on systemd takes the number of a major, and devices whose nodes do not exist. */
const NUMBERS_SINCE = 240;

/** `isV1`: devices are controlled by the v1 hierarchy. `systemd`: its version. */
export function deviceProperties(policy: DevicePolicy, isV1: boolean, systemd: number): readonly UnitProperty[] {
  if (policy.allowByDefault) {
    if (!isV1 || policy.entries.every(({ allow }) => allow)) return properties('auto', []);
    return properties('strict', allowed(policy.entries.filter(({ allow }) => allow)));
  }
  const matches = isV1 ? exceptionsOf(policy) : policy.entries.filter(({ allow }) => allow);
  const list = allowed(matches);
  if (list.includes(undefined) || (systemd < NUMBERS_SINCE && !isV1))
    return properties(isV1 ? 'strict' : 'auto', isV1 ? list : []);
  return properties('strict', list);
}

function allowed(matches: readonly DeviceMatch[]): readonly (readonly [string, string] | undefined)[] {
  return matches.map(({ type, major, minor, access }) => {
    const name = type === 'c' ? 'char' : 'block';
    const letters = (['r', 'w', 'm'] as const).filter((letter) => (access & ACCESS[letter]) !== 0).join('');
    if (major === null) return minor === null ? ([`${name}-*`, letters] as const) : undefined;
    return [minor === null ? `${name}-${major}` : `/dev/${name}/${major}:${minor}`, letters] as const;
  });
}

function properties(mode: 'auto' | 'strict', list: readonly (readonly [string, string] | undefined)[]): UnitProperty[] {
  const entries = list.filter((entry) => entry !== undefined);
  return [
    { name: 'DevicePolicy', signature: 's', value: mode },
    // Emptied first: an assignment adds to the list.
    { name: 'DeviceAllow', signature: 'a(ss)', value: [] },
    ...(entries.length === 0 ? [] : [{ name: 'DeviceAllow', signature: 'a(ss)', value: entries }]),
  ];
}
