import { instanceId } from '#base'
import {
  type BlockDevice,
  deviceAddresses,
  type Instance,
  InstanceNotFound,
  isEphemeral,
  isSwap,
  isVolume,
  numaTopology,
  type ServerShare,
  serverPassword,
  volumeImage,
  withServerPassword,
} from '#model'
import { type Store, turnOf } from '#store'
import type { DeviceBus, Door, InstanceMetadata, MetadataDevice, MetadataSource } from './source.ts'

/** Whose guest is at the other end of a connection; the network service knows. */
export type AddressLookup = (door: Door, remoteAddress: string) => Promise<{ readonly deviceId: string } | undefined>

export interface StoreSourceOptions {
  /** The database that a server is in. */
  readonly storeOf: (instanceId: string) => Promise<Store>
  readonly lookup: AddressLookup
  /** Zone of hosts in no zone aggregate. */
  readonly defaultZone: string
  readonly nowMs: () => number
}

/** EC2's ids are 32-bit numbers; the first digits of an image's uuid make one that never changes. */
const numberOfUuid = (uuid: string | undefined): number | null =>
  uuid === undefined ? null : Number.parseInt(uuid.replaceAll('-', '').slice(0, 8), 16)

/** CPUs of the guest that have a host CPU to themselves. */
const ownCpus = ({ flavor, image, systemMetadata }: Instance): readonly number[] =>
  numaTopology({ flavor, imageProperties: (image ?? volumeImage(systemMetadata)).properties })?.cells.flatMap(
    cell => cell.pinned,
  ) ?? []

/** Where a disk of this bus is found in the guest. */
const placeOf = (bus: string | null): DeviceBus => {
  if (bus === 'scsi' || bus === 'sata') return 'scsi'
  return bus === 'ide' || bus === 'usb' || bus === 'xen' ? bus : 'pci'
}

/** What the user has given a name to; the guest finds it by serial number or MAC. */
function taggedDevices(
  instance: Instance,
  devices: readonly BlockDevice[],
  shares: readonly ServerShare[],
): readonly MetadataDevice[] {
  const addresses = deviceAddresses(instance.systemMetadata)
  const addressOf = (key: string | null) => addresses[key ?? ''] ?? null
  const disks = devices.flatMap((disk): MetadataDevice[] =>
    disk.tag === null
      ? []
      : [
          {
            kind: 'disk',
            serial: disk.volumeId,
            path: null,
            bus: placeOf(disk.diskBus),
            address: addressOf(disk.deviceName?.replace('/dev/', '') ?? null),
            tags: [disk.tag],
          },
        ],
  )
  const nics = instance.networkInfo.flatMap(({ mac, tag }): MetadataDevice[] =>
    tag === null
      ? []
      : [
          {
            kind: 'nic',
            mac,
            vlan: null,
            isTrusted: false,
            bus: 'pci',
            address: addressOf(mac.toLowerCase()),
            tags: [tag],
          },
        ],
  )
  // Those that the guest has: an inactive one comes with its next start.
  const had = shares.filter(share => share.status === 'active')
  const folders = had.map(
    ({ shareId, tag }): MetadataDevice => ({ kind: 'share', shareId, tag, bus: 'none', address: null, tags: [] }),
  )
  return [...disks, ...nics, ...folders]
}

function disksOf(instance: Instance, devices: readonly BlockDevice[]): InstanceMetadata['disks'] {
  const names = (of: readonly BlockDevice[]) => of.flatMap(d => (d.deviceName === null ? [] : [d.deviceName]))
  return {
    root: instance.rootDeviceName,
    volumes: names(devices.filter(isVolume)),
    ephemerals: names(devices.filter(isEphemeral)),
    swap: names(devices.filter(isSwap))[0] ?? null,
  }
}

function describe(
  instance: Instance,
  zone: string | null,
  devices: readonly BlockDevice[],
  shares: readonly ServerShare[],
): InstanceMetadata {
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
    devices: taggedDevices(instance, devices, shares),
    dedicatedCpus: ownCpus(instance),
    ec2: {
      instance: instance.number,
      image: numberOfUuid(image?.id),
      kernel: numberOfUuid(image?.properties['kernel_id']),
      ramdisk: numberOfUuid(image?.properties['ramdisk_id']),
    },
    disks: disksOf(instance, devices),
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
  return describe(instance, zone, await store.blockDevices.of(id), await store.serverShares.of(id))
}

/** Metadata straight from Nova's records. */
export function storeMetadata({ storeOf, lookup, defaultZone, nowMs }: StoreSourceOptions): MetadataSource {
  const byInstanceId = async (id: string) => instanceMetadata(await storeOf(id), defaultZone, id)
  return {
    byInstanceId,
    async idByAddress(door, remote) {
      const client = door === undefined ? undefined : await lookup(door, remote)
      return client?.deviceId
    },
    async savePassword(id, password) {
      const store = await storeOf(id)
      return store.transaction(async tx => {
        await tx.turn(turnOf.server(id))
        const instance = await tx.instances.find(id)
        if (instance === undefined) throw InstanceNotFound({ id })
        if (serverPassword(instance.systemMetadata) !== '') return false
        const systemMetadata = withServerPassword(instance.systemMetadata, password)
        return tx.instances.change(instanceId(id), { systemMetadata }, nowMs())
      })
    },
  }
}
