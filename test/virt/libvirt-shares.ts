import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { newUuid, waitFor } from '#base'
import { aConfigDrive, aGuestSpec, consoleShows, missingShareTest } from '#virt/conformance'
import type { LibvirtBench } from './libvirt-bench.ts'
import { processes } from './processes.ts'

/** What stands behind a share of a real guest. */
export function libvirtShareTests(bench: () => LibvirtBench): void {
  describe('shares of real guests', () => {
    missingShareTest(bench)

    test('a program of the host serves the folder to the guest’s device, and ends with the guest', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'nova-served-'))
      const share = {
        id: newUuid(),
        tag: 'served-files',
        protocol: 'NFS',
        exportLocation: folder,
        user: null,
      } as const
      const spec = aGuestSpec(bench(), { shares: [share] })
      const guest = bench().driver.guest(spec.id)
      const servers = () =>
        processes().filter(({ commandLine }) => /virtiofsd/.test(commandLine) && commandLine.includes(folder))
      try {
        writeFileSync(join(folder, 'from-host'), 'hello')
        const devices = [{ type: 'share', share_id: share.id, tag: share.tag, bus: 'none', address: 'none' }]
        await guest.spawn({ ...spec, configDrive: aConfigDrive('iso9660', { uuid: spec.id, devices }) })
        assert.notEqual(servers().length, 0)
        const qemu = processes().find(({ pid }) => pid === bench().qemuOf(spec.id))?.commandLine ?? ''
        assert.match(qemu, /vhost-user-fs/)
        assert.match(qemu, /served-files/)
        assert.match(qemu, /memory-backend-memfd[^\0]*"share":true/)
        const { traits } = await bench().driver.host.describe()
        for (const trait of ['COMPUTE_STORAGE_VIRTIO_FS', 'COMPUTE_MEM_BACKING_FILE']) assert.ok(traits.includes(trait))
        // The guest mounts what its metadata names.
        await consoleShows(bench(), spec.id, `guest: share ${share.tag} mounted files=1`)
        await guest.stop('now')
        await waitFor('the server to end', () => (servers().length === 0 ? true : undefined), { deadlineMs: 60_000 })
      } finally {
        await guest.destroy()
        rmSync(folder, { recursive: true })
      }
    })
  })
}
