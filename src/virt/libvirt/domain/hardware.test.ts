import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { channels } from './channels.ts'
import { clock } from './clock.ts'
import { buses, usbRedirection } from './controllers.ts'
import { cpu } from './cpu.ts'
import { cpuTuning } from './cpu-tuning.ts'
import { controllers } from './disks.ts'
import { graphics, video } from './display.ts'
import { renderXml, type XmlElement } from './element.ts'
import { features } from './features.ts'
import { input } from './input.ts'
import { interfaces } from './interfaces.ts'
import { iommu } from './iommu.ts'
import { memoryBacking } from './memory-backing.ts'
import { metadata } from './metadata.ts'
import { os } from './os.ts'
import { perf } from './perf.ts'
import { sampleHost, sampleSpec } from './sample-spec.ts'
import { serial } from './serial.ts'
import { configured, shows } from './shows.test-kit.ts'
import { sound } from './sound.ts'
import { sysinfo } from './sysinfo.ts'
import { tpm } from './tpm.ts'
import { watchdog } from './watchdog.ts'

const id = '5e8d5c1a-0000-4000-8000-00000000beef'
const folder = `/var/lib/nova/instances/${id}`

describe('processor', () => {
  const one = '<topology sockets="1" cores="1" threads="1"/>'
  const avx = { extraSpecs: { 'trait:HW_CPU_X86_AVX': 'required' } }

  test('flags are added and removed, but not where QEMU chooses', () => {
    const flags = configured({ cpuExtraFlags: ['+PCID', '-mpx', 'pdpe1gb'] })
    const host = { ...flags, cpu: { mode: 'host-model' } } as const
    const features =
      '<feature policy="require" name="pcid"/><feature policy="disable" name="mpx"/><feature policy="require" name="pdpe1gb"/>'
    shows(cpu, {}, `<cpu mode="host-model" check="partial">${one}${features}</cpu>`, host)
    shows(cpu, {}, `<cpu>${one}</cpu>`, flags)
  })

  test('the first model that has what the flavor requires', () => {
    const host = {
      ...configured({ cpuModels: ['Nehalem', 'Haswell'] }),
      cpu: { mode: 'custom', model: 'Nehalem' },
    } as const
    const model = (name: string) => `<cpu mode="custom" match="exact"><model>${name}</model>${one}</cpu>`
    shows(cpu, {}, model('Nehalem'), host)
    shows(cpu, avx, model('Haswell'), host)
    shows(cpu, { properties: { 'trait:HW_CPU_X86_AVX': 'required' } }, model('Haswell'), host)
    shows(cpu, { extraSpecs: { 'trait:HW_CPU_X86_SSSE3': 'required' } }, model('Nehalem'), host)
    shows(cpu, { extraSpecs: { 'trait:HW_CPU_X86_XOP': 'required' } }, '', host)
  })

  test('a guest that requires more than QEMU gives by itself gets all there is', () => {
    shows(cpu, avx, `<cpu mode="maximum" check="none">${one}</cpu>`)
    shows(cpu, { extraSpecs: { 'trait:HW_CPU_X86_SSE2': 'required' } }, `<cpu>${one}</cpu>`)
  })

  test('size of physical addresses', () =>
    shows(
      cpu,
      { extraSpecs: { 'hw:maxphysaddr_mode': 'emulate', 'hw:maxphysaddr_bits': '42' } },
      `<cpu mode="host-model" check="partial">${one}<maxphysaddr mode="emulate" bits="42"/></cpu>`,
      { virtType: 'kvm', cpu: { mode: 'host-model' } },
    ))

  test('another architecture has its usual model', () =>
    shows(
      cpu,
      { properties: { hw_emulation_architecture: 'aarch64' } },
      `<cpu mode="custom" match="exact"><model>cortex-a57</model>${one}</cpu>`,
    ))

  test('shares of the processors', () => {
    shows(cpuTuning, {}, '')
    shows(
      cpuTuning,
      { extraSpecs: { 'quota:cpu_shares': '512', 'quota:cpu_period': '20000', 'quota:cpu_quota': '-1' } },
      '<cputune><shares>512</shares><period>20000</period><quota>-1</quota></cputune>',
    )
    shows(perf, {}, '<perf><event enabled="yes" name="cpu_cycles"/></perf>', configured({ perfEvents: ['cpu_cycles'] }))
  })
})

