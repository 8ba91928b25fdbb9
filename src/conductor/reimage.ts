import { declareFault, Fault, pause } from '#base'
import type { Volume } from '#cloud'
import { type BlockDevice, type Instance, isVolume, rootDevice } from '#model'
import type { StepContext } from '#saga'
import { GuestNotFound } from '#virt'
import type { ConductorDeps } from './deps.ts'
import { gracefulMs } from './graceful.ts'
import { hostClient, unlessAborted } from './hosts.ts'
import { connectVolumes, holdOnly } from './volumes.ts'

/** A root disk on a volume gets the content of another image: the volume service writes it while nobody has the volume. */

export const ReimageFailed = declareFault(
  'ReimageException',
  'final',
  (p: { id: string; reason: string }) => `Reimaging volume ${p.id} failed: ${p.reason}`,
)

/** `reimage_timeout_per_gb`. */
const patiencePerGiBMs = 20_000
const firstPollMs = 20

const isWriting = (volume: Volume): boolean => volume.status === 'downloading'

async function rootVolume(d: ConductorDeps, instance: Instance): Promise<BlockDevice | undefined> {
  const root = rootDevice(await d.store.blockDevices.of(instance.id))
  return root !== undefined && isVolume(root) && root.volumeId !== null ? root : undefined
}

/** Not longer than the volume service may take for so much. */
async function untilWritten(d: ConductorDeps, c: StepContext, id: string): Promise<Volume> {
  const beganMs = d.clock.now()
  for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 2, Math.max(d.options.volumePollMs, firstPollMs))) {
    const volume = await d.volumes.get('service', id)
    if (!isWriting(volume)) return volume
    if (d.clock.now() - beganMs > patiencePerGiBMs * Math.max(1, volume.sizeGiB))
      throw ReimageFailed({ id, reason: 'the volume service did not come to an end' })
    await pause(pollMs, d.clock, c.signal)
  }
}

async function turnOff(d: ConductorDeps, c: StepContext, instance: Instance, host: string): Promise<void> {
  const asked = { id: instance.id, gracefulMs: gracefulMs(d, instance) }
  try {
    await unlessAborted(c.signal, hostClient(d, host).stop(asked, { key: c.key }))
  } catch (error) {
    if (!GuestNotFound.is(error)) throw error
  }
}

/** Guest off, volume off the host but held for the server, new content, volume back on the host. */
export async function reimageRoot(
  d: ConductorDeps,
  instance: Instance,
  at: { readonly host: string; readonly imageId: string },
  c: StepContext,
): Promise<void> {
  const root = await rootVolume(d, instance)
  const id = root?.volumeId ?? null
  if (root === undefined || id === null) return
  await turnOff(d, c, instance, at.host)
  await holdOnly(d, root, id)
  const before = await d.volumes.get('service', id)
  // An interrupted run has asked already, or has seen the end of it.
  if (!isWriting(before) && before.imageMetadata['image_id'] !== at.imageId)
    await d.volumes.reimage('service', id, at.imageId, { isReserved: true })
  const { status } = await untilWritten(d, c, id)
  if (status === 'error') throw ReimageFailed({ id, reason: 'the volume is in error' })
  await connectVolumes(d, instance, at.host)
}

/** The server has its volume again, whatever is on it; one that cannot be had is left to its owner. */
export async function reconnectRoot(d: ConductorDeps, instance: Instance, host: string, c: StepContext): Promise<void> {
  const root = await rootVolume(d, instance)
  if (root?.volumeId == null) return
  try {
    await untilWritten(d, c, root.volumeId)
    await connectVolumes(d, instance, host)
  } catch (error) {
    if (!(error instanceof Fault) || error.kind === 'transient') throw error
    d.log.warn({ instance_id: instance.id, volume_id: root.volumeId, err: error }, 'root volume stays off the host')
  }
}
