import {
  type BlockDevice,
  guestName,
  type Instance,
  type InstanceImage,
  isEphemeral,
  isSwap,
  isVolume,
  type Vif,
  volumeImage,
  withChosenHardware,
} from '#model'
import type { GuestCard, GuestDisk, GuestImage, GuestSpec, GuestVif, GuestVolume, VolumeEncryption } from '#virt'
import type { ConductorDeps } from './deps.ts'
import { directBootOf } from './direct-boot.ts'
import { diskEncryption } from './disk-keys.ts'
import { tpmSecretOf, withKeys } from './guest-secrets.ts'
import { seatOf } from './seat.ts'

/** A bridge name that no host can have: the driver refuses it, and the text shows up in the fault. */
const unbound = 'unbound'

/** What the guest was made from: an image, or what its root volume has kept of one. */
export const guestImage = ({ image, systemMetadata }: Instance): InstanceImage =>
  image === null ? volumeImage(systemMetadata) : withChosenHardware(image, systemMetadata)

/** With the certificates that the server's owner trusts. */
export function withCertificates(image: InstanceImage, { trustedImageCertificates: ids }: Instance): GuestImage {
  return ids === null || ids.length === 0 ? image : { ...image, trustedCertificates: ids }
}

/** The card behind a port that has one. */
function cardOf({ portId, vnicType, details }: Vif, devices: GuestSpec['hostDevices'] = []): GuestCard | undefined {
  const device = devices.find(one => one.portId === portId)
  if (device === undefined) return undefined
  const vlan = Number(details['vlan'] ?? 0)
  const kind = vnicType === 'macvtap' ? 'direct' : 'hostdev'
  const { address, interfaceName, isManaged } = device
  return { kind, address, interfaceName, isManaged, vlan: vlan > 0 ? vlan : null }
}

/** Neutron's agent for Linux bridges has one for each network, and finds it by this name. */
const agentsBridge = ({ vifType, networkId }: Vif): string | undefined =>
  vifType === 'bridge' ? `brq${networkId.slice(0, 11)}` : undefined

export function guestVif(vif: Vif, instance: Instance, devices?: GuestSpec['hostDevices']): GuestVif {
  const bridge = vif.details['bridge_name'] ?? agentsBridge(vif)
  const card = cardOf(vif, devices)
  return {
    portId: vif.portId,
    mac: vif.mac,
    kind: 'bridge',
    bridge: typeof bridge === 'string' ? bridge : unbound,
    devName: vif.devName,
    mtu: vif.mtu,
    model: guestImage(instance).properties['hw_vif_model'] ?? 'virtio',
    addresses: vif.subnets.flatMap(({ ips }) =>
      ips.map(({ address, version }) => ({ type: 'fixed', address, version }) as const),
    ),
    ...(card === undefined ? {} : { card }),
  }
}

const kindOf = (device: BlockDevice): GuestDisk['kind'] => {
  if (isVolume(device)) return 'volume'
  if (isSwap(device)) return 'swap'
  return isEphemeral(device) ? 'ephemeral' : 'image'
}

/** As Cinder tells it of an encrypted volume. */
function encryptionOf(told: unknown): VolumeEncryption | undefined {
  if (typeof told !== 'object' || told === null) return undefined
  const { provider, encryption_key_id: keyId, cipher, key_size: keySize } = told as Record<string, unknown>
  if (typeof provider !== 'string' || typeof keyId !== 'string') return undefined
  return {
    provider,
    keyId,
    cipher: typeof cipher === 'string' ? cipher : null,
    keySizeBits: typeof keySize === 'number' ? keySize : null,
  }
}

const volumeOf = ({ volumeId, connectionInfo }: BlockDevice): GuestVolume | null => {
  if (volumeId === null || connectionInfo === null) return null
  const { multiattach, encryption, ...connection } = connectionInfo
  const opened = encryptionOf(encryption)
  return {
    id: volumeId,
    connection: connection as unknown as GuestVolume['connection'],
    ...(multiattach === true ? { isShared: true } : {}),
    ...(opened === undefined ? {} : { encryption: opened }),
  }
}

/** A disk as the hypervisor makes or attaches it; a volume needs its connection by now. */
export function guestDisk(device: BlockDevice, instance: Instance): GuestDisk {
  const kind = kindOf(device)
  const size = kind === 'image' ? instance.flavor.rootGiB : (device.size ?? 0)
  const encryption = kind === 'volume' ? undefined : diskEncryption(device)
  return {
    id: device.id,
    kind,
    deviceName: device.deviceName ?? '',
    bus: device.diskBus,
    deviceType: device.deviceType ?? 'disk',
    bootIndex: device.bootIndex !== null && device.bootIndex >= 0 ? device.bootIndex : null,
    size,
    format: device.guestFormat,
    tag: device.tag,
    volume: kind === 'volume' ? volumeOf(device) : null,
    ...(encryption === undefined ? {} : { encryption }),
  }
}

/** Volumes that are only reserved (or still to be made) are none of the guest's yet. */
const guestDisks = (devices: readonly BlockDevice[], instance: Instance): readonly GuestDisk[] =>
  devices
    .map(device => guestDisk(device, instance))
    .filter(disk => disk.kind !== 'volume' || disk.volume !== null)
    .toSorted((a, b) => Number(b.bootIndex === 0) - Number(a.bootIndex === 0))

/** Everything the host needs to make the guest of an instance with these disks. */
export function guestSpec(
  instance: Instance,
  devices: readonly BlockDevice[],
  vifs: readonly Vif[] = instance.networkInfo,
  seat: Pick<GuestSpec, 'numa' | 'hostDevices' | 'tpmSecret' | 'directBoot'> = {},
): GuestSpec {
  const { flavor } = instance
  return {
    id: instance.id,
    name: guestName(instance.number),
    displayName: instance.displayName,
    projectId: instance.projectId,
    projectName: instance.systemMetadata['owner_project_name'] ?? null,
    userId: instance.userId,
    userName: instance.systemMetadata['owner_user_name'] ?? null,
    createdAtMs: instance.createdAtMs,
    flavor: {
      id: flavor.flavorId,
      name: flavor.name,
      vcpus: flavor.vcpus,
      memoryMiB: flavor.memoryMiB,
      rootGiB: flavor.rootGiB,
      ephemeralGiB: flavor.ephemeralGiB,
      swapMiB: flavor.swapMiB,
      extraSpecs: flavor.extraSpecs,
    },
    image: withCertificates(guestImage(instance), instance),
    disks: guestDisks(devices, instance),
    vifs: vifs.map(vif => guestVif(vif, instance, seat.hostDevices)),
    ...seat,
  }
}

/** The same with the disks of the record. */
export const specOf = async (d: ConductorDeps, instance: Instance): Promise<GuestSpec> => {
  const spec = guestSpec(instance, await d.store.blockDevices.of(instance.id), undefined, {
    ...(await seatOf(d, instance.id)),
    ...(await tpmSecretOf(d, instance, guestImage(instance))),
    ...(await directBootOf(d, guestImage(instance))),
  })
  return withKeys(d, spec)
}
