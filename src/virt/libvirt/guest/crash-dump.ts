import type { InstanceId } from '#base'
import { GuestNotFound, GuestNotRunning } from '../../faults.ts'
import type { CrashDump } from '../../guest-facets.ts'
import { statusOf } from '../daemon/daemon-calls.ts'
import { asFault, domainById, errorCode, isLibvirtError, procedures } from '../rpc/index.ts'
import type { GuestContext } from './guest-context.ts'
import { hasProcess } from './power.ts'

/** Beside the guest's other changes, for they may be what hangs. */
export class LibvirtCrashDump implements CrashDump {
  readonly #context: GuestContext

  constructor(context: GuestContext) {
    this.#context = context
  }

  async trigger(id: InstanceId): Promise<void> {
    const { client } = this.#context
    const status = await statusOf(client, id)
    if (status === undefined) throw GuestNotFound({ id })
    if (!hasProcess(status)) throw GuestNotRunning({ id })
    try {
      await client.call(procedures.injectNmi, { domain: domainById(id), flags: 0 }, 'long')
    } catch (error) {
      if (isLibvirtError(error, errorCode.operationInvalid)) throw GuestNotRunning({ id }, { cause: error })
      throw asFault(error, 'crash dump', id)
    }
  }
}
