/** The config drive: the same documents as files, and the image that carries them. */

import type { Json } from '#base'
import type { Ec2Value } from './ec2-tree.ts'
import { ec2Tree } from './ec2-tree.ts'
import { lookup } from './lookup.ts'
import { contents, type DriveExtras, documents } from './openstack-tree.ts'
import { pythonJson } from './python-json.ts'
import type { InstanceMetadata } from './source.ts'
import type { VendorData } from './vendor-data.ts'
import { ec2Versions, isSince, openstackVersions, resolveVersion } from './versions.ts'

export interface DriveFile {
  /** Relative, with `/`. */
  readonly path: string
  readonly content: Uint8Array
}

export interface ConfigDriveOptions extends DriveExtras {
  readonly dhcpDomain: string
  /** [api]config_drive_skip_versions, split. */
  readonly skipVersions: readonly string[]
  readonly vendorData: VendorData
  readonly randomSeed?: () => Buffer
}

/** The password belongs to the service; a drive cannot take it back. */
const driveDocuments = Object.values(documents).filter(({ name }) => name !== 'password')

function asJson(value: Ec2Value): Json {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  if (Buffer.isBuffer(value)) return value.toString('utf8')
  if (Array.isArray(value)) return [...value] as string[]
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asJson(item)]))
}

function ec2Files(view: InstanceMetadata, options: ConfigDriveOptions): DriveFile[] {
  return [...ec2Versions, 'latest']
    .filter(name => !options.skipVersions.includes(name))
    .flatMap(name => {
      const version = resolveVersion(ec2Versions, name)
      if (version === undefined) return []
      const tree = ec2Tree(view, version, { dhcpDomain: options.dhcpDomain, requester: null })
      const userData = tree['user-data']
      return [
        ...(userData === undefined ? [] : [{ path: `ec2/${name}/user-data`, content: userData }]),
        // Nova means to drop public-keys' `_name` here and misses it; clients have always seen it.
        { path: `ec2/${name}/meta-data.json`, content: Buffer.from(pythonJson(asJson(tree['meta-data']))) },
      ]
    })
}

/** Every file of the drive. Versions dated in the future are there too, unlike in the service's list. */
export async function configDriveFiles(view: InstanceMetadata, options: ConfigDriveOptions): Promise<DriveFile[]> {
  const files = ec2Files(view, options)
  // Asked once, not once per version: a slow vendor data service would hold up the build six times.
  const [fixed, all] = await Promise.all([options.vendorData.fixed(), options.vendorData.all(view)])
  const vendorData: VendorData = { fixed: async () => fixed, all: async () => all }
  const context = { ...options, vendorData, requester: null, nowMs: 0 }
  for (const name of [...openstackVersions, 'latest']) {
    const version = resolveVersion(openstackVersions, name)
    for (const document of driveDocuments) {
      if (version === undefined || !isSince(version, document.since)) continue
      const found = await lookup(view, `/openstack/${name}/${document.name}`, context)
      if (found?.kind !== 'document') continue
      files.push({ path: `openstack/${name}/${document.name}`, content: Buffer.from(found.document.body) })
    }
  }
  const bodies = contents(options).map(({ id, content }) => ({ path: `openstack/content/${id}`, content }))
  return [...files, ...bodies]
}
