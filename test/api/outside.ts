import type { ApiCloud } from './harness.ts'

export interface Outside {
  readonly networkId: string
  readonly routerId: string
  /** The subnet of the member's network `private`. */
  readonly insideId: string
}

/** An external network `public`, and a router of the member's between it and the network `private`. */
export async function openOutside(cloud: ApiCloud, cidr = '172.24.4.0/24'): Promise<Outside> {
  const wanted = { network: { name: 'public', 'router:external': true } }
  const { network } = await cloud.neutron('POST', '/networks', wanted, cloud.admin)
  await cloud.neutron('POST', '/subnets', { subnet: { network_id: network.id, ip_version: 4, cidr } }, cloud.admin)
  const { router } = await cloud.neutron('POST', '/routers', {
    router: { name: 'r', external_gateway_info: { network_id: network.id } },
  })
  const insideId = (await cloud.neutron('GET', `/subnets?network_id=${cloud.networkId}`)).subnets[0].id
  await cloud.neutron('PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: insideId })
  return { networkId: network.id, routerId: router.id, insideId }
}
