import type { GuestRecord } from './guest-record.ts'

/** Device and file system, as a guest prints them. */
const drives = { iso9660: '/dev/sr0 iso9660', vfat: '/dev/vdb vfat' }

/** Where the system runs from; a rescued one sees its own disk beside. */
function rootLines({ rescue }: GuestRecord): readonly string[] {
  if (rescue === undefined) return ['guest: root /dev/vda2']
  const { imageId, device, bus, isStable } = rescue
  return [`guest: rescue ${imageId} ${device} on ${bus}${isStable ? ', own disk /dev/vda' : ', own disk /dev/vdb'}`]
}

/** What the serial console of a small Linux guest would hold since its newest start; nothing before the first. */
export function consoleText(guest: GuestRecord): string {
  if (guest.startedAtMs === null) return ''
  const { spec } = guest
  const lines = [
    'SeaBIOS (version 1.16.2-debian-1.16.2-1)',
    'Booting from Hard Disk...',
    '[    0.000000] Linux version 6.1.0-fake (nova@fake) #1 SMP',
    '[    0.000000] Command line: console=tty0 console=ttyS0 quiet',
    `[    0.004112] Memory: ${spec.flavor.memoryMiB * 1024 - 21_512}K/${spec.flavor.memoryMiB * 1024}K available`,
    `[    0.112034] smp: Brought up 1 node, ${spec.flavor.vcpus} CPU${spec.flavor.vcpus === 1 ? '' : 's'}`,
    'guest: userspace uptime=1.21',
    `guest: boot-count ${guest.boots}`,
    ...rootLines(guest),
    `guest: cpus ${spec.flavor.vcpus} mem-kb ${spec.flavor.memoryMiB * 1024 - 21_512}`,
    ...guest.vifs.map((vif, i) => `guest: nic eth${i} mac=${vif.mac} mtu=${vif.mtu}`),
    `guest: smbios vendor=OpenStack Foundation product=OpenStack Nova serial=${spec.id} uuid=${spec.id}`,
    ...(guest.configDrive === undefined ? [] : [`guest: metadata source config-drive ${drives[guest.configDrive]}`]),
    'guest: ready uptime=2.10',
    ...(guest.wasShutDown
      ? ['guest: acpi power button', 'guest: shutdown uptime=42.00', '[   42.031774] reboot: Power down']
      : []),
  ]
  return `${lines.join('\n')}\n`
}
