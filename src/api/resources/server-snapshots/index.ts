import { always, bare, metadata, name, nonNegative, obj, operation, reply, resource, str, text, until } from '#api/kit'
import { declareFault } from '#base'
import { isVolumeBacked } from '#model'
import { acceptBackup, acceptSnapshot } from '../../accept/snapshots.ts'
import { mustAllow } from '../../accept/task.ts'
import { acceptVolumeSnapshot } from '../../accept/volume-snapshot.ts'
import type { ApiDeps } from '../../deps.ts'
import { mustFitQuota } from '../images/quota.ts'
import { glanceUrl } from '../images/view.ts'
import { findServer, isAdmin } from '../servers/find.ts'

const op = operation<ApiDeps, { id: string }>()

const NoBackupOfVolumes = declareFault(
  'InvalidRequest',
  'refused',
  () => 'Backup is not supported for volume-backed instances.',
)

const faults = {
  InstanceNotFound: 404,
  InstanceInvalidState: 409,
  // What the image service says to the new record.
  Invalid: 400,
  Forbidden: 403,
  ImageQuotaExceeded: 403,
  OverQuota: 403,
} as const

/** The image's id in the answer since 2.45, its address in a header before. Its properties are counted below 2.39. */
const behaviours = { answersWithLocation: until('2.45'), countsMetadata: until('2.39') }
const imageReply = reply(obj({ image_id: str }).since('2.45'))

/** What the volume service says, and what Nova says of volumes. */
const volumeFaults = {
  VolumeNotFound: 404,
  InvalidVolume: 400,
  VolumeConflict: 409,
  InstanceQuiesceNotSupported: 400,
  QemuGuestAgentNotEnabled: 400,
} as const

/** White space at the ends is refused at the old endpoint too. */
const tidyName = text({ min: 1, max: 255, format: 'name' })

const createImage = op({
  status: always(202),
  policy: 'os_compute_api:servers:create_image',
  alsoPolicies: ['os_compute_api:servers:create_image:allow_volume_backed'],
  body: bare(obj({ name: tidyName, metadata: metadata.optional() })),
  reply: imageReply,
  faults: { ...faults, ...volumeFaults },
  behaviours,
  async handle({ path, body, caller, allow, insist, behaves, header, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    const target = { project_id: instance.projectId }
    allow(target)
    const extra = body.metadata ?? {}
    if (behaves.countsMetadata) await mustFitQuota(deps, caller, extra)
    const asking = { caller, isAdmin: isAdmin(caller), requestId }
    const isOnVolume = isVolumeBacked(await deps.store.blockDevices.of(instance.id))
    if (isOnVolume) insist('os_compute_api:servers:create_image:allow_volume_backed', target)
    const accept = isOnVolume ? acceptVolumeSnapshot : acceptSnapshot
    const image = await accept(deps, asking, instance, { name: body.name.trim(), metadata: extra })
    if (behaves.answersWithLocation) header('location', `${await glanceUrl(deps, null)}/images/${image.id}`)
    return { image_id: image.id }
  },
})

const createBackup = op({
  status: always(202),
  policy: 'os_compute_api:os-create-backup',
  body: bare(obj({ name, backup_type: str, rotation: nonNegative, metadata: metadata.optional() })),
  reply: imageReply,
  faults: { ...faults, InvalidRequest: 400 },
  behaviours,
  async handle({ path, body, caller, allow, behaves, header, links, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow({ project_id: instance.projectId })
    const extra = body.metadata ?? {}
    if (behaves.countsMetadata) await mustFitQuota(deps, caller, extra)
    const asking = { caller, isAdmin: isAdmin(caller), requestId }
    const { backup_type: backupType, rotation } = body
    const asked = { name: body.name.trim(), backupType, rotation, metadata: extra }
    mustAllow(instance, 'createBackup', 'createBackup', isAdmin(caller))
    if (isVolumeBacked(await deps.store.blockDevices.of(instance.id))) throw NoBackupOfVolumes({})
    const image = await acceptBackup(deps, asking, instance, asked)
    // One that is rotated out at once has no address.
    if (behaves.answersWithLocation && rotation > 0) {
      const { base, mount } = links.place
      header('location', `${base}${mount}/images/${image.id}`)
    }
    return { image_id: image.id }
  },
})

/** Images of servers. */
export const serverSnapshots = resource('/servers', {
  'POST /{id}/action createImage': createImage,
  'POST /{id}/action createBackup': createBackup,
})