describe('features and clock', () => {
  const tcg = '<tcg><tb-cache unit="MiB">64</tb-cache></tcg>'
  const usual = '<acpi/><apic/><vmcoreinfo state="on"/>'

  test('a hidden hypervisor, counters of the processor, no APIC', () => {
    const hidden = `<features>${usual}<kvm><hidden state="on"/></kvm>${tcg}</features>`
    shows(features, { extraSpecs: { 'hw:hide_hypervisor_id': 'true' } }, hidden)
    shows(features, { extraSpecs: { hide_hypervisor_id: '1' } }, hidden)
    shows(features, { properties: { img_hide_hypervisor_id: 'yes' } }, hidden)
    shows(features, { properties: { hw_pmu: 'no' } }, `<features>${usual}<pmu state="off"/>${tcg}</features>`)
    shows(features, {}, `<features><acpi/><vmcoreinfo state="on"/>${tcg}</features>`, configured({ hasApic: false }))
  })

  test('Windows on KVM', () => {
    const on = (...names: string[]) => names.map(name => `<${name} state="on"/>`).join('')
    const windows = { properties: { os_type: 'windows' } }
    shows(
      features,
      windows,
      `<features><acpi/><apic/><hyperv>${on('relaxed', 'vapic')}<spinlocks state="on" retries="8191"/>${on('vpindex', 'runtime', 'synic', 'reset', 'frequencies', 'reenlightenment', 'tlbflush', 'ipi')}</hyperv><vmcoreinfo state="on"/></features>`,
      { virtType: 'kvm' },
    )
    shows(
      clock,
      windows,
      '<clock offset="localtime"><timer name="pit" tickpolicy="delay"/><timer name="rtc" tickpolicy="catchup"/><timer name="hpet" present="no"/><timer name="hypervclock" present="yes"/></clock>',
      { virtType: 'kvm' },
    )
  })
})

