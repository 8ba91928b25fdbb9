import { instanceId, newUuid } from '#base'
import type { GuestConfigDrive, GuestDisk, GuestSpec, GuestVolume } from '../guest-spec.ts'
import type { Bench } from './bench.ts'

/** A drive with as little as a guest needs to call it one. */
export function aConfigDrive(
  format: GuestConfigDrive['format'],
  metaData: Readonly<Record<string, unknown>> = {},
): GuestConfigDrive {
  const base64 = Buffer.from(JSON.stringify(metaData)).toString('base64')
  return { format, files: [{ path: 'openstack/latest/meta_data.json', base64 }] }
}

const aRootDisk = (id: string): GuestDisk => ({
  id,
  kind: 'image',
  deviceName: '/dev/vda',
  bus: null,
  deviceType: 'disk',
  bootIndex: 0,
  size: 1,
  format: null,
  tag: null,
  volume: null,
})

const nowhere = (id: string): GuestVolume => ({
  id,
  connection: { driverVolumeType: 'local', data: { device_path: `/nowhere/${id}`, format: 'raw' } },
})

/** A volume as a guest gets it; anything may be overridden. */
export function aVolumeDisk(
  bench: Pick<Bench, 'volume'>,
  deviceName: string,
  overrides: Partial<GuestDisk> = {},
): GuestDisk {
  return {
    ...aRootDisk(newUuid()),
    kind: 'volume',
    deviceName,
    bootIndex: null,
    volume: bench.volume?.() ?? nowhere(newUuid()),
    ...overrides,
  }
}

let made = 0

/** A small guest of the bench's image; anything may be overridden. */
export function aGuestSpec(bench: Pick<Bench, 'image' | 'memoryMiB'>, overrides: Partial<GuestSpec> = {}): GuestSpec {
  made++
  const id = overrides.id ?? instanceId(newUuid())
  return {
    id,
    // Like Nova's, fixed with the id: a hypervisor refuses a second name for one guest.
    name: `instance-${id.slice(0, 8)}`,
    displayName: `conformance <${made}> & "co"`,
    projectId: 'b5f1c0a3a8f04a0d8f3a1f0f9c8d7e6f',
    projectName: 'demo',
    userId: '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
    userName: "o'brien",
    createdAtMs: Date.parse('2026-01-02T03:04:05Z'),
    flavor: {
      id: '42',
      name: 'm1.conformance',
      vcpus: 1,
      memoryMiB: bench.memoryMiB,
      rootGiB: 1,
      ephemeralGiB: 0,
      swapMiB: 0,
      extraSpecs: {},
    },
    image: bench.image,
    disks: [aRootDisk(id)],
    vifs: [],
    ...overrides,
  }
}
