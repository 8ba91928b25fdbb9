import { placesOn, startCellEngines } from '../bin/cell-engines.ts'
import { startCellCloud } from '../bin/cells.ts'
import { type Arena, impatience, type Target } from './arena.ts'
import { keepFiles, openApi, targetOf, targetsOf } from './distributed.ts'
import { filesOf, simulatedHosts } from './simulated-hosts.ts'

/** Two cells with as many hosts each, every service a process of its own, on MariaDB and RabbitMQ; all of them are killed. */
export async function cellsArena(hostsPerCell: number): Promise<Arena> {
  const engines = await startCellEngines()
  const cloud = await startCellCloud(placesOn(engines), { hostsPerCell, defaults: impatience })
  const { builtIn, cells } = cloud
  const { folder } = builtIn
  const hosts = cells.flatMap(cell => cell.hosts)
  const { target, client } = await openApi(cloud)
  const targets: Target[] = [
    ...targetsOf(engines),
    targetOf(cloud.service['nova-conductor']),
    targetOf(cloud.service['nova-scheduler']),
    ...hosts.map(({ compute, host }) => targetOf(compute, host)),
    target,
  ]
  const files = hosts.map(host => filesOf(host.host, host.folder))
  const databases = [engines.database.url('nova_cell0'), ...cells.map(cell => cell.databaseUrl)]
  const look = async () => simulatedHosts(files)
  const close = async (keepsFiles = false) => {
    if (keepsFiles) keepFiles(folder)
    await cloud.close()
  }
  return { client, targets, hostCount: hosts.length, look, databases, folder, close }
}