describe('firmware', () => {
  const boot = '<smbios mode="sysinfo"/>'
  const q35 = { hw_firmware_type: 'uefi', hw_machine_type: 'q35' }

  test('UEFI with variables of the guest', () => {
    const plain = (machine: string) =>
      `<os><type arch="x86_64" machine="${machine}">hvm</type><loader readonly="yes" type="pflash">/usr/share/OVMF/OVMF_CODE_4M.fd</loader><nvram template="/usr/share/OVMF/OVMF_VARS_4M.fd">${folder}/nvram</nvram>${boot}</os>`
    shows(os, { properties: { hw_firmware_type: 'uefi' } }, plain('pc'))
    shows(os, { properties: q35 }, plain('q35'))
    shows(os, { properties: { ...q35, os_secure_boot: 'disabled' } }, plain('q35'))
    // Not on this machine, and so not at all.
    shows(os, { properties: { hw_firmware_type: 'uefi', os_secure_boot: 'optional' } }, plain('pc'))
  })

  test('secure boot, with system management mode', () => {
    const secure = `<os><type arch="x86_64" machine="q35">hvm</type><loader readonly="yes" secure="yes" type="pflash">/usr/share/OVMF/OVMF_CODE_4M.secboot.fd</loader><nvram template="/usr/share/OVMF/OVMF_VARS_4M.ms.fd">${folder}/nvram</nvram>${boot}</os>`
    shows(os, { properties: q35, extraSpecs: { 'os:secure_boot': 'required' } }, secure)
    shows(os, { properties: { ...q35, os_secure_boot: 'optional' } }, secure)
    shows(
      features,
      { properties: { ...q35, os_secure_boot: 'required' } },
      '<features><acpi/><apic/><vmcoreinfo state="on"/><smm state="on"/></features>',
      { virtType: 'kvm' },
    )
  })

  test('a UEFI that remembers nothing', () =>
    shows(
      os,
      { properties: { ...q35, hw_firmware_stateless: 'true' } },
      `<os><type arch="x86_64" machine="q35">hvm</type><loader readonly="yes" type="pflash" stateless="yes">/usr/share/OVMF/OVMF_CODE_4M.fd</loader>${boot}</os>`,
    ))

  test('an Arm guest boots by UEFI, and has neither SMBIOS nor the timers of a PC', () => {
    const properties = { hw_emulation_architecture: 'aarch64' }
    shows(
      os,
      { properties },
      `<os><type arch="aarch64" machine="virt">hvm</type><loader readonly="yes" type="pflash">/usr/share/AAVMF/AAVMF_CODE.fd</loader><nvram template="/usr/share/AAVMF/AAVMF_VARS.fd">${folder}/nvram</nvram></os>`,
    )
    shows(sysinfo, { properties }, '')
    shows(clock, { properties }, '<clock offset="utc"/>')
    shows(input, { properties }, '<input type="tablet" bus="usb"/><input type="keyboard" bus="usb"/>')
  })

  test('a kernel of its own, with its own words or the usual ones', () => {
    const kernel = { ...sampleSpec().image, id: 'k' }
    const booted = (initrd: string, cmdline: string) =>
      `<os><type arch="x86_64" machine="pc">hvm</type><kernel>${folder}/kernel</kernel>${initrd}<cmdline>${cmdline}</cmdline><smbios mode="sysinfo"/></os>`
    const usual = 'root=/dev/vda console=tty0 console=ttyS0 console=hvc0 no_timer_check'
    shows(os, { spec: { directBoot: { kernel, ramdisk: null } } }, booted('', usual))
    const both = { spec: { directBoot: { kernel, ramdisk: kernel } }, properties: { os_command_line: 'quiet' } }
    shows(os, both, booted(`<initrd>${folder}/ramdisk</initrd>`, 'quiet'))
  })

  test('the machine of nova.conf, unless the guest has one', () => {
    const host = configured({ machineTypes: { x86_64: 'q35' } })
    const type = (machine: string) => `<os><type arch="x86_64" machine="${machine}">hvm</type>${boot}</os>`
    shows(os, {}, type('q35'), host)
    shows(os, { properties: { hw_machine_type: 'pc' } }, type('pc'), host)
  })

  test('the serial number of the machine', () => {
    const entries = (serial: string) =>
      `<sysinfo type="smbios"><system><entry name="manufacturer">OpenStack Foundation</entry><entry name="product">OpenStack Nova</entry><entry name="version">0.1.0</entry>${serial}<entry name="uuid">${id}</entry><entry name="family">Virtual Machine</entry></system></sysinfo>`
    shows(sysinfo, {}, entries(`<entry name="serial">${id}</entry>`))
    shows(sysinfo, {}, entries('<entry name="serial">host</entry>'), configured({ machineSerial: { of: 'host' } }))
    shows(sysinfo, {}, entries(''), configured({ machineSerial: null }))
  })
})

describe('buses', () => {
  const usb = '<controller type="usb" index="0"/>'
  const none = '<controller type="usb" index="0" model="none"/>'
  const ports = (count: number) =>
    `<controller type="pci" model="pcie-root"/>${'<controller type="pci" model="pcie-root-port"/>'.repeat(count)}`

  test('USB only where something hangs on it', () => {
    shows(buses, {}, usb)
    shows(buses, {}, none, configured({ pointerModel: 'ps2mouse' }))
    shows(buses, { properties: { hw_disk_bus: 'usb' } }, usb, configured({ pointerModel: 'ps2mouse' }))
    shows(
      buses,
      { extraSpecs: { 'hw:usb_model': 'qemu-xhci' } },
      '<controller type="usb" index="0" model="qemu-xhci"/>',
    )
  })

  test('ports of PCI Express for hot-plug', () => {
    const properties = { hw_machine_type: 'pc-q35-7.2' }
    shows(buses, { properties }, ports(16) + usb)
    shows(buses, { properties }, ports(4) + usb, configured({ pciePorts: 4 }))
  })

  test('a queue of the SCSI controller for each processor', () =>
    shows(
      controllers,
      { vcpus: 2, properties: { hw_disk_bus: 'scsi' } },
      '<controller type="scsi" index="0" model="virtio-scsi"><driver queues="2"/></controller>',
    ))

  test('an IOMMU', () => {
    const q35 = { hw_machine_type: 'q35' }
    shows(
      iommu,
      { properties: { ...q35, hw_viommu_model: 'intel' } },
      '<iommu model="intel"><driver intremap="on" caching_mode="on" eim="on" iotlb="on" aw_bits="48"/></iommu>',
      { virtType: 'kvm' },
    )
    shows(iommu, { properties: q35, extraSpecs: { 'hw:viommu_model': 'auto' } }, '<iommu model="virtio"/>')
    shows(iommu, {}, '')
  })
})

