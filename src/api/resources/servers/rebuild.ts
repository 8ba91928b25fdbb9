import { operation, until } from '#api/kit'
import { declareFault } from '#base'
import { type Caller, ImageNotFound, instanceImageOf } from '#cloud'
import {
  checkHardware,
  type Instance,
  type InstanceImage,
  InvalidHardwareRequest,
  InvalidNumaRequest,
  isVolumeBacked,
  keptOfVolume,
  numaTopology,
  rootDevice,
  VolumeImageFixed,
  withoutVolumeImage,
} from '#model'
import type { InstanceChange } from '#store'
import { mustStayAsEncrypted, openImage } from '../../accept/disk-encryption.ts'
import { mustHaveNoShares } from '../../accept/shares.ts'
import { acceptTask, mustAllow } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { canonicalIpV6 } from './access-address.ts'
import { faults } from './actions.ts'
import { newPassword } from './create.ts'
import { BadServerRequest } from './create-faults.ts'
import { mustFitRoot, mustHaveMemory } from './create-image.ts'
import { checkQuotas, keyFor } from './create-intent.ts'
import { findServer, isAdmin, targetOf } from './find.ts'
import { injectedFiles } from './personality.ts'
import { type RebuildBody, rebuildBody, rebuildReply } from './rebuild-shape.ts'
import { loadExtras, serverView } from './view.ts'
import { mustHoldVolumes } from './volumes-in-use.ts'

const trustedCerts = 'os_compute_api:servers:rebuild:trusted_certs'

export const VolumeCertificates = declareFault(
  'CertificateValidationFailed',
  'refused',
  () => 'Image certificate validation is not supported for volume-backed servers.',
)

/** Pinned CPUs and memory nodes stay as they are; an image that wants others is no image for this server. */
function mustKeepLayout({ flavor, image }: Instance, next: InstanceImage): void {
  const layout = (properties: InstanceImage['properties']) =>
    JSON.stringify(numaTopology({ flavor, imageProperties: properties }) ?? null)
  if (layout(image?.properties ?? {}) !== layout(next.properties)) {
    throw BadServerRequest({
      text: "An instance's NUMA topology cannot be changed as part of a rebuild. The image provided is invalid for this instance.",
    })
  }
}

async function imageFor(deps: ApiDeps, caller: Caller, body: RebuildBody): Promise<InstanceImage> {
  const image = await deps.images.get(caller, body.imageRef).catch(error => {
    if (ImageNotFound.is(error)) throw BadServerRequest({ text: 'Cannot find image for rebuild' }, { cause: error })
    throw error
  })
  const isFixed = image.properties['auto_disk_config']?.trim().toLowerCase() === 'disabled'
  if (isFixed && body['OS-DCF:diskConfig'] === 'AUTO')
    throw BadServerRequest({ text: `Requested image ${image.id} has automatic disk resize disabled.` })
  if (image.status !== 'active') throw BadServerRequest({ text: `Image ${image.id} is not active.` })
  return instanceImageOf(image)
}

interface Root {
  readonly isVolume: boolean
  /** The image its content came from, as far as anybody knows. */
  readonly imageId: string | null
}

/** A root disk on a volume has its image in the volume's memory, not in the server's. */
async function rootOf(deps: ApiDeps, instance: Instance): Promise<Root> {
  const devices = await deps.store.blockDevices.of(instance.id)
  if (!isVolumeBacked(devices)) return { isVolume: false, imageId: instance.image?.id ?? null }
  const { volumeId = null } = rootDevice(devices) ?? {}
  const volume = volumeId === null ? undefined : await deps.volumes.get('service', volumeId)
  return { isVolume: true, imageId: volume?.imageMetadata['image_id'] ?? null }
}

/** What the request changes in the record; what it does not name stays. */
async function changeFor(
  deps: ApiDeps,
  caller: Caller,
  instance: Instance,
  body: RebuildBody,
): Promise<InstanceChange> {
  const disk = body['OS-DCF:diskConfig']
  const key = body.key_name
  return {
    ...(body.name === undefined ? {} : { displayName: body.name.trim() }),
    ...(body.description === undefined ? {} : { description: body.description }),
    ...(body.metadata === undefined ? {} : { metadata: body.metadata }),
    ...(body.accessIPv4 === undefined ? {} : { accessIpV4: body.accessIPv4 }),
    ...(body.accessIPv6 === undefined ? {} : { accessIpV6: canonicalIpV6(body.accessIPv6) }),
    ...(disk === undefined ? {} : { systemMetadata: { ...instance.systemMetadata, disk_config: disk } }),
    ...(key === undefined ? {} : { key: await keyFor(deps, caller, key ?? undefined) }),
    ...(body.user_data === undefined ? {} : { userData: body.user_data }),
    ...(body.trusted_image_certificates === undefined
      ? {}
      : { trustedImageCertificates: body.trusted_image_certificates }),
    ...(body.hostname === undefined ? {} : { hostname: body.hostname }),
  }
}

