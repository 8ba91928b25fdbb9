import { Client } from './client.ts'
import { ControlPlane, type ControlPlaneOptions } from './control-plane.ts'
import { furnishFake } from './furniture.ts'
import { Observer } from './observer.ts'
import { Servers } from './servers.ts'

export interface FakeCloud {
  readonly plane: ControlPlane
  readonly client: Client
  readonly servers: Servers
}

/** A furnished cloud of simulated hosts around `work`. */
export async function withFakeCloud<T>(
  options: Omit<ControlPlaneOptions, 'hypervisor'>,
  work: (cloud: FakeCloud) => Promise<T>,
): Promise<T> {
  const plane = new ControlPlane({ hosts: 10, ...options, hypervisor: 'fake' })
  const client = await Client.login(await plane.start())
  const furniture = await furnishFake(client)
  const observer = new Observer(plane.stateDir)
  try {
    return await work({ plane, client, servers: new Servers(client, observer, furniture) })
  } finally {
    observer.close()
    await client.close()
    await plane.stop()
  }
}
