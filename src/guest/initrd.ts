import { chmod, cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { cpioArchive } from './cpio.ts'
import { rootLabel } from './disk.ts'
import { modulesOfGuest } from './modules.ts'
import type { StockKernel } from './stock-kernel.ts'

/** Of the label in the superblock of ext4, from the start of the partition. */
const labelAt = 1024 + 120
/** Looks at disks that were there before the one with a root file system and may still be read for partitions. */
const patience = 20

/**
 * Loads the drivers, finds the root file system and goes there. One modprobe for all: each fork costs 5-10 ms. Of several
 * disks of one image, as in a rescue, the first is meant, as the tiny kernel sees it too; findfs would take the last.
 */
const init = `#!/bin/busybox sh
export PATH=/bin
busybox mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
modprobe -a ${modulesOfGuest.join(' ')} 2>/dev/null
tries=0; root=
until [ -n "$root" ] || [ $tries -ge 100 ]; do
  before=
  for disk in /dev/[vsh]d?; do
    if [ "$(dd if=\${disk}2 bs=1 skip=${labelAt} count=${rootLabel.length} 2>/dev/null)" = ${rootLabel} ]; then
      if [ -z "$before" ] || [ $tries -ge ${patience} ]; then root=\${disk}2; fi
      break
    fi
    before=$disk
  done
  [ -n "$root" ] || { tries=$((tries + 1)); usleep 50000; }
done
for word in $(cat /proc/cmdline); do case $word in root=/dev/*) root=\${word#root=};; esac; done
if mount -t ext4 "$root" /newroot; then
  mount --move /proc /newroot/proc
  mount --move /sys /newroot/sys
  mount --move /dev /newroot/dev
  exec switch_root /newroot /sbin/init
fi
echo "guest: no root file system" > /dev/console
exec sh
`

/** The first root file system of the stock image: busybox and drivers. The tiny kernel has its drivers inside. */
export async function makeInitrd(kernel: StockKernel, folder: string): Promise<Buffer> {
  for (const name of ['bin', 'dev', 'proc', 'sys', 'newroot']) await mkdir(join(folder, name), { recursive: true })
  await cp('/bin/busybox', join(folder, 'bin/busybox'), { dereference: true })
  const applets = ['sh', 'mount', 'modprobe', 'dd', 'usleep', 'cat', 'switch_root']
  for (const name of applets) await symlink('busybox', join(folder, 'bin', name))
  await cp(join(kernel.folder, 'modules'), join(folder, 'lib/modules', kernel.release), { recursive: true })
  await writeFile(join(folder, 'init'), init)
  await chmod(join(folder, 'init'), 0o755)
  return gzipSync(await cpioArchive(folder), { level: 9 })
}
