import { obj, oneOf, operation, query, reply, request, resource, since, str, text } from '#api/kit'
import { declareFault, waitFor } from '#base'
import { type Instance, InstanceInvalidState, InstanceNotReady } from '#model'
import { type Gathered, havingIt } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { MappingNotFound } from '../volume-attachments/faults.ts'

const rule = 'os_compute_api:os-assisted-volume-snapshots'
const filled = text({ min: 1 })

const IsMultiattach = declareFault(
  'VolumeBDMIsMultiAttach',
  'refused',
  (p: { volumeId: string }) =>
    `Block Device Mapping ${p.volumeId} is a multi-attach volume and is not valid for this operation.`,
)
const BadDeleteInfo = declareFault('BadDeleteInfo', 'refused', (p: { text: string }) => p.text)

const faults = {
  VolumeBDMNotFound: 400,
  VolumeBDMIsMultiAttach: 400,
  InstanceInvalidState: 400,
  InstanceNotReady: 400,
  BadDeleteInfo: 400,
} as const

/** The one server that has the volume, if it is on a host and nobody works on it. */
async function serverOf(
  deps: ApiDeps,
  volumeId: string,
  action: string,
): Promise<Gathered<Instance & { readonly host: string }>> {
  const found = await havingIt(deps, async ({ store }) => {
    const devices = await store.blockDevices.ofVolume(volumeId)
    return devices.length === 0 ? undefined : devices
  })
  const devices = found.flatMap(({ deps: own, value }) => value.map(device => ({ own, device })))
  const [first] = devices
  if (first === undefined) throw MappingNotFound({ volumeId })
  if (devices.length > 1) throw IsMultiattach({ volumeId })
  const { own, device } = first
  const instance = await own.store.instances.get(device.instanceId)
  const { id, host, taskState } = instance
  if (host === null) throw InstanceNotReady({ id })
  if (taskState !== null) throw InstanceInvalidState({ action, id, attr: 'task_state', state: taskState })
  return { deps: own, value: { ...instance, host } }
}

/** How long Cinder may take with a snapshot that the host has made, and how often it is asked. */
const settling = { deadlineMs: 600_000, everyMs: 500 }

/** The volume is another file now, which Cinder knows once it is done with the snapshot: the next start needs it. */
async function refreshConnection(deps: ApiDeps, volumeId: string): Promise<void> {
  const [device] = await deps.store.blockDevices.ofVolume(volumeId)
  if (device === undefined || device.attachmentId === null || device.connectionInfo === null) return
  const { connection } = await deps.volumes.getAttachment('service', device.attachmentId)
  if (connection === undefined) return
  await deps.store.blockDevices.change(device.id, { connectionInfo: { ...device.connectionInfo, ...connection } })
}

async function whenSettled(deps: ApiDeps, snapshotId: string): Promise<void> {
  const isSettled = async () =>
    (await deps.volumes.getSnapshot('service', snapshotId)).status === 'creating' ? undefined : true
  await waitFor(`snapshot ${snapshotId}`, isSettled, { ...settling, clock: deps.clock })
}

/** The host works and then tells Cinder itself how it went; there is nobody else to tell. */
function inBackground(
  deps: ApiDeps,
  snapshotId: string,
  statuses: { done: string; failed: string },
  work: Promise<unknown>,
  refresh: () => Promise<void>,
) {
  const tell = (status: string) => deps.volumes.updateSnapshotStatus('service', snapshotId, status)
  work
    .then(
      async () => {
        await tell(statuses.done)
        await refresh()
      },
      error => {
        deps.log.warn({ snapshot_id: snapshotId, err: error }, 'the host could not work on the snapshot of a volume')
        return tell(statuses.failed)
      },
    )
    .catch((error: unknown) =>
      deps.log.warn({ snapshot_id: snapshotId, err: error }, 'the volume service did not take the outcome'),
    )
}

const create = operation<ApiDeps>()({
  policy: `${rule}:create`,
  body: request('snapshot', {
    volume_id: filled,
    create_info: obj({ snapshot_id: filled, type: oneOf('qcow2'), new_file: filled, id: filled.optional() }),
  }),
  reply: reply('snapshot', { id: str.nullable(), volumeId: str }),
  faults,
  async handle({ body, allow }, deps) {
    // Cinder asks with a project of its own.
    allow({})
    const { volume_id: volumeId, create_info: info } = body
    const { deps: own, value: instance } = await serverOf(deps, volumeId, 'volume_snapshot_create')
    const snapshot = { id: instance.id, volumeId, snapshotId: info.snapshot_id, newFile: info.new_file }
    const work = own.computeOn(instance.host).snapshotVolume(snapshot)
    inBackground(own, info.snapshot_id, { done: 'creating', failed: 'error' }, work, async () => {
      await whenSettled(own, info.snapshot_id)
      await refreshConnection(own, volumeId)
    })
    return { id: info.id ?? null, volumeId }
  },
})

interface DeleteInfo {
  readonly volumeId: string
  readonly fileToMerge: string | null
  readonly mergeTarget: string | null
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw BadDeleteInfo({ text: 'Expecting value: line 1 column 1 (char 0)' }, { cause: error })
  }
}

/** Python's words for what is not there. */
function deleteInfoOf(given: string | undefined): DeleteInfo {
  if (given === undefined) throw BadDeleteInfo({ text: "'delete_info'" })
  const info = parsed(given)
  const fields = typeof info === 'object' && info !== null ? (info as Readonly<Record<string, unknown>>) : {}
  const volumeId = textOrNull(fields['volume_id'])
  if (volumeId === null) throw BadDeleteInfo({ text: "'volume_id'" })
  return {
    volumeId,
    fileToMerge: textOrNull(fields['file_to_merge']),
    mergeTarget: textOrNull(fields['merge_target_file']),
  }
}

const remove = operation<ApiDeps, { id: string }>()({
  status: 204,
  policy: `${rule}:delete`,
  query: query({ delete_info: str.optional() }, { strict: since('2.75') }),
  faults: { ...faults, InstanceNotFound: 404 },
  async handle({ path, query: { delete_info: given }, allow }, deps) {
    allow({})
    const { volumeId, ...files } = deleteInfoOf(given)
    const { deps: own, value: instance } = await serverOf(deps, volumeId, 'volume_snapshot_delete')
    const { id, vmState } = instance
    // A chain in the middle of which something is merged must be open in a running process.
    if (files.mergeTarget !== null && vmState !== 'active')
      throw InstanceInvalidState({ action: 'volume_snapshot_delete', id, attr: 'vm_state', state: vmState })
    const work = own.computeOn(instance.host).mergeVolumeSnapshot({ id, volumeId, snapshotId: path.id, ...files })
    inBackground(own, path.id, { done: 'deleting', failed: 'error_deleting' }, work, () =>
      refreshConnection(own, volumeId),
    )
  },
})

/** Snapshots of attached volumes that the hypervisor has to make, for the volume service. */
export const assistedVolumeSnapshots = resource('/os-assisted-volume-snapshots', {
  'POST /': create,
  'DELETE /{id}': remove,
})
