import { describe, test } from 'node:test'
import { balloon } from './balloon.ts'
import { channels } from './channels.ts'
import { clock } from './clock.ts'
import { cpu } from './cpu.ts'
import { controllers, disks } from './disks.ts'
import { graphics, video } from './display.ts'
import { features } from './features.ts'
import { interfaces } from './interfaces.ts'
import { memory } from './memory.ts'
import { os } from './os.ts'
import { rng } from './rng.ts'
import { serial } from './serial.ts'
import { shows } from './shows.test-kit.ts'

describe('memory, cpu, features, clock', () => {
  test('memory in KiB', () => shows(memory, {}, '<memory unit="KiB">65536</memory>'))

  test('without a wish every processor is a socket', () =>
    shows(cpu, { vcpus: 4 }, '<cpu><topology sockets="4" cores="1" threads="1"/></cpu>'))

  test('one wish of the image puts those of the flavor aside, and so does a limit below them', () => {
    const extraSpecs = { 'hw:cpu_cores': '2', 'hw:cpu_threads': '2' }
    const shape = (properties: Record<string, string>, topology: string) =>
      shows(cpu, { vcpus: 4, properties, extraSpecs }, `<cpu><topology ${topology}/></cpu>`)
    shape({}, 'sockets="1" cores="2" threads="2"')
    shape({ hw_cpu_cores: '4' }, 'sockets="1" cores="4" threads="1"')
    shape({ hw_cpu_max_threads: '1' }, 'sockets="4" cores="1" threads="1"')
  })

  test('a limit on sockets', () =>
    shows(
      cpu,
      { vcpus: 4, properties: { hw_cpu_max_sockets: '2' } },
      '<cpu><topology sockets="2" cores="2" threads="1"/></cpu>',
    ))

  test('host-model with KVM, a named model', () => {
    shows(cpu, {}, '<cpu mode="host-model" check="partial"><topology sockets="1" cores="1" threads="1"/></cpu>', {
      cpu: { mode: 'host-model' },
    })
    shows(
      cpu,
      {},
      '<cpu mode="custom" match="exact"><model>EPYC</model><topology sockets="1" cores="1" threads="1"/></cpu>',
      {
        cpu: { mode: 'custom', model: 'EPYC' },
      },
    )
  })

  test('the translation buffer is for TCG only', () => {
    const common = '<acpi/><apic/><vmcoreinfo state="on"/>'
    shows(features, {}, `<features>${common}<tcg><tb-cache unit="MiB">32</tb-cache></tcg></features>`, {
      tbCacheMiB: 32,
    })
    shows(features, {}, `<features>${common}</features>`, { virtType: 'kvm' })
  })

  test('the clock of Windows and of all others', () => {
    const timers = (hpet: string) =>
      `<timer name="pit" tickpolicy="delay"/><timer name="rtc" tickpolicy="catchup"/><timer name="hpet" present="${hpet}"/>`
    shows(clock, {}, `<clock offset="utc">${timers('no')}</clock>`)
    shows(
      clock,
      { properties: { os_type: 'windows', hw_time_hpet: 'true' } },
      `<clock offset="localtime">${timers('yes')}</clock>`,
    )
  })
})

/** Where a disk sits on virtio-scsi. */
const unit = (number: number): string => `<address type="drive" controller="0" bus="0" target="0" unit="${number}"/>`

