// linux.resources.blockIO (config-linux.md, "Block IO"). 0 means "not set" for weights; as a rate it takes a limit away.

import { refuseOnV2, resourcePointer, type Writer } from './write.ts';

/** The controller's name in v1, by which it is asked for. */
const BLKIO = 'blkio';

const at = (...path: (string | number)[]): string => resourcePointer('blockIO', ...path);

/** The field, its file in v1, and its key in io.max of v2. */
const THROTTLES = [
  ['throttleReadBpsDevice', 'blkio.throttle.read_bps_device', 'rbps'],
  ['throttleWriteBpsDevice', 'blkio.throttle.write_bps_device', 'wbps'],
  ['throttleReadIOPSDevice', 'blkio.throttle.read_iops_device', 'riops'],
  ['throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device', 'wiops'],
] as const;

export function blockIoWrites(writer: Writer): void {
  const { blockIO } = writer.resources;
  if (blockIO === undefined) return;
  const { weight = 0, leafWeight = 0, weightDevice = [] } = blockIO;
  if (weight !== 0) writeWeight(writer, weight, at('weight'));
  if (leafWeight !== 0) writeLeafWeight(writer, leafWeight, at('leafWeight'));
  weightDevice.forEach((device, index) => {
    const key = `${device.major}:${device.minor}`;
    if ((device.weight ?? 0) !== 0) writeWeight(writer, device.weight ?? 0, at('weightDevice', index, 'weight'), key);
    if ((device.leafWeight ?? 0) !== 0)
      writeLeafWeight(writer, device.leafWeight ?? 0, at('weightDevice', index, 'leafWeight'), key);
  });
  for (const [field, file, name] of THROTTLES)
    blockIO[field]?.forEach(({ major, minor, rate }, index) => {
      const pointer = at(field, index, 'rate');
      const version = writer.require(BLKIO, pointer);
      const limit = writer.integer(rate, pointer);
      const key = `${major}:${minor}`;
      if (version === 1)
        writer.add({ controller: BLKIO, version, file, value: `${key} ${limit}`, pointer, unset: '0' });
      else
        writer.add({
          controller: 'io',
          version,
          file: 'io.max',
          value: `${key} ${name}=${rate === 0 ? 'max' : limit}`,
          pointer,
          unset: 'rbps=max wbps=max riops=max wiops=max',
        });
    });
}

/** Of the whole cgroup, or of a device (`major:minor`). The BFQ scheduler has files of its own: in v1 it is all that is left of weights. */
function writeWeight(writer: Writer, weight: number, pointer: string, device?: string): void {
  const version = writer.require(BLKIO, pointer);
  const suffix = device === undefined ? '' : '_device';
  const valued = (value: number): string => (device === undefined ? String(value) : `${device} ${value}`);
  const keyed = device === undefined ? {} : { unset: 'default' };
  const value = valued(weight);
  if (version === 1)
    writer.add({
      controller: BLKIO,
      version,
      file: `blkio.weight${suffix}`,
      value,
      pointer,
      otherwise: { file: `blkio.bfq.weight${suffix}`, value },
      ...keyed,
    });
  else
    writer.add({
      controller: 'io',
      version,
      file: 'io.bfq.weight',
      value,
      pointer,
      otherwise: { file: 'io.weight', value: valued(ioWeight(weight)) },
      ...keyed,
    });
}

function writeLeafWeight(writer: Writer, weight: number, pointer: string, device?: string): void {
  if (writer.require(BLKIO, pointer) === 2) refuseOnV2('the leaf weight of block devices', pointer);
  writer.add({
    controller: BLKIO,
    version: 1,
    file: device === undefined ? 'blkio.leaf_weight' : 'blkio.leaf_weight_device',
    value: device === undefined ? String(weight) : `${device} ${weight}`,
    pointer,
    ...(device === undefined ? {} : { unset: '0' }),
  });
}

/** io.weight of v2 (1 to 10000) from a weight of v1 (10 to 1000): linear, as in runc and crun. BFQ's own may be below 10. 0 stays 0. */
export function ioWeight(weight: number): number {
  if (weight === 0) return 0;
  return Math.max(1, 1 + Math.trunc(((weight - 10) * 9999) / 990));
}
