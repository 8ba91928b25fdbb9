import { after, before, describe } from 'node:test'
import { identityContract } from './identity.contract.ts'
import { imageContract } from './image.contract.ts'
import { adminOf, type BuiltIn, overHttp, type Ports, startBuiltIn } from './neighbours.ts'
import { networkContract } from './network.contract.ts'
import { placementContract } from './placement.contract.ts'
import type { Rest } from './rest.ts'
import { shareContract } from './share.contract.ts'
import { volumeContract } from './volume.contract.ts'

/** One set of services; every contract holds for both ways to them. */
let builtIn: BuiltIn
let http: Ports & { close(): Promise<void> }
let admin: Rest
before(async () => {
  builtIn = await startBuiltIn()
  http = overHttp(builtIn)
  admin = await adminOf(builtIn)
})
after(async () => {
  await http.close()
  await builtIn.close()
})

const computeEvents = () =>
  builtIn.volumeEvents.flatMap(({ name, serverIds }) => serverIds.map(serverId => ({ name, serverId })))
const worldOf = (ports: Ports) => ({ ports, admin, engine: builtIn.placement, computeEvents })
const ways = { 'in process': () => worldOf(builtIn), 'over HTTP': () => worldOf(http) }

for (const [how, world] of Object.entries(ways)) {
  describe(how, () => {
    identityContract(how, world)
    imageContract(how, world)
    networkContract(how, world)
    placementContract(how, world)
    shareContract(how, world)
    volumeContract(how, world)
  })
}
