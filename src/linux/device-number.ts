// dev_t.

/** As mknod(2) takes it: 12 bits of major, 20 of minor (new_encode_dev in <linux/kdev_t.h>). Pure. */
export function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}
