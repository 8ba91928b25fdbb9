import type { InstanceId } from '#base'
import { asFault } from '../rpc/index.ts'
import type { GuestContext } from './guest-context.ts'

/** After the changes of this guest before; what libvirt answers becomes a fault that names the operation. */
export async function changeGuest<T>(
  { changes }: Pick<GuestContext, 'changes'>,
  operation: string,
  id: InstanceId,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await changes.run(id, work)
  } catch (error) {
    throw asFault(error, operation, id)
  }
}
