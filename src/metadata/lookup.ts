/** From a path to a document: the same trees for the service and, document by document, for the config drive. */
import { posix } from 'node:path'
import { isoSeconds } from '#base'
import { ec2Find, ec2Text, ec2Tree, userDataBytes } from './ec2-tree.ts'
import { networkData } from './network-data.ts'
import { documentNames, metaDataDocument, type OpenstackContext } from './openstack-tree.ts'
import { pythonJson } from './python-json.ts'
import type { InstanceMetadata } from './source.ts'
import type { VendorData } from './vendor-data.ts'
import { ec2Versions, openstackVersions, resolveVersion } from './versions.ts'

export interface Document {
  readonly body: string | Buffer
  readonly type: 'text/plain' | 'application/json'
}

/** `password` is the one document with behaviour; the face handles it. */
export type Found = { readonly kind: 'document'; readonly document: Document } | { readonly kind: 'password' }

export interface LookupContext extends OpenstackContext {
  readonly requester: string | null
  readonly nowMs: number
  readonly vendorData: VendorData
}

const plain = (body: string | Buffer): Found => ({ kind: 'document', document: { body, type: 'text/plain' } })
const json = (body: string): Found => ({ kind: 'document', document: { body, type: 'application/json' } })

export const ec2VersionList = [...ec2Versions, 'latest'].join('\n')

/** Versions dated in the future stay hidden in the list, but can be read. */
const openstackVersionList = (nowMs: number): string => {
  const today = isoSeconds(nowMs).slice(0, 10)
  return [...openstackVersions.filter(version => version <= today), 'latest'].join('\n')
}

/** The one path that is answered without asking who is there. */
export const isRoot = (path: string): boolean => /^\/+$/.test(posix.normalize(`/${path}`))

/** The parts of a path after Python's posixpath.normpath, the tree first. */
export function splitPath(path: string): string[] {
  const normal = posix.normalize(`/${path}`).replace(/\/+$/, '')
  const parts = normal.split('/').slice(1)
  if (parts[0] === 'ec2' || parts[0] === 'openstack') return parts
  return parts[0] === undefined || parts[0] === '' ? ['ec2'] : ['ec2', ...parts]
}

async function openstackItem(
  view: InstanceMetadata,
  parts: readonly string[],
  context: LookupContext,
): Promise<Found | undefined> {
  const version = resolveVersion(openstackVersions, parts[0])
  if (version === undefined) return undefined
  const names = documentNames(view, version)
  if (parts.length === 1) return plain(names.join('\n'))
  const name = names.find(known => known === parts.slice(1).join('/'))
  switch (name) {
    case undefined:
      return undefined
    case 'meta_data.json':
      return json(pythonJson(metaDataDocument(view, version, context)))
    case 'user_data':
      return plain(userDataBytes(view) ?? '')
    case 'password':
      return { kind: 'password' }
    // Nova leaves this one as text/plain, and clients do not look.
    case 'network_data.json':
      return plain(pythonJson(networkData(view.vifs)))
    case 'vendor_data.json': {
      const fixed = await context.vendorData.fixed()
      return fixed === undefined ? undefined : json(pythonJson(fixed))
    }
    case 'vendor_data2.json':
      return json(pythonJson(await context.vendorData.all(view)))
  }
}

/** Undefined: there is nothing at that path. */
export async function lookup(view: InstanceMetadata, path: string, context: LookupContext): Promise<Found | undefined> {
  const [tree, ...parts] = splitPath(path)
  if (tree === 'openstack') {
    return parts.length === 0 ? plain(openstackVersionList(context.nowMs)) : openstackItem(view, parts, context)
  }
  if (parts.length === 0) return plain(ec2VersionList)
  const version = resolveVersion(ec2Versions, parts[0])
  if (version === undefined) return undefined
  const value = ec2Find(ec2Tree(view, version, context), parts.slice(1))
  return value === undefined ? undefined : plain(ec2Text(value))
}