describe('what tools read of a guest', () => {
  test('ports with their addresses, and the volume that it boots from', () => {
    const [vif] = sampleSpec().vifs
    const addresses = [{ type: 'fixed', address: '10.0.0.7', version: 4 }] as const
    const spec = sampleSpec({ spec: { vifs: vif === undefined ? [] : [{ ...vif, addresses }] } })
    const xml = renderXml(metadata(spec, sampleHost()) as XmlElement)
    assert.match(xml, /<nova:port uuid="[^"]+">\s*<nova:ip type="fixed" address="10.0.0.7" ipVersion="4"\/>/)
    assert.match(xml, /<nova:root type="image" uuid="70a599e0-[^"]+"\/>/)
  })
})

describe('memory', () => {
  test('locked, or on files', () => {
    shows(memoryBacking, {}, '')
    shows(memoryBacking, { extraSpecs: { 'hw:locked_memory': 'true' } }, '<memoryBacking><locked/></memoryBacking>')
    shows(
      memoryBacking,
      {},
      '<memoryBacking><source type="file"/><access mode="shared"/><allocation mode="immediate"/><discard/></memoryBacking>',
      configured({ isMemoryFileBacked: true }),
    )
  })
})

describe('display and input', () => {
  const spice = {
    listen: '10.0.0.1',
    hasAgent: true,
    imageCompression: 'quic',
    jpegCompression: null,
    zlibCompression: null,
    playbackCompression: false,
    streamingMode: 'off',
    isSecureOnly: true,
  }

  test('SPICE: its options, its agent, its video, its pointer', () => {
    const host = configured({ vncListen: null, spice })
    shows(
      graphics,
      {},
      '<graphics type="spice" autoport="yes" listen="10.0.0.1" defaultMode="secure"><listen type="address" address="10.0.0.1"/><image compression="quic"/><playback compression="off"/><streaming mode="off"/></graphics>',
      host,
    )
    shows(channels, {}, '<channel type="spicevmc"><target type="virtio" name="com.redhat.spice.0"/></channel>', host)
    shows(video, {}, '<video><model type="qxl"/></video>', { ...host, videoModels: ['vga', 'qxl', 'virtio'] })
    shows(input, {}, '', host)
    shows(input, {}, '<input type="tablet" bus="usb"/>', configured({ spice }))
    shows(
      usbRedirection,
      { extraSpecs: { 'hw:redirected_usb_ports': '2' } },
      '<redirdev bus="usb" type="spicevmc"/>'.repeat(2),
      host,
    )
  })

  test('without a display there is nothing to look at or to point with', () => {
    const host = configured({ vncListen: null })
    shows(graphics, {}, '', host)
    shows(video, {}, '', host)
    shows(input, {}, '', host)
  })

  test('the bus of the image', () => {
    const device = (type: string, bus: string) => `<input type="${type}" bus="${bus}"/>`
    const quiet = configured({ pointerModel: 'ps2mouse' })
    shows(input, { properties: { hw_input_bus: 'virtio' } }, device('tablet', 'virtio') + device('keyboard', 'virtio'))
    shows(input, { properties: { hw_pointer_model: 'usbtablet' } }, device('tablet', 'usb'), quiet)
    shows(input, {}, '', quiet)
    shows(input, { extraSpecs: { 'hw:usb_model': 'none' } }, '')
  })
})

