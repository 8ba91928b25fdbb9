import { integerParameter, links, list, obj, operation, type RawQuery, reply, until } from '#api/kit'
import { type Caller, type Image, ImageNotAuthorized, type ImageQuery } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { MayNotDelete, orNoSuchImage } from './faults.ts'
import { detail, listQuery, summary } from './shape.ts'
import { detailView, glanceUrl, summaryView } from './view.ts'

const op = operation<ApiDeps>()
const opOnOne = operation<ApiDeps, { id: string }>()

/** From 2.36 on clients ask the image service itself. */
const exists = until('2.36')

/** The filters under the names of the image service; a server may be given by its address. */
function imageQuery(raw: RawQuery): ImageQuery {
  const last = (name: string): string | undefined => raw[name]?.at(-1)
  const properties: Record<string, string> = {}
  for (const name of Object.keys(raw)) {
    if (name.startsWith('property-')) properties[name.slice('property-'.length)] = last(name) ?? ''
  }
  const server = last('server')
  if (server !== undefined) properties['instance_uuid'] = server
  const type = last('type')
  if (type !== undefined) properties['image_type'] = type
  const id = properties['instance_uuid']
  if (id !== undefined) properties['instance_uuid'] = id.split('/').at(-1) ?? ''
  const given = {
    name: last('name'),
    status: last('status')?.toLowerCase(),
    minRam: last('minRam'),
    minDisk: last('minDisk'),
    changesSince: last('changes-since'),
    // No limit means no end, whatever max_limit says of other lists.
    limit: integerParameter(raw, 'limit'),
    marker: last('marker') || undefined,
  }
  const named = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { ...named, properties }
}

const find = (deps: ApiDeps, caller: Caller, raw: RawQuery): Promise<readonly Image[]> =>
  deps.images.list(caller, imageQuery(raw))

const listFaults = { Invalid: 400, InvalidInput: 400 } as const

export const index = op({
  exists,
  policy: null,
  query: listQuery,
  reply: reply(obj({ images: list(obj(summary)), images_links: links.optional() })),
  faults: listFaults,
  async handle({ caller, rawQuery, links, nextLinks }, deps) {
    const images = await find(deps, caller, rawQuery)
    const glance = await glanceUrl(deps)
    return {
      images: images.map(image => summaryView(image, links, glance)),
      images_links: nextLinks('images', images, image => image.id),
    }
  },
})

export const detailed = op({
  exists,
  policy: null,
  query: listQuery,
  reply: reply(obj({ images: list(obj(detail)), images_links: links.optional() })),
  faults: listFaults,
  async handle({ caller, rawQuery, links, nextLinks }, deps) {
    const images = await find(deps, caller, rawQuery)
    const glance = await glanceUrl(deps)
    return {
      images: images.map(image => detailView(image, links, glance)),
      images_links: nextLinks('images/detail', images, image => image.id),
    }
  },
})

export const show = opOnOne({
  exists,
  policy: null,
  reply: reply('image', detail),
  faults: { ImageNotFound: 404 },
  async handle({ path, caller, links }, deps) {
    const image = await orNoSuchImage(deps.images.get(caller, path.id))
    return detailView(image, links, await glanceUrl(deps))
  },
})

export const remove = opOnOne({
  exists,
  status: 204,
  policy: null,
  faults: { ImageNotFound: 404, ImageNotAuthorized: 403 },
  async handle({ path, caller }, deps) {
    await orNoSuchImage(
      deps.images.remove(caller, path.id).catch(error => {
        if (ImageNotAuthorized.is(error)) throw MayNotDelete({}, { cause: error })
        throw error
      }),
    )
  },
})
