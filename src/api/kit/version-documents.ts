import type { FaultAnswer } from '#http'
import { maxVersion, minVersion, versionText } from './version.ts'

const mediaTypes = (version: string) => [
  { base: 'application/json', type: `application/vnd.openstack.compute+json;version=${version}` },
]

const describedBy = { rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' }

const versions = [
  {
    id: 'v2.0',
    mount: '/v2',
    status: 'SUPPORTED' as const,
    version: '',
    min_version: '',
    updated: '2011-01-21T11:33:21Z',
    media: mediaTypes('2'),
  },
  {
    id: 'v2.1',
    mount: '/v2.1',
    status: 'CURRENT' as const,
    version: versionText(maxVersion),
    min_version: versionText(minVersion),
    updated: '2013-07-23T11:33:21Z',
    media: mediaTypes('2.1'),
  },
]

const json = (status: number, body: unknown): FaultAnswer => ({ status, body })

/** GET /: which APIs there are. */
export const versionList = (base: string): FaultAnswer =>
  json(200, {
    versions: versions.map(({ id, mount, status, version, min_version, updated }) => ({
      id,
      status,
      version,
      min_version,
      updated,
      links: [{ rel: 'self', href: `${base}${mount}/` }],
    })),
  })

export interface VersionDocument {
  readonly id: string
  readonly status: 'SUPPORTED' | 'CURRENT'
  readonly version: string
  readonly min_version: string
  readonly updated: string
  readonly links: readonly { readonly rel: string; readonly type?: string; readonly href: string }[]
  readonly 'media-types': readonly { readonly base: string; readonly type: string }[]
}

/** GET /v2.1/ or /v2/: one API, by id; undefined when there is no such version. */
export function versionDocument(
  base: string,
  mount: string,
  id: string,
): { readonly version: VersionDocument } | undefined {
  const found = versions.find(version => version.id === id)
  if (found === undefined) return undefined
  const { status, version, min_version, updated, media } = found
  const links = [{ rel: 'self', href: `${base}${mount}/` }, describedBy]
  return { version: { id, status, version, min_version, updated, links, 'media-types': media } }
}

/** Any address outside the mounts: 300 with what could have been meant. */
export const versionChoices = (base: string, path: string): FaultAnswer =>
  json(300, {
    choices: versions.map(({ id, mount, status, media }) => ({
      id,
      status,
      links: [{ rel: 'self', href: `${base}${mount}/${path.replace(/^\/+|\/+$/g, '')}` }],
      'media-types': media,
    })),
  })

export const mountVersion = (mount: string): string => (mount === '/v2' ? 'v2.0' : 'v2.1')
