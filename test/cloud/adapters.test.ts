import { after, before, describe } from 'node:test'
import { identityContract } from './identity.contract.ts'
import { imageContract } from './image.contract.ts'
import { type BuiltIn, overHttp, type Ports, startBuiltIn } from './neighbours.ts'
import { networkContract } from './network.contract.ts'
import { placementContract } from './placement.contract.ts'
import { shareContract } from './share.contract.ts'
import { volumeContract } from './volume.contract.ts'

/** One set of services; every contract holds for both ways to them. */
let builtIn: BuiltIn
let http: Ports & { close(): Promise<void> }
before(async () => {
  builtIn = await startBuiltIn()
  http = overHttp(builtIn)
})
after(async () => {
  await http.close()
  await builtIn.close()
})

const ways = { 'in process': () => ({ builtIn, ports: builtIn }), 'over HTTP': () => ({ builtIn, ports: http }) }

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
