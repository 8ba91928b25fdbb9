import { rm, writeFile } from 'node:fs/promises'
import type { InstanceId } from '#base'
import { power } from '../../driver.ts'
import { GuestInWrongState, GuestNotFound } from '../../faults.ts'
import type { Quiesce } from '../../guest-facets.ts'
import { statusOf } from '../daemon/daemon-calls.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { exists } from '../guest/guest-files.ts'
import { hasProcess, powerOf } from '../guest/power.ts'
import { asFault, domainById, errorCode, isLibvirtError, procedures } from '../rpc/index.ts'
import { answerSeconds, isAgentThere, mustHaveAgentNow, whenAgentIsThere } from './guest-agent.ts'

/** Between two attempts to thaw a guest whose agent does not answer. */
const retryMs = 5000

/*
 * File systems of guests, held still by their agent for the moment in which a copy of a disk begins.
 *
 * A frozen guest is a dead one to its users, so thawing must not depend on us being there: a mark in the guest's folder,
 * written before and removed after, tells the process after us. And an agent that does not answer is asked again until it
 * does, or the guest is off.
 */
export class FileSystemFreeze implements Quiesce {
  readonly #context: GuestContext
  readonly #later = new Map<InstanceId, () => void>()
  #isClosed = false

  constructor(context: GuestContext) {
    this.#context = context
  }

  /** Whoever is held still for somebody goes on. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(Array.from(this.#later.keys(), id => this.thaw(id)))
  }

  /** After a start: guests that a process before us froze and did not thaw. */
  async settle(): Promise<void> {
    const { files } = this.#context
    for (const id of await files.ids()) if (await exists(files.freezeMark(id))) await this.thaw(id)
  }

  async freeze(id: InstanceId, atMostMs: number): Promise<void> {
    const status = await statusOf(this.#context.client, id)
    if (status === undefined) throw GuestNotFound({ id })
    if (!hasProcess(status)) throw GuestInWrongState({ id, operation: 'quiesce', state: 'shut down' })
    try {
      await mustHaveAgentNow(this.#context, id)
      await this.#freeze(id, true)
    } catch (error) {
      await this.thaw(id)
      throw asFault(error, 'quiesce', id)
    }
    this.#thawLater(id, atMostMs)
  }

  /**
   * Runs the work while the guest's file systems are frozen. `required`: fails when they cannot be; otherwise the work is
   * done all the same. A guest that is off has nothing to freeze.
   */
  async during<T>(id: InstanceId, wish: 'ifPossible' | 'required', work: () => Promise<T>): Promise<T> {
    try {
      await this.#freeze(id, wish === 'required')
      return await work()
    } finally {
      await this.thaw(id)
    }
  }

  async #freeze(id: InstanceId, isRequired: boolean): Promise<void> {
    const { client, files, log } = this.#context
    const status = await statusOf(client, id)
    if (status === undefined || !hasProcess(status)) return
    const domain = domainById(id)
    try {
      if (powerOf(status) !== power.running) throw GuestInWrongState({ id, operation: 'quiesce', state: 'paused' })
      if (isRequired) await whenAgentIsThere(this.#context, id)
      else if (!(await isAgentThere(this.#context, id))) return
      await writeFile(files.freezeMark(id), '')
      await client.call(procedures.setAgentTimeout, { domain, seconds: answerSeconds }, 'long')
      await client.call(procedures.freezeFileSystems, domain, 'long')
    } catch (error) {
      if (isRequired) throw error
      log.info({ instance_id: id, err: error }, 'the guest could not be quiesced')
    }
  }

  /** Not frozen: nothing to do. Never fails; what cannot be thawed now is tried again. */
  async thaw(id: InstanceId): Promise<void> {
    const { client, files, log } = this.#context
    this.#later.get(id)?.()
    this.#later.delete(id)
    const mark = files.freezeMark(id)
    if (!(await exists(mark))) return
    try {
      const status = await statusOf(client, id)
      // Where hosts share the folder: frozen by the one that has the guest.
      if (status === undefined) return
      if (hasProcess(status)) await client.call(procedures.thawFileSystems, domainById(id), 'long')
      await rm(mark, { force: true })
    } catch (error) {
      // It went off meanwhile: nothing is frozen any more.
      if (isLibvirtError(error, errorCode.operationInvalid, errorCode.noDomain)) return rm(mark, { force: true })
      log.error({ instance_id: id, err: error }, 'the file systems of the guest could not be thawed')
      this.#thawLater(id, retryMs)
    }
  }

  #thawLater(id: InstanceId, ms: number): void {
    if (this.#isClosed) return
    this.#later.get(id)?.()
    this.#later.set(
      id,
      this.#context.clock.after(ms, () => void this.thaw(id)),
    )
  }
}
