import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Log, systemClock } from '#base'
import { ImageUnavailable } from '#cloud'
import { createPlumber, dismantleNetwork, type HostPlace, isOnMachine } from '#network'
import { openStore } from '#store'
import { HypervisorUnavailable } from '#virt'
import { createLibvirtDriver, type LibvirtDaemon, startLibvirt, stopEverything } from '#virt/libvirt'
import { databaseUrl } from './compose/database.ts'

const noImages = {
  download: async (image: { id: string }) => {
    throw ImageUnavailable({ id: image.id, reason: 'the cloud is being removed' })
  },
}

/** Guests cannot be taken away without it: one that does not answer any more is replaced, and its guests end with it. */
async function libvirtd(stateDir: string, log: Log): Promise<LibvirtDaemon> {
  try {
    return await startLibvirt({ stateDir, log })
  } catch (error) {
    if (!HypervisorUnavailable.is(error)) throw error
    await stopEverything(stateDir)
    return startLibvirt({ stateDir, log })
  }
}

/** Guests of this cloud's records; a libvirtd of the machine may have others. */
async function destroyGuests(stateDir: string, log: Log): Promise<void> {
  const store = await openStore(databaseUrl(stateDir, 'nova'))
  const daemon = await libvirtd(join(stateDir, 'libvirt'), log)
  const driver = await createLibvirtDriver({
    socketPath: daemon.socketPath,
    instancesPath: join(stateDir, 'instances'),
    imageSource: noImages,
    virtType: 'auto',
    log,
  })
  for (const guest of await driver.list()) {
    if ((await store.instances.find(guest.id, { withDeleted: true })) !== undefined)
      await driver.guest(guest.id).destroy()
  }
  await driver.close()
  await store.close()
  await stopEverything(join(stateDir, 'libvirt'))
}

export interface DestroyOptions {
  readonly stateDir: string
  /** Only their part of the network is ours; their guests are their own nova-computes' matter. */
  readonly others: readonly HostPlace[]
  readonly log: Log
}

/** Takes a cloud off this machine: guests, libvirt, bridges, DHCP, firewall, and the folder. */
export async function destroyCloud(options: DestroyOptions): Promise<void> {
  const { stateDir, others, log } = options
  const hasGuests = existsSync(join(stateDir, 'instances'))
  if (hasGuests) await destroyGuests(stateDir, log)
  const network = databaseUrl(stateDir, 'network')
  // A simulated cloud has none on the machine.
  const isWired = async () => hasGuests || others.length > 0 || (await isOnMachine(network))
  if (existsSync(join(stateDir, 'network.sqlite')) && (await isWired()))
    await dismantleNetwork(network, createPlumber({ log, clock: systemClock, others }), log)
  await rm(stateDir, { recursive: true, force: true })
}
