// The small ones of linux.resources: pids, hugepageLimits, network, rdma; and unified, which is v2's own.

import { fail } from '../../error.ts';
import { refuseOnV2, resourcePointer, type Writer } from './write.ts';

/** A limit of 0 is one of 1, as in runc and in systemd, which can't say 0; below 0 there is none. The container's init counts. */
export function pidsWrites(writer: Writer): void {
  const limit = writer.resources.pids?.limit;
  if (limit === undefined) return;
  const pointer = resourcePointer('pids', 'limit');
  const version = writer.require('pids', pointer);
  const value = pidsMax(limit, writer.integer(limit, pointer));
  writer.add({ controller: 'pids', version, file: 'pids.max', value, pointer });
}

function pidsMax(limit: number, text: string): string {
  if (limit < 0) return 'max';
  return limit === 0 ? '1' : text;
}

/** Pages that are in use, and those that are reserved (mmap(2), before use), where the kernel tells them apart (Linux 5.7). */
export function hugepageWrites(writer: Writer): void {
  writer.resources.hugepageLimits?.forEach(({ pageSize, limit }, index) => {
    const pointer = resourcePointer('hugepageLimits', index, 'limit');
    const version = writer.require('hugetlb', pointer);
    const suffix = version === 1 ? 'limit_in_bytes' : 'max';
    const common = { controller: 'hugetlb', version, value: writer.integer(limit, pointer), pointer } as const;
    writer.add({ ...common, file: `hugetlb.${pageSize}.${suffix}` });
    writer.add({ ...common, file: `hugetlb.${pageSize}.rsvd.${suffix}`, mayBeMissing: true });
  });
}

export function networkWrites(writer: Writer): void {
  const { classID = 0, priorities = [] } = writer.resources.network ?? {};
  if (classID !== 0) {
    const pointer = resourcePointer('network', 'classID');
    // v2 has neither controller; there, BPF programs do what they did.
    if (writer.isUnified) refuseOnV2('linux.resources.network.classID', pointer);
    writer.require('net_cls', pointer);
    writer.add({ controller: 'net_cls', version: 1, file: 'net_cls.classid', value: String(classID), pointer });
  }
  priorities.forEach(({ name, priority }, index) => {
    const pointer = resourcePointer('network', 'priorities', index);
    if (writer.isUnified) refuseOnV2('linux.resources.network.priorities', pointer);
    writer.require('net_prio', pointer);
    const value = `${name} ${priority}`;
    writer.add({ controller: 'net_prio', version: 1, file: 'net_prio.ifpriomap', value, pointer, unset: '0' });
  });
}

export function rdmaWrites(writer: Writer): void {
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(writer.resources.rdma ?? {})) {
    const pointer = resourcePointer('rdma', device);
    const version = writer.require('rdma', pointer);
    const limits = [
      ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
      ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
    ];
    const value = [device, ...limits].join(' ');
    writer.add({
      controller: 'rdma',
      version,
      file: 'rdma.max',
      value,
      pointer,
      unset: 'hca_handle=max hca_object=max',
    });
  }
}

/** Last, so that they win over what the other fields say; a value of several lines is several writes. */
export function unifiedWrites(writer: Writer): void {
  for (const [file, value] of Object.entries(writer.resources.unified ?? {})) {
    const pointer = resourcePointer('unified', file);
    if (!writer.isUnified)
      fail({
        code: 'config',
        message: 'invalid configuration: linux.resources.unified is for cgroup v2, and this host has cgroup v1',
        pointer,
        hint: 'use the other fields of linux.resources',
      });
    // semantics/resources.ts says so too; a state file of an older version, or an update, may not have come that way.
    if (file.includes('/'))
      fail({ code: 'config', message: `unified resource "${file}" must be a file name (no slashes)`, pointer });
    const dot = file.indexOf('.');
    if (dot < 1)
      fail({
        code: 'config',
        message: `unified resource "${file}" must be in the form CONTROLLER.PARAMETER`,
        pointer,
      });
    const controller = file.slice(0, dot);
    for (const line of value.split('\n').filter((text, index) => text !== '' || index === 0))
      writer.add({ controller, version: 2, file, value: line, pointer });
  }
}
