import { operation, reply, resource } from '#api/kit'
import type { Caller } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { exists, proxied } from './proxied.ts'
import { createVolumeBody, volume, volumeView } from './shape.ts'

const rule = 'os_compute_api:os-volumes'
const op = operation<ApiDeps>()

const proxy = proxied({
  rule,
  name: 'volume',
  fields: volume,
  view: volumeView,
  all: (volumes, caller) => volumes.list(caller),
  one: (volumes, caller, id) => volumes.get(caller, id),
  remove: (volumes, caller, id) => volumes.delete(caller, id),
  notFound: { VolumeNotFound: 404 },
  cannotRemove: { VolumeConflict: 400 },
})

const texts = (metadata: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, String(value)]))

type Wish = {
  readonly size: number
  readonly snapshot_id?: string
  readonly volume_type?: string
  readonly availability_zone?: string
  readonly display_name?: string
  readonly display_description?: string
  readonly metadata?: Readonly<Record<string, unknown>>
}

async function make(deps: ApiDeps, caller: Caller, wish: Wish) {
  // Says itself that there is no such snapshot.
  if (wish.snapshot_id !== undefined) await deps.volumes.getSnapshot(caller, wish.snapshot_id)
  return deps.volumes.create(caller, {
    name: wish.display_name ?? '',
    description: wish.display_description ?? null,
    sizeGiB: wish.size,
    ...(wish.snapshot_id === undefined ? {} : { snapshotId: wish.snapshot_id }),
    ...(wish.volume_type === undefined ? {} : { volumeType: wish.volume_type }),
    ...(wish.availability_zone === undefined ? {} : { availabilityZone: wish.availability_zone }),
    metadata: texts(wish.metadata),
  })
}

const create = op({
  exists,
  policy: `${rule}:create`,
  body: createVolumeBody,
  reply: reply('volume', volume),
  faults: { SnapshotNotFound: 404, NotFound: 404, InvalidInput: 400, OverQuota: 403, Forbidden: 403 },
  async handle({ body, caller, allow, header, links }, deps) {
    allow()
    const made = await make(deps, caller, body)
    header('Location', links.self('os-volumes', made.id))
    return volumeView(made)
  },
})

/** Volumes through the Compute API, as before the volume service had an API of its own. */
export const volumes = resource('/os-volumes', { ...proxy, 'POST /': create })
