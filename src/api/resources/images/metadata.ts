import { bare, operation, reply, until } from '#api/kit'
import type { Caller, Image } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { KeyMismatch, NoSuchItem, NoSuchKey, orNoSuchImage } from './faults.ts'
import { mustFitQuota } from './quota.ts'
import { metaBody, metadataBody, metadataReply } from './shape.ts'
import { propertiesView } from './view.ts'

const op = operation<ApiDeps, { image_id: string }>()
const opOnOne = operation<ApiDeps, { image_id: string; id: string }>()

/** Longer than the other proxies: images' properties were forgotten in 2.36. */
const exists = until('2.39')

type Items = Readonly<Record<string, string>>

const readFaults = { ImageNotFound: 404, ImageNotAuthorized: 403 } as const
const writeFaults = {
  ...readFaults,
  OverQuota: 403,
  ImageQuotaExceeded: 403,
  ImageBadRequest: 400,
} as const

const imageOf = (deps: ApiDeps, caller: Caller, id: string): Promise<Image> =>
  orNoSuchImage(deps.images.get(caller, id))

/** These properties and no others. */
async function write(deps: ApiDeps, caller: Caller, image: Image, items: Items): Promise<Image> {
  const without = Object.keys(image.properties).filter(name => !Object.hasOwn(items, name))
  return orNoSuchImage(deps.images.update(caller, image.id, { properties: items, without }))
}

const index = op({
  exists,
  policy: null,
  reply: reply('metadata', metadataReply),
  faults: readFaults,
  handle: async ({ path, caller }, deps) => propertiesView((await imageOf(deps, caller, path.image_id)).properties),
})

const show = opOnOne({
  exists,
  policy: null,
  reply: reply('meta', metadataReply),
  faults: { ...readFaults, MetadataItemNotFound: 404 },
  async handle({ path, caller }, deps) {
    const { properties } = await imageOf(deps, caller, path.image_id)
    if (!Object.hasOwn(properties, path.id)) throw NoSuchItem({})
    return { [path.id]: propertiesView(properties)[path.id] }
  },
})

/** Adds items and changes those that are there. */
const add = op({
  exists,
  policy: null,
  body: bare(metadataBody),
  reply: reply('metadata', metadataReply),
  faults: writeFaults,
  async handle({ path, body, caller }, deps) {
    const image = await imageOf(deps, caller, path.image_id)
    const items = { ...image.properties, ...body.metadata }
    await mustFitQuota(deps, caller, items)
    return propertiesView((await write(deps, caller, image, items)).properties)
  },
})

const replaceAll = op({
  exists,
  policy: null,
  body: bare(metadataBody),
  reply: reply('metadata', metadataReply),
  faults: writeFaults,
  async handle({ path, body, caller }, deps) {
    const image = await imageOf(deps, caller, path.image_id)
    await mustFitQuota(deps, caller, body.metadata)
    await write(deps, caller, image, body.metadata)
    return body.metadata
  },
})

const set = opOnOne({
  exists,
  policy: null,
  body: bare(metaBody),
  reply: reply('meta', metadataReply),
  faults: { ...writeFaults, MetadataKeyMismatch: 400 },
  async handle({ path, body, caller }, deps) {
    const { meta } = body
    const value = meta[path.id]
    if (value === undefined || !Object.hasOwn(meta, path.id)) throw KeyMismatch({})
    const image = await imageOf(deps, caller, path.image_id)
    const items = { ...image.properties, [path.id]: value }
    await mustFitQuota(deps, caller, items)
    await write(deps, caller, image, items)
    return meta
  },
})

const remove = opOnOne({
  exists,
  status: 204,
  policy: null,
  faults: { ...readFaults, ImageBadRequest: 400, MetadataItemNotFound: 404 },
  async handle({ path, caller }, deps) {
    const image = await imageOf(deps, caller, path.image_id)
    if (!Object.hasOwn(image.properties, path.id)) throw NoSuchKey({})
    await orNoSuchImage(deps.images.update(caller, image.id, { without: [path.id] }))
  },
})

export const metadataOperations = { index, show, add, replaceAll, set, remove }
