import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { fromJson, type InstanceId, instanceId } from '#base'
import type { GuestContext } from '../guest/guest-context.ts'
import type { GuestFiles } from '../guest/guest-files.ts'
import { type DomainStatus, hasProcess, isIncomingMemory } from '../guest/power.ts'
import { domainById, procedures } from '../rpc/index.ts'

/*
 * libvirt knows a guest that is awaited only while its memory comes. Before that there is this: a file beside the guest's
 * folder that says which host awaits it. Not in the folder, which the hosts may share.
 */

export interface WaitingPlace {
  readonly host: string
  /** The files are the source's as well, and nothing of them was made here. */
  readonly isShared: boolean
}

const pathOf = (files: GuestFiles, id: string): string => `${files.folderOf(id)}_incoming`

export async function waitingPlace(files: GuestFiles, id: string): Promise<WaitingPlace | undefined> {
  try {
    return fromJson<WaitingPlace>(await readFile(pathOf(files, id), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** For whom anybody waits. */
export async function waitingPlaces(files: GuestFiles): Promise<readonly InstanceId[]> {
  return (await readdir(files.root)).flatMap(name => {
    const id = /^([0-9a-f-]{36})_incoming$/.exec(name)?.[1]
    return id === undefined ? [] : [instanceId(id)]
  })
}

export async function makeWaitingPlace(files: GuestFiles, id: string, place: WaitingPlace): Promise<void> {
  const partial = `${pathOf(files, id)}.part`
  await writeFile(partial, JSON.stringify(place), { mode: 0o600 })
  await rename(partial, pathOf(files, id))
}

export async function removeWaitingPlace(files: GuestFiles, id: string): Promise<void> {
  await rm(pathOf(files, id), { force: true })
}

/** libvirt keeps no definition of a guest before it has arrived; after that it may well have gone off again. */
async function hasArrived({ client }: GuestContext, id: InstanceId, status: DomainStatus): Promise<boolean> {
  if (hasProcess(status)) return !isIncomingMemory(status)
  return client.call(procedures.isPersistent, domainById(id))
}

/**
 * Whether this host still waits for the guest. One that has arrived is owned by this host from now on, whoever looks
 * first.
 */
export async function isAwaited(
  context: GuestContext,
  id: InstanceId,
  status: DomainStatus | undefined,
): Promise<boolean> {
  const { files, hostName } = context
  const place = await waitingPlace(files, id)
  if (place?.host !== hostName) return false
  if (status === undefined || !(await hasArrived(context, id, status))) return true
  await files.own(id)
  await removeWaitingPlace(files, id)
  return false
}
