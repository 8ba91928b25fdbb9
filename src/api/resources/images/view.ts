import type { Links } from '#api/kit'
import { isoSeconds } from '#base'
import type { Image } from '#cloud'
import type { ApiDeps } from '../../deps.ts'

/** Properties that Nova itself writes as JSON. */
const structured = new Set(['block_device_mapping', 'mappings'])

function parsed(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

/** The image's own properties, as Nova reads them. */
export const propertiesView = (properties: Image['properties']): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, structured.has(name) ? parsed(value) : value]),
  )

const statuses: Partial<Record<Image['status'], 'ACTIVE' | 'SAVING' | 'DELETED' | 'ERROR'>> = {
  active: 'ACTIVE',
  queued: 'SAVING',
  saving: 'SAVING',
  deleted: 'DELETED',
  pending_delete: 'DELETED',
  killed: 'ERROR',
}
const progress: Partial<Record<Image['status'], number>> = { queued: 25, saving: 50, active: 100 }

/** Where the image service is, without the version of its API; `glance_link_prefix` replaces scheme and host. */
export async function glanceUrl(
  deps: ApiDeps,
  prefix: string | null = deps.settings.glanceLinkPrefix,
): Promise<string> {
  const endpoint = (await deps.identity.endpoint('image', 'public')) ?? ''
  const url = endpoint.replace(/\/(v\d+(\.\d+)?\/?)?$/, '')
  if (prefix === null || prefix === '' || url === '') return url
  return prefix.replace(/\/+$/, '') + new URL(url).pathname.replace(/\/+$/, '')
}

const linksOf = (image: Image, links: Links, glance: string) =>
  [
    ...links.both('images', image.id),
    { rel: 'alternate', type: 'application/vnd.openstack.image', href: `${glance}/images/${image.id}` },
  ] as never

export const summaryView = (image: Image, links: Links, glance: string) => ({
  id: image.id,
  name: image.name,
  links: linksOf(image, links, glance),
})

const isTrue = (text: string): boolean => /^(1|t|true|on|y|yes)$/i.test(text.trim())

export function detailView(image: Image, links: Links, glance: string) {
  const { properties } = image
  const serverId = properties['instance_uuid']
  const autoDisk = properties['auto_disk_config']
  return {
    ...summaryView(image, links, glance),
    minRam: image.minRamMiB,
    minDisk: image.minDiskGiB,
    metadata: propertiesView(properties),
    created: isoSeconds(image.createdAtMs),
    updated: isoSeconds(image.updatedAtMs),
    status: statuses[image.status] ?? ('UNKNOWN' as const),
    progress: progress[image.status] ?? 0,
    'OS-EXT-IMG-SIZE:size': image.sizeBytes ?? 0,
    ...(serverId === undefined ? {} : { server: { id: serverId, links: links.both('servers', serverId) } }),
    ...(autoDisk === undefined
      ? {}
      : { 'OS-DCF:diskConfig': isTrue(autoDisk) ? ('AUTO' as const) : ('MANUAL' as const) }),
  }
}
