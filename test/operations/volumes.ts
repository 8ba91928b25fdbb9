import { type InstanceId, waitFor } from '#base'
import { type DeviceDefinition, device, type Instance } from '#model'
import { power } from '#virt'
import { acceptVolumeExtend } from '../../src/api/accept/volume-extend.ts'
import { acceptAttach } from '../../src/api/resources/volume-attachments/attach.ts'
import { acceptDetach } from '../../src/api/resources/volume-attachments/detach.ts'
import { acceptSwap } from '../../src/api/resources/volume-attachments/update.ts'
import { caller, type SmallCloud } from './world.ts'

/** The volumes of the sweep: one of the user's and one made for the server are attached, one more of his is spare. */

async function makeVolume({ api }: SmallCloud, name: string, sizeGiB = 1): Promise<string> {
  const { id } = await api.volumes.create(caller, { name, sizeGiB })
  const isThere = async () => ((await api.volumes.get(caller, id)).status === 'available' ? true : undefined)
  await waitFor('the volume', isThere, { deadlineMs: 60_000, everyMs: 2 })
  return id
}

export const userVolumes = async (cloud: SmallCloud): Promise<readonly string[]> => [
  // Larger than its record says: nobody has told of its growth yet.
  await makeVolume(cloud, 'own', 2),
  await makeVolume(cloud, 'spare', 2),
]

export const volumeDevices = ([own = '']: readonly string[]): readonly DeviceDefinition[] => [
  device({ source: 'volume', destination: 'volume', volumeId: own, size: 1 }),
  device({ source: 'blank', destination: 'volume', size: 1, deleteOnTermination: true }),
]

const asking = { caller, isAdmin: true, requestId: 'req-00000000-0000-0000-0000-000000000000' }

async function named({ api }: SmallCloud, name: string) {
  const volume = (await api.volumes.list('service')).find(v => v.name === name)
  if (volume === undefined) throw new Error(`no volume ${name}`)
  return volume
}

const alive = { from: ['server-build'], vmState: 'active', power: power.running } as const

export const volumeCases = {
  'volume-attach': {
    ...alive,
    ask: async (cloud: SmallCloud, instance: Instance) => {
      const wish = { deviceName: null, tag: null, deleteOnTermination: false }
      await acceptAttach(cloud.api, asking, instance, { ...wish, volume: await named(cloud, 'spare') })
    },
    volumes: 3,
  },
  'volume-detach': {
    ...alive,
    ask: async (cloud: SmallCloud, instance: Instance) => {
      const volume = await named(cloud, 'own')
      const disk = (await cloud.store.blockDevices.of(instance.id)).find(d => d.volumeId === volume.id)
      if (disk !== undefined) await acceptDetach(cloud.api, asking, instance, disk, volume)
    },
    volumes: 1,
  },
  'volume-extend': {
    ...alive,
    ask: async (cloud: SmallCloud, instance: Instance) => {
      const { id: volumeId } = await named(cloud, 'own')
      await acceptVolumeExtend(cloud.api, caller, asking.requestId, { instanceId: instance.id, volumeId })
    },
    ownGiB: 2,
  },
  'volume-swap': {
    ...alive,
    ask: async (cloud: SmallCloud, instance: Instance) =>
      acceptSwap(cloud.api, asking, {
        instance,
        old: await named(cloud, 'own'),
        fresh: await named(cloud, 'spare'),
      }),
  },
}

/** Rows, attachments, volumes and disks of the guest tell the same story, and nothing is left of any other. */
export async function volumeComplaints(
  { api, store, drivers }: SmallCloud,
  id: InstanceId | string,
  users: readonly string[],
  { attached: wanted, isHeldOnly, ownGiB }: { attached: number; isHeldOnly: boolean; ownGiB?: number | undefined },
): Promise<readonly string[]> {
  const found: string[] = []
  const note = (isWrong: boolean, what: string) => {
    if (isWrong) found.push(what)
  }
  const rows = (await store.blockDevices.of(id)).filter(d => d.destination === 'volume')
  note(rows.length !== wanted, `${rows.length} volumes in the record instead of ${wanted}`)
  note(
    rows.some(d => d.volumeId === null || d.attachmentId === null || (d.connectionInfo === null) !== isHeldOnly),
    'a volume in the record without its connection, or with one too many',
  )
  const volumes = await api.volumes.list('service')
  const alive = volumes.filter(v => v.status !== 'deleting')
  const made = alive.filter(v => !users.includes(v.id))
  note(made.length !== (wanted > 0 ? 1 : 0), `${made.length} volumes made for the server`)
  note(alive.length - made.length !== users.length, 'a volume of the user is gone')
  const attached = new Set(rows.map(d => d.volumeId))
  for (const v of alive) {
    const status = attached.has(v.id) ? (isHeldOnly ? 'reserved' : 'in-use') : 'available'
    note(v.status !== status, `volume ${v.name} is ${v.status} instead of ${status}`)
  }
  const attachments = (
    await Promise.all(volumes.map(v => api.volumes.attachments('service', { volumeId: v.id })))
  ).flat()
  note(attachments.length !== wanted, `${attachments.length} attachments instead of ${wanted}`)
  const disks = [...drivers.values()]
    .flatMap(driver => driver.disksOf(id as InstanceId))
    .filter(d => d.kind === 'volume')
  if (ownGiB !== undefined) {
    const sizes = [rows, disks].map(all => all.find(d => d.deviceName === '/dev/vdb')?.size)
    note(
      sizes.some(size => size !== ownGiB),
      `a volume of ${ownGiB} GiB is of ${sizes.join(' and ')} in record and guest`,
    )
  }
  const plugged = isHeldOnly ? 0 : wanted
  note(disks.length !== plugged, `${disks.length} volumes in the guest instead of ${plugged}`)
  note(
    disks.some(d => !attached.has(d.volume?.id ?? '')),
    'the guest has a volume that its record does not know',
  )
  return found
}
