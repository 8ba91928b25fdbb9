import { readFileSync } from 'node:fs'
import type { Ready } from './cloud.ts'
import { CloudApi } from './cloud-api.ts'

interface Made {
  readonly id: string
}

/** A project with a network of its own behind a router, and open for ping and ssh. */
export class Tenant {
  readonly name: string
  readonly projectId: string
  readonly #api: CloudApi
  readonly #networkId: string
  readonly #publicId: string

  private constructor(name: string, projectId: string, api: CloudApi, networkId: string, publicId: string) {
    this.name = name
    this.projectId = projectId
    this.#api = api
    this.#networkId = networkId
    this.#publicId = publicId
  }

  static async make(admin: CloudApi, ready: Ready, name: string, cidr: string): Promise<Tenant> {
    const password = `${name}'s own`
    const { project } = await admin.call<{ project: Made }>('identity', 'POST', '/projects', { project: { name } })
    const { user } = await admin.call<{ user: Made }>('identity', 'POST', '/users', { user: { name, password } })
    const { roles } = await admin.call<{ roles: Made[] }>('identity', 'GET', '/roles?name=member')
    await admin.call('identity', 'PUT', `/projects/${project.id}/users/${user.id}/roles/${roles[0]?.id}`)
    const api = await CloudApi.open(ready, { name, password })
    const post = <T>(path: string, body: unknown) => api.call<T>('network', 'POST', `/v2.0${path}`, body)
    const { network } = await post<{ network: Made }>('/networks', { network: { name: 'mine' } })
    const ofNetwork = { network_id: network.id, ip_version: 4, cidr }
    const { subnet } = await post<{ subnet: Made }>('/subnets', { subnet: ofNetwork })
    const outside = await api.call<{ networks: Made[] }>('network', 'GET', '/v2.0/networks?router:external=true')
    const publicId = outside.networks[0]?.id ?? ''
    const gateway = { name: 'way out', external_gateway_info: { network_id: publicId } }
    const { router } = await post<{ router: Made }>('/routers', { router: gateway })
    const joined = { subnet_id: subnet.id }
    await api.call('network', 'PUT', `/v2.0/routers/${router.id}/add_router_interface`, joined)
    const { security_groups: groups } = await api.call<{ security_groups: Made[] }>(
      'network',
      'GET',
      `/v2.0/security-groups?name=default&project_id=${project.id}`,
    )
    for (const protocol of ['icmp', 'tcp']) {
      const rule = { security_group_id: groups[0]?.id, direction: 'ingress', protocol }
      await post('/security-group-rules', { security_group_rule: rule })
    }
    const keypair = { name: 'key', public_key: readFileSync(`${ready.key_file}.pub`, 'utf8').trim() }
    await api.call('compute', 'POST', '/os-keypairs', { keypair })
    return new Tenant(name, project.id, api, network.id, publicId)
  }

  /** A guest at that address of the network, with a floating address. */
  async boot(address: string, imageRef: string, flavorRef: string): Promise<{ id: string; floating: string }> {
    const wish = { network_id: this.#networkId, fixed_ips: [{ ip_address: address }] }
    const { port } = await this.#api.call<{ port: Made }>('network', 'POST', '/v2.0/ports', { port: wish })
    const body = { name: `of-${this.name}`, imageRef, flavorRef, key_name: 'key', networks: [{ port: port.id }] }
    const { server } = await this.#api.call<{ server: Made }>('compute', 'POST', '/servers', { server: body })
    const ip = { floating_network_id: this.#publicId, port_id: port.id }
    type Floating = { floatingip: { floating_ip_address: string } }
    const { floatingip } = await this.#api.call<Floating>('network', 'POST', '/v2.0/floatingips', { floatingip: ip })
    await this.#api.whenActive(server.id)
    return { id: server.id, floating: floatingip.floating_ip_address }
  }

  delete(serverId: string): Promise<unknown> {
    return this.#api.call('compute', 'DELETE', `/servers/${serverId}`)
  }
}