describe('NICs', () => {
  const nic = (inside: string, model = 'virtio', mtu = '<mtu size="1450"/>') =>
    `<interface type="bridge"><mac address="fa:16:3e:4c:2c:30"/><source bridge="brq3cb9bc59"/><target dev="tapce531f90-12"/><model type="${model}"/>${inside}${mtu}</interface>`

  test('rings and queues', () => {
    shows(interfaces, {}, nic('<driver rx_queue_size="512"/>'), configured({ rxQueueSize: 512 }))
    shows(interfaces, { extraSpecs: { 'hw:virtio_packed_ring': 'true' } }, nic('<driver packed="on"/>'))
    shows(
      interfaces,
      { vcpus: 8, extraSpecs: { 'hw:vif_multiqueue_enabled': 'true' } },
      nic('<driver queues="4"/>'),
      configured({ maxQueues: 4 }),
    )
    shows(interfaces, { properties: { hw_vif_model: 'e1000' } }, nic('', 'e1000'), configured({ rxQueueSize: 512 }))
    const unnamed = nic('').replace('<model type="virtio"/>', '')
    shows(interfaces, {}, unnamed, configured({ usesVirtioNics: false }))
  })

  test('bandwidth', () =>
    shows(
      interfaces,
      {
        extraSpecs: {
          'quota:vif_inbound_average': '1024',
          'quota:vif_inbound_peak': '2048',
          'quota:vif_outbound_average': '512',
          'quota:vif_outbound_burst': '64',
        },
      },
      nic(
        '',
        'virtio',
        '<mtu size="1450"/><bandwidth><inbound average="1024" peak="2048"/><outbound average="512" burst="64"/></bandwidth>',
      ),
    ))
})

describe('TPM, watchdog, sound, serial ports', () => {
  test('a TPM whose state is encrypted', () => {
    const tpmSecret = { id: '0c4d6a0e-0000-4000-8000-000000000001', base64: 'eA==' }
    const device = (model: string, version: string) =>
      `<tpm model="${model}"><backend type="emulator" version="${version}"><encryption secret="${tpmSecret.id}"/></backend></tpm>`
    const spec = { tpmSecret }
    shows(tpm, { spec, extraSpecs: { 'hw:tpm_version': '2.0', 'hw:tpm_model': 'tpm-crb' } }, device('tpm-crb', '2.0'))
    shows(tpm, { spec, properties: { hw_tpm_version: '1.2' } }, device('tpm-tis', '1.2'))
    shows(tpm, {}, '')
  })

  test('a watchdog; the image wins', () => {
    const dog = (action: string) => `<watchdog model="i6300esb" action="${action}"/>`
    shows(watchdog, {}, '')
    shows(watchdog, { extraSpecs: { 'hw:watchdog_action': 'reset' } }, dog('reset'))
    shows(
      watchdog,
      { extraSpecs: { 'hw:watchdog_action': 'reset' }, properties: { hw_watchdog_action: 'pause' } },
      dog('pause'),
    )
    shows(watchdog, { properties: { hw_watchdog_action: 'disabled' } }, '')
  })

  test('sound', () => {
    shows(sound, {}, '')
    shows(sound, { extraSpecs: { 'hw:sound_model': 'ich9' } }, '<sound model="ich9"/>')
  })

  test('serial ports that listen, the first with the log', () => {
    const port = (number: number, service: number, log: string) =>
      `<serial type="tcp"><source mode="bind" host="127.0.0.1" service="${service}"/><protocol type="raw"/>${log}<target port="${number}"/></serial>`
    shows(
      serial,
      { extraSpecs: { 'hw:serial_port_count': '4' }, properties: { hw_serial_port_count: '2' } },
      port(0, 10_000, `<log file="${folder}/console.log" append="off"/>`) + port(1, 10_007, ''),
      { ...configured({ serialListen: '127.0.0.1' }), serialPorts: [10_000, 10_007] },
    )
  })
})
