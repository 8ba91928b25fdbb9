import { always, operation, query, reply, since } from '#api/kit'
import { newUuid } from '#base'
import type { Flavor } from '#model'
import type { ApiDeps } from '../../deps.ts'
import { BadFlavor } from './faults.ts'
import { createBody, detail, updateBody } from './shape.ts'
import { detailView } from './view.ts'

const op = operation<ApiDeps>()
const opOnOne = operation<ApiDeps, { id: string }>()
const swapIsNumber = since('2.75')
const flavorReply = reply('flavor', detail)

/** A name may not begin or end with white space; the legacy endpoint trims it. */
const trimmed = (name: string): string => {
  const text = name.trim()
  if (text === '') throw BadFlavor({ text: "'name' must not be empty" })
  return text
}

export const create = op({
  policy: 'os_compute_api:os-flavor-manage:create',
  body: createBody,
  reply: flavorReply,
  faults: { FlavorExists: 409, FlavorIdExists: 409, InvalidInput: 400 },
  behaviours: { swapIsNumber },
  async handle({ body, allow, links, behaves }, deps) {
    allow({})
    const id = body.id === undefined || body.id === null ? 'auto' : String(body.id)
    const flavor: Omit<Flavor, 'number'> = {
      flavorId: id === 'auto' ? newUuid() : id,
      name: trimmed(body.name),
      memoryMiB: body.ram,
      vcpus: body.vcpus,
      rootGiB: body.disk,
      ephemeralGiB: body['OS-FLV-EXT-DATA:ephemeral'] ?? 0,
      swapMiB: body.swap ?? 0,
      rxtxFactor: body.rxtx_factor ?? 1,
      isPublic: body['os-flavor-access:is_public'] ?? true,
      isDisabled: false,
      description: body.description ?? null,
      extraSpecs: {},
    }
    const stored = await deps.store.transaction(async tx => {
      const made = await tx.flavors.create(flavor, deps.clock.now())
      await deps.notices.tell(tx, 'flavor.create', { flavor: made })
      return made
    })
    return detailView(stored, links, behaves.swapIsNumber)
  },
})

export const show = opOnOne({
  policy: null,
  query: query({}, { strict: since('2.102') }),
  reply: flavorReply,
  faults: { FlavorNotFound: 404 },
  behaviours: { swapIsNumber },
  async handle({ path, links, behaves }, deps) {
    return detailView(await deps.store.flavors.get(path.id), links, behaves.swapIsNumber)
  },
})

export const update = opOnOne({
  exists: since('2.55'),
  policy: 'os_compute_api:os-flavor-manage:update',
  body: updateBody,
  reply: flavorReply,
  faults: { FlavorNotFound: 404 },
  behaviours: { swapIsNumber },
  async handle({ path, body, allow, links, behaves }, deps) {
    allow({})
    const flavor = await deps.notices.together(deps.store, async tx => {
      const changed = await tx.flavors.setDescription(path.id, body.description, deps.clock.now())
      await deps.notices.tell(tx, 'flavor.update', { flavor: changed })
      return changed
    })
    return detailView(flavor, links, behaves.swapIsNumber)
  },
})

/** 202 although it is done: that is what clients know. Servers keep their own copy of the flavor. */
export const remove = opOnOne({
  status: always(202),
  policy: 'os_compute_api:os-flavor-manage:delete',
  faults: { FlavorNotFound: 404 },
  async handle({ path, allow }, deps) {
    allow({})
    await deps.store.transaction(async tx => {
      if (deps.notices.isOn) await deps.notices.tell(tx, 'flavor.delete', { flavor: await tx.flavors.get(path.id) })
      await tx.flavors.delete(path.id)
    })
  },
})