describe('boot and disks', () => {
  const file = '/var/lib/nova/instances/5e8d5c1a-0000-4000-8000-00000000beef/disk'
  const disk = (target: string, cache = 'none') =>
    `<disk type="file" device="disk"><driver name="qemu" type="qcow2" cache="${cache}"/><source file="${file}"/>${target}<boot order="1"/></disk>`

  test('machine from the host or the image', () => {
    const type = (machine: string) =>
      `<os><type arch="x86_64" machine="${machine}">hvm</type><smbios mode="sysinfo"/></os>`
    shows(os, {}, type('pc'))
    shows(os, { properties: { hw_machine_type: 'q35' } }, type('q35'))
  })

  test('boot menu', () =>
    shows(
      os,
      { properties: { hw_boot_menu: 'true' } },
      '<os><type arch="x86_64" machine="pc">hvm</type><bootmenu enable="yes"/><smbios mode="sysinfo"/></os>',
    ))

  test('disk bus', () => {
    shows(disks, {}, disk('<target dev="vda" bus="virtio"/>'))
    shows(disks, { properties: { hw_disk_bus: 'ide' } }, disk('<target dev="hda" bus="ide"/>'))
    shows(
      disks,
      { properties: { hw_disk_bus: 'ide', hw_machine_type: 'pc-q35-7.2' } },
      disk('<target dev="sda" bus="sata"/>'),
    )
    shows(
      disks,
      { properties: { hw_disk_bus: 'scsi' } },
      disk('<target dev="sda" bus="scsi"/>').replace('</disk>', `${unit(0)}</disk>`),
    )
    shows(disks, {}, disk('<target dev="vda" bus="virtio"/>', 'writethrough'), { diskCache: 'writethrough' })
    shows(
      controllers,
      { properties: { hw_disk_bus: 'scsi' } },
      '<controller type="scsi" index="0" model="virtio-scsi"/>',
    )
    shows(controllers, {}, '')
  })

  test('ephemeral and swap disks follow the root disk', () => {
    const raw = (name: string, dev: string) =>
      `<disk type="file" device="disk"><driver name="qemu" type="raw" cache="none"/><source file="${file}.${name}"/><target dev="${dev}" bus="virtio"/></disk>`
    const root = disk('<target dev="vda" bus="virtio"/>')
    shows(disks, { ephemeralGiB: 1, swapMiB: 64 }, `${root}${raw('eph0', 'vdb')}${raw('swap', 'vdc')}`)
    shows(disks, { swapMiB: 64 }, `${root}${raw('swap', 'vdb')}`)
  })

  test('an ISO goes into a CD-ROM drive and is booted from there', () => {
    shows(
      disks,
      { image: { diskFormat: 'iso' } },
      `<disk type="file" device="cdrom"><driver name="qemu" type="qcow2" cache="none"/><source file="${file}"/><target dev="hda" bus="ide"/><readonly/><boot order="1"/></disk>`,
    )
    shows(
      os,
      { image: { diskFormat: 'iso' } },
      '<os><type arch="x86_64" machine="pc">hvm</type><smbios mode="sysinfo"/></os>',
    )
  })
})

describe('config drive', () => {
  const folder = '/var/lib/nova/instances/5e8d5c1a-0000-4000-8000-00000000beef'
  const drive = (device: string, target: string) =>
    `<disk type="file" device="${device}"><driver name="qemu" type="raw" cache="none"/><source file="${folder}/disk.config"/>${target}${device === 'cdrom' ? '<readonly/>' : ''}</disk>`
  const root = (target: string, device = 'disk') =>
    `<disk type="file" device="${device}"><driver name="qemu" type="qcow2" cache="none"/><source file="${folder}/disk"/>${target}${device === 'cdrom' ? '<readonly/>' : ''}<boot order="1"/></disk>`
  const iso = { configDrive: { format: 'iso9660', files: [] } } as const
  const vfat = { configDrive: { format: 'vfat', files: [] } } as const
  const vda = root('<target dev="vda" bus="virtio"/>')

  test('a CD-ROM: IDE on pc, SATA on q35, or the bus of the image', () => {
    shows(disks, { spec: iso }, vda + drive('cdrom', '<target dev="hda" bus="ide"/>'))
    const q35 = { hw_machine_type: 'q35' }
    shows(disks, { spec: iso, properties: q35 }, vda + drive('cdrom', '<target dev="sda" bus="sata"/>'))
    const scsi = { hw_cdrom_bus: 'scsi' }
    shows(
      disks,
      { spec: iso, properties: scsi },
      vda + drive('cdrom', '<target dev="sdz" bus="scsi"/>').replace('</disk>', `${unit(25)}</disk>`),
    )
    shows(controllers, { spec: iso, properties: scsi }, '<controller type="scsi" index="0" model="virtio-scsi"/>')
    shows(controllers, { properties: scsi }, '')
  })

  test('beside a root disk or CD-ROM on the same bus it takes the next letter', () => {
    shows(
      disks,
      { spec: iso, properties: { hw_disk_bus: 'ide' } },
      root('<target dev="hda" bus="ide"/>') + drive('cdrom', '<target dev="hdb" bus="ide"/>'),
    )
    shows(
      disks,
      { spec: iso, image: { diskFormat: 'iso' } },
      root('<target dev="hda" bus="ide"/>', 'cdrom') + drive('cdrom', '<target dev="hdb" bus="ide"/>'),
    )
  })

  test('a disk for vfat, on the bus of the others, out of the way of those that come later', () => {
    shows(disks, { spec: vfat }, vda + drive('disk', '<target dev="vdz" bus="virtio"/>'))
    const swap = `<disk type="file" device="disk"><driver name="qemu" type="raw" cache="none"/><source file="${folder}/disk.swap"/><target dev="vdb" bus="virtio"/></disk>`
    shows(disks, { spec: vfat, swapMiB: 1 }, vda + swap + drive('disk', '<target dev="vdz" bus="virtio"/>'))
  })
})

