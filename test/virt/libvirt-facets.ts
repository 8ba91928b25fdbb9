import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ManualClock, newUuid, waitFor } from '#base'
import { guestCache } from '#guest'
import {
  AgentNotEnabled,
  AgentUnresponsive,
  type Guest,
  type GuestDisk,
  GuestInWrongState,
  GuestNotFound,
  type GuestSpec,
  HypervisorError,
  power,
  type VirtDriver,
} from '#virt'
import { aConfigDrive, aGuestSpec, aVolumeDisk, consoleShows } from '#virt/conformance'
import { plainMigration } from '../../src/virt/libvirt/moves/settings.ts'
import { daemonPid, type LibvirtBench } from './libvirt-bench.ts'

/** What of the facets only libvirt has: files, memory that can be damaged, a daemon that goes on without us. */
export function libvirtFacetTests(bench: () => LibvirtBench): void {
  async function withGuest(overrides: Partial<GuestSpec>, work: (guest: Guest, spec: GuestSpec) => Promise<void>) {
    const spec = aGuestSpec(bench(), overrides)
    const guest = bench().driver.guest(spec.id)
    await guest.spawn(spec)
    try {
      await work(guest, spec)
    } finally {
      await bench().driver.guest(spec.id).destroy()
    }
    assert.deepEqual(await bench().leftovers(spec.id), [])
    assert.equal(existsSync(saveFile(spec)), false)
  }
  const facet = <K extends keyof VirtDriver>(name: K, driver = bench().driver): NonNullable<VirtDriver[K]> => {
    const found = driver[name]
    assert.ok(found, `the driver has no ${name}`)
    return found
  }
  const withEphemeral = (): readonly GuestDisk[] => {
    const { disks } = aGuestSpec(bench())
    const more = { id: newUuid(), kind: 'ephemeral', deviceName: '/dev/vdb', bootIndex: null } as const
    return disks.flatMap(root => [root, { ...root, ...more }])
  }
  const saveFile = (spec: GuestSpec) => join(bench().stateDir, 'lib/qemu/save', `${spec.name}.save`)
  const folderOf = (spec: GuestSpec) => join(bench().instancesPath, spec.id)
  const domainOf = (spec: GuestSpec) => readFileSync(join(folderOf(spec), 'libvirt.xml'), 'utf8')
  /** The log is new with every process: a kernel that goes on prints only this. */
  const isSameBoot = async (spec: GuestSpec) => {
    await facet('crashDump').trigger(spec.id)
    const console = await consoleShows(bench(), spec.id, 'NMI received')
    return !console.includes('guest: userspace')
  }

  describe('memory on disk', () => {
    test('two processes of ours suspend at once, a third one resumes: the guest goes on', async t => {
      await withGuest({}, async (_guest, spec) => {
        await consoleShows(bench(), spec.id, 'guest: ready')
        const other = await bench().open({})
        t.after(() => other.close())
        const both = [bench().driver, other].map(driver => facet('suspendToDisk', driver).suspend(spec.id))
        await Promise.all(both)
        assert.equal(existsSync(saveFile(spec)), true)
        assert.equal(bench().qemuOf(spec.id), undefined)
        await bench().reopen()
        assert.equal((await bench().driver.guest(spec.id).state()).power, power.shutdown)
        const again = [bench().driver, other].map(driver => facet('suspendToDisk', driver).resume(spec.id, spec))
        await Promise.all(again)
        assert.equal((await other.guest(spec.id).state()).power, power.running)
        assert.equal(existsSync(saveFile(spec)), false)
        assert.equal(await isSameBoot(spec), true)
      })
    })

    test('interfaces that came and went meanwhile', async () => {
      const [stays, goes, comes] = [bench().vif(), bench().vif(), bench().vif()]
      await withGuest({ vifs: [stays, goes] }, async (guest, spec) => {
        await consoleShows(bench(), spec.id, 'guest: ready')
        await facet('suspendToDisk').suspend(spec.id)
        await facet('hotplug').detachVif(spec.id, goes.mac)
        await facet('suspendToDisk').resume(spec.id, { ...spec, vifs: [stays, comes] })
        const macs = (await guest.diagnostics()).nics.map(nic => nic.mac)
        assert.deepEqual(macs.toSorted(), [stays.mac, comes.mac].toSorted())
        await consoleShows(bench(), spec.id, 'guest: hotplug remove nic')
      })
    })

    test('damaged or half memory, and every other start: it boots', async () => {
      await withGuest({}, async (guest, spec) => {
        const { suspend, resume } = {
          suspend: () => facet('suspendToDisk').suspend(spec.id),
          resume: () => facet('suspendToDisk').resume(spec.id, spec),
        }
        const boots = async (act: () => Promise<unknown>) => {
          await act()
          assert.equal((await guest.state()).power, power.running)
          await consoleShows(bench(), spec.id, 'guest: userspace')
          assert.equal(existsSync(saveFile(spec)), false)
        }
        await suspend()
        writeFileSync(saveFile(spec), randomBytes(100_000))
        await boots(resume)
        await suspend()
        truncateSync(saveFile(spec), Math.floor(readFileSync(saveFile(spec)).length / 2))
        await boots(resume)
        await suspend()
        await boots(() => guest.start(spec))
        await suspend()
        await boots(() => guest.reboot('hard', spec))
      })
    })

    test('a start that fails for another reason keeps the memory', async () => {
      const vif = bench().vif()
      await withGuest({ vifs: [vif] }, async (_guest, spec) => {
        await facet('suspendToDisk').suspend(spec.id)
        execFileSync('ip', ['link', 'set', vif.bridge, 'name', `${vif.bridge}x`])
        try {
          await assert.rejects(facet('suspendToDisk').resume(spec.id, spec), HypervisorError.is)
        } finally {
          execFileSync('ip', ['link', 'set', `${vif.bridge}x`, 'name', vif.bridge])
        }
        await facet('suspendToDisk').resume(spec.id, spec)
        assert.equal((await bench().driver.guest(spec.id).state()).power, power.running)
      })
    })
  })

  test('a processor that nobody has is refused before a guest moves, unless that is left to libvirt', async t => {
    const skips = { migration: { ...plainMigration, skipsCpuComparison: true } }
    const other = await bench().open(skips)
    t.after(() => other.close())
    await withGuest({}, async (_guest, { id }) => {
      const needs = await facet('liveMigration').describe(id)
      const model = '<model fallback="forbid">nobodys</model>'
      const xml = `<cpu mode="custom" match="exact"><arch>x86_64</arch>${model}</cpu>`
      const strange = { ...needs, cpu: { ...needs.cpu, xml } }
      const how = { withDisks: null }
      assert.match((await facet('liveMigration').refusal(strange, how)) ?? '', /Unacceptable CPU info/)
      assert.doesNotMatch((await facet('liveMigration', other).refusal(strange, how)) ?? '', /CPU/)
    })
  })

  describe('rescue', () => {
    const files = (spec: GuestSpec) => readdirSync(folderOf(spec)).filter(name => name.includes('rescue'))
    const wish = (more: object = {}) => ({ image: bench().image, gracefulMs: 0, stable: null, ...more })

    test('the rescue disk is the first, the own the second; it outlives libvirtd and us', async () => {
      const own = aConfigDrive('iso9660', { uuid: 'own', hostname: 'own.novalocal' })
      const rescued = aConfigDrive('iso9660', { uuid: 'own', hostname: 'rescued.novalocal', admin_pass: 'secret' })
      const image = { ...bench().image, properties: { ...bench().image.properties, hw_cdrom_bus: 'scsi' } }
      await withGuest({ configDrive: own, image, disks: withEphemeral() }, async (_guest, spec) => {
        await facet('rescue').enter(spec.id, spec, wish({ configDrive: rescued, image }))
        const console = await consoleShows(bench(), spec.id, 'guest: ready')
        assert.match(console, /guest: boot-count 1/)
        assert.match(console, /guest: disk vdb bytes=1073741824/)
        assert.match(console, /guest: disk vdc bytes=1073741824/)
        assert.match(console, /guest: hostname rescued\.novalocal/)
        assert.match(console, /guest: admin_pass set/)
        assert.deepEqual(files(spec).toSorted(), ['disk.config.rescue', 'disk.rescue', 'unrescue.xml'])
        process.kill(await daemonPid(bench(), 'libvirtd'), 'SIGKILL')
        await bench().reopen()
        const before = bench().qemuOf(spec.id)
        await facet('rescue').enter(spec.id, spec, wish({ configDrive: rescued, image }))
        assert.equal(bench().qemuOf(spec.id), before, 'rescued already: nothing was done')
        await facet('rescue').leave(spec.id, spec)
        assert.match(await consoleShows(bench(), spec.id, 'guest: ready'), /guest: hostname own\.novalocal/)
        assert.deepEqual(files(spec), [])
      })
    })

    test('a kernel for the rescue, and the own one again afterwards', async () => {
      const kernels = join(guestCache(), 'kernels')
      const stock = readdirSync(kernels).find(
        name => name.startsWith('stock-') && existsSync(join(kernels, name, 'vmlinuz')),
      )
      const kernel = bench().images.add(join(kernels, stock ?? '', 'vmlinuz'), { diskFormat: 'aki' })
      const words = 'console=ttyS0 nova.words=rescue'
      const image = { ...bench().image, properties: { ...bench().image.properties, os_command_line: words } }
      await withGuest({}, async (_guest, spec) => {
        const rescued = wish({ image, directBoot: { kernel, ramdisk: kernel } })
        await facet('rescue').enter(spec.id, spec, rescued)
        await consoleShows(bench(), spec.id, `Kernel command line: ${words}`)
        const names = ['disk.rescue', 'kernel.rescue', 'ramdisk.rescue', 'unrescue.xml']
        assert.deepEqual(files(spec).toSorted(), names)
        await facet('rescue').leave(spec.id, spec)
        await consoleShows(bench(), spec.id, 'guest: ready')
        assert.doesNotMatch(domainOf(spec), /<kernel>/)
        assert.deepEqual(files(spec), [])
      })
    })

    test('all disks keep their places, volumes too, and the rescue disk is booted from', async () => {
      const volume = aVolumeDisk(bench(), '/dev/vda', { bootIndex: 0 })
      const disks = [volume, ...withEphemeral().slice(1)]
      const file = String(volume.volume?.connection.data['device_path'])
      writeFileSync(file, 'the volume', { flag: 'r+' })
      await withGuest({ disks }, async (_guest, spec) => {
        await facet('rescue').enter(spec.id, spec, wish({ stable: { device: 'disk', bus: null } }))
        const console = await consoleShows(bench(), spec.id, 'guest: smbios')
        assert.match(console, /guest: root \/dev\/vdc2/)
        assert.match(console, new RegExp(`guest: disk vda .*serial=${volume.volume?.id.slice(0, 20)}`))
        const names = [...domainOf(spec).matchAll(/<target dev="(\w+)"/g)].map(([, dev]) => dev)
        assert.deepEqual(names, ['vda', 'vdb', 'vdc'])
        assert.match(domainOf(spec), /disk\.rescue"\/>\s*<target dev="vdc" bus="virtio"\/>\s*<boot order="1"\/>/)
        for (const stable of [
          { device: 'cdrom', bus: 'scsi' },
          { device: 'disk', bus: 'usb' },
          { device: 'floppy', bus: null },
        ] as const) {
          await facet('rescue').leave(spec.id, spec)
          await facet('rescue').enter(spec.id, spec, wish({ stable }))
          assert.equal((await bench().driver.guest(spec.id).state()).power, power.running)
        }
        await bench().driver.guest(spec.id).reboot('hard', spec)
        assert.deepEqual(files(spec), [], 'a plain start ends a rescue')
        await facet('rebuild').rebuild(spec, { keepsEphemeral: false, gracefulMs: 0 })
        assert.equal(readFileSync(file).toString('utf8', 0, 10), 'the volume', 'a rebuild leaves volumes alone')
      })
    })

    test('what cannot be rescued goes on as it was, and what was cut off is done again', async () => {
      await withGuest({}, async (guest, spec) => {
        const process = bench().qemuOf(spec.id)
        const liar = bench().images.add(Buffer.alloc(65_536, 1))
        await assert.rejects(facet('rescue').enter(spec.id, spec, wish({ image: liar })), /is unacceptable/)
        const noBus = { stable: { device: 'disk', bus: 'xen' } }
        await assert.rejects(facet('rescue').enter(spec.id, spec, wish(noBus)), /rescue bus xen is not supported/)
        await facet('rescue').leave(spec.id, spec)
        assert.equal(bench().qemuOf(spec.id), process)
        assert.deepEqual(files(spec), [])
        // As if we had died with the rescue defined and not started.
        await facet('rescue').enter(spec.id, spec, wish())
        await guest.stop('now')
        await bench().reopen()
        await facet('rescue').enter(spec.id, spec, wish())
        assert.match(await consoleShows(bench(), spec.id, 'guest: disk vdb'), /guest: boot-count 1/)
        await bench().driver.guest(spec.id).stop('now')
        await facet('rescue').leave(spec.id, spec)
        assert.deepEqual(files(spec), [])
      })
    })
  })

  test('a rebuild keeps ephemeral disks that shall be kept, and no others', async () => {
    await withGuest({ disks: withEphemeral() }, async (_guest, spec) => {
      const ephemeral = () =>
        execFileSync('blkid', ['-o', 'value', '-s', 'UUID', join(folderOf(spec), 'disk.eph0')], { encoding: 'utf8' })
      const first = ephemeral()
      await facet('rebuild').rebuild(spec, { keepsEphemeral: true, gracefulMs: 0 })
      assert.equal(ephemeral(), first)
      await facet('rebuild').rebuild(spec, { keepsEphemeral: false, gracefulMs: 0 })
      assert.notEqual(ephemeral(), first)
      const liar = bench().images.add(Buffer.alloc(65_536, 1))
      const how = { keepsEphemeral: true, gracefulMs: 0 }
      await assert.rejects(facet('rebuild').rebuild({ ...spec, image: liar }, how), /is unacceptable/)
      assert.notEqual(bench().qemuOf(spec.id), undefined, 'an image that will not do is seen before the guest goes')
    })
  })

  describe('the agent', () => {
    /** A guest with this image whose system never comes up, seen through a clock that stands still. */
    async function withDeafGuest(
      agent: string,
      work: (driver: VirtDriver, spec: GuestSpec, clock: ManualClock) => Promise<void>,
    ) {
      const image = bench().images.add(randomBytes(65_536), {
        diskFormat: 'raw',
        properties: { hw_qemu_guest_agent: agent },
      })
      const clock = new ManualClock(Date.now())
      const driver = await bench().open({ clock })
      try {
        await withGuest({ image }, (_guest, spec) => work(driver, spec, clock))
      } finally {
        await driver.close()
      }
    }

    test('a guest without its channel', async () => {
      await withDeafGuest('no', async (driver, spec) => {
        await assert.rejects(facet('guestAgent', driver).setPassword(spec.id, 'root', 'x'), AgentNotEnabled.is)
      })
    })

    test('nobody at its other end: told when the time is over', async () => {
      await withDeafGuest('yes', async (driver, spec, clock) => {
        let told: unknown
        const asked = facet('guestAgent', driver).setPassword(spec.id, 'root', 'gocubsgo')
        asked.catch((error: unknown) => {
          told = error
        })
        const fault = await waitFor('the fault', () => (clock.advance(1000), told), { deadlineMs: 60_000 })
        assert.ok(AgentUnresponsive.is(fault), String(fault))
        assert.match(fault.detail ?? '', /the guest agent is not connected/)
        assert.doesNotMatch(JSON.stringify(fault), /gocubsgo/)
      })
    })

    test('a destroy waits neither for the agent nor for a guest that does not shut down', async () => {
      await withDeafGuest('yes', async (driver, spec) => {
        const asked = facet('guestAgent', driver).setPassword(spec.id, 'root', 'x')
        await Promise.all([assert.rejects(asked, GuestInWrongState.is), driver.guest(spec.id).destroy()])
        await bench().driver.guest(spec.id).spawn(spec)
        const stopped = driver.guest(spec.id).stop({ gracefulMs: 3_600_000 })
        await Promise.all([stopped, driver.guest(spec.id).destroy()])
        await assert.rejects(driver.guest(spec.id).stop('now'), GuestNotFound.is)
      })
    })
  })
}
