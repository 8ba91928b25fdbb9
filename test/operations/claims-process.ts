/** One of several processes: claims for each id of the list, or lets go of it; prints those that got something. */
import { hostDemand, type PciRequest } from '#model'
import { claimHost, openStore, releaseHost } from '#store'

const request: PciRequest = {
  id: '8e3bfc0e-4a47-4a43-9ae4-4a1c5e8f7a10',
  count: 1,
  specs: [{ vendor_id: '10de' }],
  aliasName: 'gpu',
  numaPolicy: 'legacy',
  resourceClass: null,
  traits: [],
  canMove: null,
}
const flavor = { vcpus: 2, memoryMiB: 128, extraSpecs: { 'hw:cpu_policy': 'dedicated' } }
const demand = hostDemand({ flavor, image: null, pciRequests: [request] })

const [url = '', nodeId = '', what = '', ...ids] = process.argv.slice(2)
const store = await openStore(url)
const winners: string[] = []
for (const id of ids) {
  if (what === 'release') await releaseHost(store, id)
  else if ((await claimHost(store, { consumerId: id, instanceId: id, nodeId, demand, isFinal: true })) === undefined)
    winners.push(id)
}
await store.close()
process.stdout.write(JSON.stringify(winners))