describe('interfaces', () => {
  const nic = (model: string, driver = '') =>
    `<interface type="bridge"><mac address="fa:16:3e:4c:2c:30"/><source bridge="brq3cb9bc59"/><target dev="tapce531f90-12"/><model type="${model}"/>${driver}<mtu size="1450"/></interface>`

  test('model from the vif, the image, or virtio for a stranger', () => {
    shows(interfaces, {}, nic('virtio'))
    shows(interfaces, { properties: { hw_vif_model: 'e1000' } }, nic('e1000'))
    shows(interfaces, { properties: { hw_vif_model: 'netfront' } }, nic('virtio'))
    shows(interfaces, { spec: { vifs: [] } }, '')
  })

  test('a queue for each processor where it is asked for', () => {
    const properties = { hw_vif_multiqueue_enabled: 'yes' }
    shows(interfaces, { vcpus: 2, properties }, nic('virtio', '<driver queues="2"/>'))
    shows(interfaces, { vcpus: 1, properties }, nic('virtio'))
  })
})

describe('console, display, rng, balloon, agent', () => {
  const log = '<log file="/var/lib/nova/instances/5e8d5c1a-0000-4000-8000-00000000beef/console.log" append="off"/>'

  test('serial ports', () => {
    const first = `<serial type="pty">${log}<target port="0"/></serial>`
    shows(serial, {}, first)
    shows(
      serial,
      { properties: { hw_serial_port_count: '2' } },
      `${first}<serial type="pty"><target port="1"/></serial>`,
    )
    shows(serial, { properties: { hw_serial_port_count: '2' }, extraSpecs: { 'hw:serial_port_count': '1' } }, first)
  })

  test('display on loopback, video that the host has', () => {
    shows(
      graphics,
      {},
      '<graphics type="vnc" autoport="yes" listen="127.0.0.1"><listen type="address" address="127.0.0.1"/></graphics>',
    )
    shows(video, {}, '<video><model type="virtio"/></video>')
    shows(video, {}, '<video><model type="vga"/></video>', { videoModels: ['vga'] })
    shows(video, { properties: { hw_video_model: 'cirrus' } }, '<video><model type="cirrus"/></video>')
    shows(
      video,
      { properties: { hw_video_ram: '16' }, extraSpecs: { 'hw_video:ram_max_mb': '32' } },
      '<video><model type="virtio" vram="16384"/></video>',
    )
  })

  test('entropy unless forbidden, with a rate if given', () => {
    const backend = '<backend model="random">/dev/urandom</backend>'
    shows(rng, {}, `<rng model="virtio">${backend}</rng>`)
    shows(rng, { extraSpecs: { 'hw_rng:allowed': 'False' } }, '')
    shows(
      rng,
      { extraSpecs: { 'hw_rng:rate_bytes': '1024', 'hw_rng:rate_period': '1000' } },
      `<rng model="virtio"><rate bytes="1024" period="1000"/>${backend}</rng>`,
    )
  })

  test('balloon, and the agent only for images that run one', () => {
    shows(balloon, {}, '<memballoon model="virtio"><stats period="10"/></memballoon>')
    shows(channels, {}, '')
    shows(
      channels,
      { properties: { hw_qemu_guest_agent: 'yes' } },
      '<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>',
    )
  })
})
