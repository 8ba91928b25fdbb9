/** What holds for the built-in services holds for Keystone, Glance, Neutron, Placement and Cinder of Debian. */
import { after, before, describe } from 'node:test'
import { identityContract } from '../cloud/identity.contract.ts'
import { imageContract } from '../cloud/image.contract.ts'
import { networkContract } from '../cloud/network.contract.ts'
import { placementContract } from '../cloud/placement.contract.ts'
import { volumeContract } from '../cloud/volume.contract.ts'
import type { World } from '../cloud/world.ts'
import { realWorld } from './neighbours.ts'

let real: World & { close(): Promise<void> }
before(async () => {
  real = await realWorld()
})
after(() => real?.close())

const world = () => real
describe("Debian's services", () => {
  identityContract('Keystone', world)
  imageContract('Glance', world)
  networkContract('Neutron', world)
  placementContract('Placement', world)
  volumeContract('Cinder', world)
})