/** The same fields as they were: the change can be taken back as long as the guest has not been touched. */
const before = (instance: Instance, change: InstanceChange): Partial<Instance> =>
  Object.fromEntries(Object.keys(change).map(field => [field, instance[field as keyof Instance]]))

/** The server's own image, or what it remembers of its volume's. */
function imageChange(instance: Instance, asked: InstanceChange, root: Root, image: InstanceImage): InstanceChange {
  if (root.imageId === image.id) return root.isVolume ? {} : { image }
  const kept = asked.systemMetadata ?? instance.systemMetadata
  // What hosts have chosen for the old image is not for the new one.
  if (!root.isVolume) return { image, systemMetadata: withoutVolumeImage(kept) }
  return { systemMetadata: { ...withoutVolumeImage(kept), ...keptOfVolume(image) } }
}

interface Wish {
  readonly caller: Caller
  readonly body: RebuildBody
  readonly requestId: string
  readonly adminPassword: string
  /** Since 2.93 a volume takes another image. */
  readonly keepsVolumes: boolean
}

/** Every check, in Nova's order, then the acceptance. Returns the record as accepted, which may be further on already. */
async function acceptRebuild(deps: ApiDeps, instance: Instance, wish: Wish): Promise<Instance> {
  const { caller, body, requestId, adminPassword } = wish
  const asked = await changeFor(deps, caller, instance, body)
  const image = await imageFor(deps, caller, body)
  const root = await rootOf(deps, instance)
  if (root.isVolume && body.trusted_image_certificates) throw VolumeCertificates({})
  const isNewImage = root.imageId !== image.id
  if (root.isVolume && isNewImage && wish.keepsVolumes) throw VolumeImageFixed({ id: image.id })
  const files = injectedFiles(body.personality)
  await checkQuotas(deps, caller, { metadata: body.metadata ?? {}, files })
  mustHaveMemory(image, instance.flavor)
  if (!root.isVolume) mustFitRoot(image, instance.flavor)
  await mustHoldVolumes(deps, instance.id)
  checkHardware({ flavor: instance.flavor, image })
  mustStayAsEncrypted(await deps.store.blockDevices.of(instance.id), instance.flavor, image)
  await openImage(deps, caller, image)
  if (isNewImage) mustKeepLayout(instance, image)
  const change = { ...asked, progress: 0, ...imageChange(instance, asked, root, image) }
  const spec = await deps.store.requestSpecs.find(instance.id)
  let accepted = instance
  await acceptTask(deps, caller, isAdmin(caller), requestId, instance, {
    action: 'rebuild',
    word: 'rebuild',
    saga: 'server-rebuild',
    input: {
      image,
      isNewImage,
      isOnVolume: root.isVolume,
      keepsEphemeral: body.preserve_ephemeral === true,
      specImage: spec?.image ?? null,
      before: before(instance, change),
    },
    change,
    async alsoWrite(tx) {
      const secret = files.map(({ path, contents }) => ({ path, base64: contents }))
      await tx.launchSecrets.keep(instance.id, { adminPassword, files: secret })
      if (spec !== undefined && isNewImage) await tx.requestSpecs.save(instance.id, { ...spec, image })
      accepted = await tx.instances.get(instance.id)
    },
  })
  return accepted
}

/** Makes the server anew from an image, with its identity, addresses and volumes. */
export const rebuild = operation<ApiDeps, { id: string }>()({
  status: 202,
  policy: 'os_compute_api:servers:rebuild',
  alsoPolicies: [trustedCerts],
  body: rebuildBody,
  reply: rebuildReply,
  faults: {
    ...faults,
    ForbiddenWithShare: 409,
    BadServerRequest: 400,
    ImageUnacceptable: 400,
    CertificateValidationFailed: 400,
    [InvalidHardwareRequest.code]: 400,
    [InvalidNumaRequest.code]: 400,
    InvalidVolume: 400,
    VolumeNotFound: 400,
    MetadataLimitExceeded: 403,
    OnsetFileLimitExceeded: 403,
  },
  behaviours: { keepsVolumes: until('2.93') },
  async handle({ path, body, caller, allow, insist, behaves, header, links, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    if (body.trusted_image_certificates !== undefined) insist(trustedCerts, targetOf(instance))
    await mustHaveNoShares(deps.store, 'rebuild', instance.id)
    mustAllow(instance, 'rebuild', 'rebuild', isAdmin(caller))
    const adminPassword = body.adminPass ?? newPassword(deps.settings.passwordLength)
    const { keepsVolumes } = behaves
    const after = await acceptRebuild(deps, instance, { caller, body, requestId, adminPassword, keepsVolumes })
    const extras = await loadExtras(deps, [after], { showsGroups: true })
    header('Location', links.self('servers', after.id))
    return {
      ...serverView(deps, after, extras, { links, isAdmin: isAdmin(caller) }),
      user_data: after.userData,
      ...(deps.settings.showsAdminPassword ? { adminPass: adminPassword } : {}),
    }
  },
})
