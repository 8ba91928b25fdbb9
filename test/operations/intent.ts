import { type DeviceDefinition, imageDevice } from '#model'
import type { BuildIntent } from '../../src/api/accept/build.ts'
import { caller, imageId, projectId, type SmallCloud } from './world.ts'

export const flavor = {
  number: 1,
  flavorId: 'tiny',
  name: 'tiny',
  memoryMiB: 64,
  vcpus: 1,
  rootGiB: 1,
  ephemeralGiB: 0,
  swapMiB: 0,
  rxtxFactor: 1,
  isPublic: true,
  isDisabled: false,
  description: null,
  extraSpecs: {},
}

export const image = {
  id: imageId,
  name: 'image',
  diskFormat: 'raw',
  containerFormat: 'bare',
  sizeBytes: 1,
  checksum: null,
  hashAlgorithm: null,
  hashValue: null,
  minDiskGiB: 0,
  minRamMiB: 0,
  properties: {},
}

/** A server on the private network and on a port that the user has made. */
export async function intentOn(
  cloud: SmallCloud,
  userPortId: string | null,
  volumes: readonly DeviceDefinition[] = [],
): Promise<BuildIntent> {
  const network = { networkId: cloud.networkId, portId: null, fixedIp: null, tag: null }
  return {
    projectId,
    userId: caller.userId,
    minCount: 1,
    maxCount: 1,
    name: 'server',
    hostname: null,
    description: null,
    flavor,
    image,
    bootImage: image,
    devices: [imageDevice(image.id), ...volumes],
    exclusiveVolumeIds: [],
    key: null,
    userData: null,
    hasConfigDrive: true,
    secret: { adminPassword: 'gocubsgo', files: [{ path: '/etc/motd', base64: 'aGVsbG8K' }] },
    accessIpV4: null,
    accessIpV6: null,
    metadata: {},
    tags: [],
    trustedImageCertificates: null,
    diskConfig: 'MANUAL',
    requestedZone: null,
    destination: null,
    hints: {},
    serverGroupId: null,
    networks: [network, ...(userPortId === null ? [] : [{ ...network, portId: userPortId }])],
    securityGroupIds: [],
  }
}

export const makeUserPort = async (cloud: SmallCloud): Promise<string> =>
  (
    await cloud.network.port.createPort('service', {
      networkId: cloud.networkId,
      projectId,
      deviceId: '',
      deviceOwner: '',
    })
  ).id

/** A port of this kind that is promised so much bandwidth. */
export async function makePromisedPort(cloud: SmallCloud, vnicType: string, kbps: number): Promise<string> {
  const post = async (path: string, body: object) => {
    const headers = { 'x-auth-token': caller.token, 'content-type': 'application/json' }
    const answer = await cloud.network.face.inject({ method: 'POST', url: `/v2.0/${path}`, headers, payload: body })
    return answer.json<Record<string, { id: string }>>()
  }
  const { policy } = await post('qos/policies', { policy: { name: 'promise' } })
  const rule = { minimum_bandwidth_rule: { min_kbps: kbps, direction: 'egress' } }
  await post(`qos/policies/${policy?.id}/minimum_bandwidth_rules`, rule)
  const asked = { network_id: cloud.networkId, 'binding:vnic_type': vnicType, qos_policy_id: policy?.id }
  const { port } = await post('ports', { port: asked })
  return port?.id ?? ''
}
