import type { Log } from '#base'
import type { ConfigDriveSource } from '#conductor'
import type { Config } from '#config'
import { configDriveFiles, createVendorData, instanceMetadata, writeDriveImage } from '#metadata'
import { InstanceNotFound } from '#model'
import type { Store } from '#store'
import type { ConfigDriveWriter } from '#virt/libvirt'

/** The conductor's side: what is on a drive. */
export function composeConfigDrive({
  config,
  store,
  log,
}: {
  config: Config
  store: Store
  log: Log
}): ConfigDriveSource {
  const { api, DEFAULT } = config
  const options = {
    dhcpDomain: api.dhcp_domain,
    skipVersions: api.config_drive_skip_versions.split(/\s+/),
    vendorData: createVendorData({ config: api, log }),
  }
  return async (id, secret) => {
    const view = await instanceMetadata(store, DEFAULT.default_availability_zone, id)
    if (view === undefined) throw InstanceNotFound({ id })
    const injected = secret?.files.map(({ path, base64 }) => ({ path, content: Buffer.from(base64, 'base64') })) ?? []
    const password = secret?.adminPassword ?? ''
    const extras = { files: injected, ...(password === '' ? {} : { adminPassword: password }) }
    const files = await configDriveFiles(view, { ...options, ...extras })
    return {
      format: DEFAULT.config_drive_format,
      files: files.map(({ path, content }) => ({ path, base64: Buffer.from(content).toString('base64') })),
    }
  }
}

/** Nova's product and version, as the publisher of an ISO 9660 volume. */
const publisher = 'OpenStack Nova 0.1.0'

/** The hypervisor's side: the drive as a file. */
export const configDriveWriter =
  (config: Config): ConfigDriveWriter =>
  drive =>
    writeDriveImage({ ...drive, mkisofs: config.DEFAULT.mkisofs_cmd, publisher })
