import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { newUuid, waitFor } from '#base'
import { guestCache } from '#guest'
import type { GuestSpec, VirtDriver } from '#virt'
import { aConfigDrive, aGuestSpec, consoleShows } from '#virt/conformance'
import { type LibvirtBench, libvirtBench } from './libvirt-bench.ts'

/** A guest of the bench's image with more properties and extra specs. */
function guestWith(
  bench: LibvirtBench,
  properties: Readonly<Record<string, string>>,
  extraSpecs: Readonly<Record<string, string>>,
  more: { readonly flavor?: Partial<GuestSpec['flavor']>; readonly spec?: Partial<GuestSpec> } = {},
): GuestSpec {
  const plain = aGuestSpec(bench)
  return {
    ...plain,
    image: { ...plain.image, properties: { ...plain.image.properties, ...properties } },
    flavor: { ...plain.flavor, ...more.flavor, extraSpecs },
    ...more.spec,
  }
}

describe('definitions of real guests', () => {
  let bench: LibvirtBench
  let driver: VirtDriver
  before(async () => {
    bench = await libvirtBench()
    driver = await bench.open({
      domain: { hasTpm: true, serialListen: '127.0.0.1', serialPortRange: { first: 21_300, last: 21_399 } },
    })
  })
  after(async () => {
    await driver.close()
    await bench.close()
  })

  test('UEFI, TPM, watchdog and entropy in one guest; what the machine remembers outlives all but the guest', async () => {
    const tpmSecret = { id: newUuid(), base64: Buffer.from('opens the state of the TPM').toString('base64') }
    const spec = guestWith(
      bench,
      { hw_firmware_type: 'uefi', hw_machine_type: 'q35', hw_watchdog_action: 'pause' },
      { 'hw:tpm_version': '2.0', 'hw:tpm_model': 'tpm-crb', 'hw_rng:rate_bytes': '65536', 'hw:sound_model': 'ich9' },
      { flavor: { memoryMiB: 256 }, spec: { tpmSecret } },
    )
    const guest = driver.guest(spec.id)
    await guest.spawn(spec)
    const console = await consoleShows(bench, spec.id, 'guest: ready')
    for (const fact of ['firmware uefi', 'tpm version=2', 'hwrng virtio_rng.0'])
      assert.match(console, new RegExp(`guest: ${fact}`))
    // Debian's cloud kernel has no driver for it.
    assert.match(commandLine(bench, spec), /"driver":"i6300esb"/)
    const nvram = join(bench.instancesPath, spec.id, 'nvram')
    const tpm = join(bench.stateDir, 'lib/swtpm', spec.id, 'tpm2')
    await guest.stop('now')
    const { ino, size } = statSync(nvram)
    assert.ok(size > 0)
    assert.deepEqual(
      readdirSync(tpm).filter(name => name.startsWith('tpm2-00')),
      ['tpm2-00.permall'],
    )
    await driver.rebuild?.rebuild(spec, { keepsEphemeral: false, gracefulMs: 0 })
    await guest.reboot('hard', spec)
    assert.equal(statSync(nvram).ino, ino)
    assert.equal((await guest.state()).exists, true)
    await guest.destroy()
    assert.equal(existsSync(tpm), false)
    assert.deepEqual(await bench.leftovers(spec.id), [])
  })

  test('SCSI on q35, two processors in one socket, serial ports on TCP, addresses of devices on the drive', async () => {
    const vif = bench.vif()
    const device = { type: 'nic', mac: vif.mac, bus: 'pci', address: 'none', tags: ['outside'] }
    const spec = guestWith(
      bench,
      { hw_machine_type: 'q35', hw_disk_bus: 'scsi', hw_serial_port_count: '2', hw_input_bus: 'virtio' },
      { 'hw:cpu_max_sockets': '1', 'hw:vif_multiqueue_enabled': 'true', 'hw:virtio_packed_ring': 'true' },
      {
        flavor: { vcpus: 2, memoryMiB: 128 },
        spec: { vifs: [vif], configDrive: aConfigDrive('vfat', { uuid: 'x', devices: [device] }) },
      },
    )
    const guest = driver.guest(spec.id)
    await guest.spawn(spec)
    const record = await driver.records?.of(spec.id, spec)
    const address = record?.addresses[vif.mac]
    assert.match(address ?? '', /^0000:[0-9a-f]{2}:[0-9a-f]{2}\.0$/)
    assert.deepEqual(Object.keys(record?.properties ?? {}).sort(), [
      'hw_cdrom_bus',
      'hw_pointer_model',
      'hw_video_model',
    ])
    const serial = await driver.consoles?.find(spec.id, 'serial')
    assert.ok(serial !== undefined && serial.port >= 21_300 && serial.port < 21_400)
    const console = await consoleShows(bench, spec.id, 'guest: ready')
    for (const fact of ['cpus 2 ', 'disk sda bytes=', `nic eth0 mac=${vif.mac}`])
      assert.match(console, new RegExp(`guest: ${fact}`))
    assert.ok(console.includes(`"address":"${address}"`), console.slice(-1200))
    assert.match(await greeting(serial.port), /login|#|\$/)

    const found = await guest.diagnostics()
    assert.deepEqual([found.cpus.length, found.nics[0]?.mac, found.disks[0]?.device], [2, vif.mac, 'sda'])
    const shares = found.cpus.map(cpu => cpu.utilisation ?? -1)
    assert.ok(shares.every(share => share >= 0 && share <= 100) && shares.some(share => share > 0), shares.join(' '))
    const balloon = async () => (await guest.diagnostics()).memory.balloon ?? {}
    const isTold = async () => ((await balloon())['unused'] ?? 0) > 0 || undefined
    await waitFor('statistics of the balloon', isTold, { deadlineMs: bench.bootDeadlineMs, everyMs: 500 })
    assert.match(commandLine(bench, spec), /sockets=1,dies=1,cores=2.*"num_queues":2/s)
    await guest.destroy()
    assert.deepEqual(await bench.leftovers(spec.id), [])
  })

  test('an image with a kernel of its own boots it with its own words', async () => {
    const kernels = join(guestCache(), 'kernels')
    const stock = readdirSync(kernels).find(
      name => name.startsWith('stock-') && existsSync(join(kernels, name, 'vmlinuz')),
    )
    const kernel = bench.images.add(join(kernels, stock ?? '', 'vmlinuz'), { diskFormat: 'aki' })
    const words = 'console=ttyS0 nova.words=mine'
    const spec = guestWith(bench, { os_command_line: words }, {}, { spec: { directBoot: { kernel, ramdisk: null } } })
    await driver.guest(spec.id).spawn(spec)
    await consoleShows(bench, spec.id, `Kernel command line: ${words}`)
    await driver.guest(spec.id).destroy()
    assert.deepEqual(await bench.leftovers(spec.id), [])
  })

  test('what this host cannot give is refused before anything is made', async () => {
    const refuses = async (
      code: string,
      properties: Record<string, string>,
      extraSpecs: Record<string, string> = {},
    ) => {
      const spec = guestWith(bench, properties, extraSpecs)
      await assert.rejects(driver.guest(spec.id).spawn(spec), { code })
      assert.deepEqual(await bench.leftovers(spec.id), [])
    }
    await refuses('InvalidMachineType', { hw_machine_type: 'pc-q35-99.9' })
    await refuses('SecureBootNotSupported', { hw_firmware_type: 'uefi' }, { 'os:secure_boot': 'required' })
    await refuses('MissingDomainCapabilityFeatureException', {}, { 'hw:mem_encryption': 'true' })
    await refuses('InvalidArchitectureName', { hw_emulation_architecture: 's390x' })
  })

  test('shares of the processor, where this machine can give them', async () => {
    const spec = guestWith(bench, {}, { 'quota:cpu_shares': '512', 'quota:cpu_quota': '25000' })
    const limiting = await bench.open({ mayLimitCpu: bench.daemon.limitsCpu })
    try {
      if (!bench.daemon.limitsCpu) {
        await assert.rejects(limiting.guest(spec.id).spawn(spec), { code: 'UnsupportedHostCPUControlPolicy' })
        return
      }
      await limiting.guest(spec.id).spawn(spec)
      const pid = bench.qemuOf(spec.id)
      const group = /:cpu:(.+)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? ''
      const machine = group.replace(/\/(emulator|libvirt.*)$/, '')
      assert.match(machine, /\/nova-[0-9a-f]{12}\//)
      assert.equal(readFileSync(`/sys/fs/cgroup/cpu${machine}/cpu.shares`, 'utf8').trim(), '512')
      await limiting.guest(spec.id).destroy()
    } finally {
      await limiting.close()
    }
  })

  test('guests that ask for a processor get it, or another architecture', async () => {
    const strong = guestWith(bench, {}, { 'trait:HW_CPU_X86_AVX2': 'required' })
    const small = guestWith(bench, { hw_emulation_architecture: 'i686' }, {})
    for (const spec of [strong, small]) {
      await driver.guest(spec.id).spawn(spec)
      assert.match(commandLine(bench, spec), spec === strong ? /-cpu\0max/ : /^[^\0]*\/qemu-system-i386\0/)
      await driver.guest(spec.id).destroy()
    }
    const { traits } = await driver.host.describe()
    for (const trait of ['HW_CPU_X86_AVX2', 'COMPUTE_SECURITY_TPM_2_0', 'COMPUTE_FIRMWARE_UEFI'])
      assert.ok(traits.includes(trait), trait)
    assert.ok(!traits.includes('COMPUTE_ARCH_S390X'))
  })
})

const commandLine = (bench: LibvirtBench, spec: GuestSpec): string =>
  readFileSync(`/proc/${bench.qemuOf(spec.id)}/cmdline`, 'utf8')

/** What whoever connects to a serial port reads after pressing return. */
function greeting(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    let text = ''
    socket.setTimeout(20_000, () => socket.destroy(new Error(`nothing on the serial port but "${text}"`)))
    socket.once('error', reject)
    socket.once('connect', () => socket.write('\r'))
    socket.on('data', chunk => {
      text += chunk.toString()
      if (!/login|#|\$/.test(text)) return
      socket.destroy()
      resolve(text)
    })
  })
}
