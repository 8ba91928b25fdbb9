import type { InstanceId } from '#base'
import { domainById, errorCode, isLibvirtError, type LibvirtClient, procedures } from '../rpc/index.ts'

/** Memory of a guest that libvirt keeps in a file of its own: the next plain start of the guest goes on from there. */
export async function hasSavedMemory(client: LibvirtClient, id: InstanceId): Promise<boolean> {
  try {
    return await client.call(procedures.hasManagedSave, domainById(id))
  } catch (error) {
    if (isLibvirtError(error, errorCode.noDomain)) return false
    throw error
  }
}

export async function forgetSavedMemory(client: LibvirtClient, id: InstanceId): Promise<void> {
  if (!(await hasSavedMemory(client, id))) return
  await client.call(procedures.removeManagedSave, { domain: domainById(id), flags: 0 }, 'long')
}
