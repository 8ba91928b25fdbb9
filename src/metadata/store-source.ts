import { instanceId } from '#base'
import { type Instance, InstanceNotFound, serverPassword, withServerPassword } from '#model'
import type { Store } from '#store'
import type { InstanceMetadata, MetadataSource } from './source.ts'

/** Whose guest is at the other end of a connection; the network service knows. */
export type AddressLookup = (connection: {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
}) => Promise<{ readonly deviceId: string } | undefined>

export interface StoreSourceOptions {
  readonly store: Store
  readonly lookup: AddressLookup
  /** Zone of hosts in no zone aggregate. */
  readonly defaultZone: string
  readonly nowMs: () => number
}

/** EC2's ids are 32-bit numbers; the first digits of an image's uuid make one that never changes. */
const numberOfUuid = (uuid: string | undefined): number | null =>
  uuid === undefined ? null : Number.parseInt(uuid.replaceAll('-', '').slice(0, 8), 16)

function describe(instance: Instance, zone: string | null): InstanceMetadata {
  const { image } = instance
  return {
    id: instance.id,
    projectId: instance.projectId,
    displayName: instance.displayName,
    hostname: instance.hostname,
    launchIndex: instance.launchIndex,
    reservationId: instance.reservationId,
    availabilityZone: zone,
    flavorName: instance.flavor.name,
    securityGroups: instance.securityGroups,
    metadata: instance.metadata,
    key: instance.key,
    userData: instance.userData,
    imageId: image?.id ?? null,
    bootRoles: (instance.systemMetadata['boot_roles'] ?? '').split(',').filter(role => role !== ''),
    vifs: instance.networkInfo,
    devices: [],
    dedicatedCpus: [],
    ec2: {
      instance: instance.number,
      image: numberOfUuid(image?.id),
      kernel: numberOfUuid(image?.properties['kernel_id']),
      ramdisk: numberOfUuid(image?.properties['ramdisk_id']),
    },
    disks: { root: instance.rootDeviceName, volumes: [], ephemerals: [], swap: null },
    password: serverPassword(instance.systemMetadata),
  }
}

/** One instance as its metadata; undefined when there is none. */
export async function instanceMetadata(
  store: Store,
  defaultZone: string,
  id: string,
): Promise<InstanceMetadata | undefined> {
  const instance = await store.instances.find(id)
  if (instance === undefined) return undefined
  const zone = instance.host === null ? null : ((await store.aggregates.zones()).get(instance.host) ?? defaultZone)
  return describe(instance, zone)
}

/** Metadata straight from Nova's records. */
export function storeMetadata({ store, lookup, defaultZone, nowMs }: StoreSourceOptions): MetadataSource {
  const byInstanceId = (id: string) => instanceMetadata(store, defaultZone, id)
  return {
    byInstanceId,
    async byAddress(local, remote) {
      const client = await lookup({ localAddress: local.address, localPort: local.port, remoteAddress: remote })
      return client === undefined ? undefined : byInstanceId(client.deviceId)
    },
    savePassword: (id, password) =>
      store.transaction(async tx => {
        const instance = await tx.instances.find(id)
        if (instance === undefined) throw InstanceNotFound({ id })
        if (serverPassword(instance.systemMetadata) !== '') return false
        const systemMetadata = withServerPassword(instance.systemMetadata, password)
        return tx.instances.change(instanceId(id), { systemMetadata }, nowMs())
      }),
  }
}
