/**
 * The Debian 12 packages each guest image is built from and with: the only list of them.
 * `file` is what the build uses of the package; when it is not there, the fault names the package.
 */
export interface GuestPackage {
  readonly name: string
  readonly file: string
}

const imagePackages: readonly GuestPackage[] = [
  { name: 'busybox-static', file: '/bin/busybox' },
  { name: 'dropbear-bin', file: '/usr/sbin/dropbear' },
  { name: 'qemu-guest-agent', file: '/usr/sbin/qemu-ga' },
  { name: 'e2fsprogs', file: '/usr/sbin/mke2fs' },
  { name: 'util-linux', file: '/usr/bin/resizepart' },
  { name: 'dosfstools', file: '/usr/sbin/mkfs.vfat' },
  { name: 'mtools', file: '/usr/bin/mcopy' },
  { name: 'syslinux', file: '/usr/bin/syslinux' },
  { name: 'syslinux-common', file: '/usr/lib/syslinux/mbr/mbr.bin' },
  { name: 'qemu-utils', file: '/usr/bin/qemu-img' },
]

const compilePackages: readonly GuestPackage[] = [
  { name: 'linux-source-6.1', file: '/usr/src/linux-source-6.1.tar.xz' },
  { name: 'gcc', file: '/usr/bin/gcc' },
  { name: 'libc6-dev', file: '/usr/include/stdio.h' },
  { name: 'make', file: '/usr/bin/make' },
  { name: 'flex', file: '/usr/bin/flex' },
  { name: 'bison', file: '/usr/bin/bison' },
  { name: 'bc', file: '/usr/bin/bc' },
  { name: 'libelf-dev', file: '/usr/include/libelf.h' },
  { name: 'lz4', file: '/usr/bin/lz4' },
  { name: 'xz-utils', file: '/usr/bin/xz' },
]

export type GuestImageKind = 'stock' | 'tiny'

/** What the build of an image needs, with the file that shows that a package is installed. */
export const guestRequirements: Readonly<Record<GuestImageKind, readonly GuestPackage[]>> = {
  stock: imagePackages,
  tiny: [...imagePackages, ...compilePackages],
}

/** Names to hand to apt-get install, for each image. */
export const guestPackages: Readonly<Record<GuestImageKind, readonly string[]>> = {
  stock: guestRequirements.stock.map(entry => entry.name),
  tiny: guestRequirements.tiny.map(entry => entry.name),
}
