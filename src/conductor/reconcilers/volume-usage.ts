import { type BlockDevice, type Instance, isVolume } from '#model'
import type { ConductorDeps } from '../deps.ts'
import { hostClient, isHostUp } from '../hosts.ts'
import { noticesOf } from '../notices.ts'

/** What the guest's counters say of its volumes, told and added up. A guest that does not answer is left for the next time. */
export async function noteVolumeUse(
  deps: ConductorDeps,
  instance: Instance & { readonly host: string },
  devices: readonly BlockDevice[],
): Promise<void> {
  const { store, clock } = deps
  const notices = noticesOf(deps)
  const { id, host, projectId, userId } = instance
  const { disks } = await hostClient(deps, host).diagnostics({ id })
  const zone = (await store.aggregates.zones()).get(host) ?? deps.options.defaultZone
  for (const { volumeId, deviceName } of devices) {
    const disk = disks.find(({ device }) => device !== undefined && `/dev/${device}` === deviceName)
    if (disk === undefined || volumeId === null) continue
    const { readRequests: reads, readBytes, writeRequests: writes, writeBytes } = disk
    const nowMs = clock.now()
    await store.transaction(async tx => {
      const use = await tx.volumeUsages.note(volumeId, id, { reads, readBytes, writes, writeBytes }, nowMs)
      const usage = { volumeId, instanceId: id, projectId, userId, zone, refreshedMs: nowMs, ...use }
      await notices.tell(tx, 'volume.usage', { usage, host })
    })
  }
}

/** Looks at every volume of every guest whose host answers. */
export async function pollVolumeUse(deps: ConductorDeps): Promise<void> {
  const { store, log } = deps
  for (const { host } of (await store.services.list()).filter(({ topic }) => topic === 'compute')) {
    if (!(await isHostUp(deps, host))) continue
    const instances = await store.instances.onHost(host)
    const devices = await store.blockDevices.ofMany(instances.map(({ id }) => id))
    for (const instance of instances) {
      const volumes = (devices.get(instance.id) ?? []).filter(isVolume)
      if (volumes.length === 0 || instance.vmState !== 'active') continue
      await noteVolumeUse(deps, { ...instance, host }, volumes).catch(error =>
        log.warn({ instance_id: instance.id, host, err: error }, 'use of volumes could not be counted'),
      )
    }
  }
}

/** The last look before a volume leaves its guest. */
export async function noteLastUse(deps: ConductorDeps, instanceId: string, volumeId: string): Promise<void> {
  if (deps.options.volumeUsageMs === undefined || !noticesOf(deps).isOn) return
  const instance = await deps.store.instances.find(instanceId)
  const devices = (await deps.store.blockDevices.of(instanceId)).filter(device => device.volumeId === volumeId)
  if (instance === undefined || instance.host === null || instance.vmState !== 'active') return
  await noteVolumeUse(deps, { ...instance, host: instance.host }, devices).catch(error =>
    deps.log.warn({ instance_id: instanceId, volume_id: volumeId, err: error }, 'use of a volume could not be counted'),
  )
}
