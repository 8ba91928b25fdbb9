import { readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { InstanceId } from '#base'
import { GuestNotFound } from '../../faults.ts'
import type { GuestSpec } from '../../guest-spec.ts'
import type { ColdMigration, MoveOffer } from '../../moves.ts'
import { statusOf } from '../daemon/daemon-calls.ts'
import { LibvirtGuest } from '../guest/guest.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { exists, removeFolder } from '../guest/guest-files.ts'
import { domainState, hasProcess } from '../guest/power.ts'
import { forgetSavedMemory } from '../host/managed-memory.ts'
import { domainById, errorCode, isLibvirtError, procedures } from '../rpc/index.ts'
import { coldDetailOf, offerOf, refuseShrinking } from './cold-offer.ts'
import { receiveDisks } from './received-disks.ts'
import { tpmPack } from './tpm-state.ts'

/** Of virDomainUndefineFlags: as for a removal, but variables of the firmware and the TPM's state stay. */
const undefineButKeep = 1 | 2 | 8 | 16 | 64

/*
 * Theory of operation. What a guest is lies in its folder; libvirt's definition is made from the spec whenever it is
 * needed. So a guest is set aside by renaming the folder (to `<id>_resize`, as Nova does) and undefining it, and is the
 * guest again by renaming it back: the one rename decides. At the target, which may be the same host, a folder of the
 * guest's own name is filled, file by file, each appearing when it is complete; every call goes on where another was cut
 * short.
 */
export class LibvirtColdMigration implements ColdMigration {
  readonly #context: GuestContext

  constructor(context: GuestContext) {
    this.#context = context
  }

  offer(spec: GuestSpec, { gracefulMs }: { readonly gracefulMs: number }): Promise<MoveOffer> {
    const { files, client } = this.#context
    const { id } = spec
    const { changing, settled, shutDown, pullPlug } = new LibvirtGuest(id, this.#context).steps
    return changing('resize', async () => {
      const status = await settled()
      const isThere = (await exists(files.folderOf(id))) && (await files.otherOwner(id)) === undefined
      if (isThere) {
        if (status === undefined) throw GuestNotFound({ id }, { detail: 'its folder is there, its definition is not' })
        await refuseShrinking(this.#context, spec)
        if (hasProcess(status)) {
          const isDown = status.state !== domainState.paused && (await shutDown(gracefulMs))
          if (!isDown) await pullPlug()
        } else await forgetSavedMemory(client, id)
        // An older one, of a move that is over.
        await removeFolder(files.asideFolder(id))
        await rename(files.folderOf(id), files.asideFolder(id))
      } else if (!(await exists(files.asideFolder(id)))) throw GuestNotFound({ id })
      if (status !== undefined) await this.#undefineButKeep(id)
      await this.#context.connections.releaseAll(id)
      return offerOf(this.#context, id)
    })
  }

  receive(offer: MoveOffer, spec: GuestSpec, { isOn }: { readonly isOn: boolean }): Promise<void> {
    const { changing, settled, runAgain, define } = new LibvirtGuest(spec.id, this.#context).steps
    return changing('resize', async () => {
      const detail = coldDetailOf(offer)
      const status = await settled()
      if (status !== undefined && hasProcess(status)) return
      if (status === undefined) await receiveDisks(this.#context, detail, spec)
      if (isOn) await runAgain(spec)
      else await define(spec)
    })
  }

  discard(id: InstanceId): Promise<void> {
    const { files, client } = this.#context
    const { changing, pullPlug, undefine } = new LibvirtGuest(id, this.#context).steps
    return changing('resize', async () => {
      const status = await statusOf(client, id)
      if (status !== undefined && hasProcess(status)) await pullPlug()
      const isAlsoAside = await exists(files.asideFolder(id))
      if (status !== undefined) await (isAlsoAside ? this.#undefineButKeep(id) : undefine())
      await this.#context.connections.releaseAll(id)
      const from = await files.takenFrom(id)
      if (from === undefined) await files.removeUnlessElsewhere(id)
      else await files.handTo(id, from)
    })
  }

  setAside(): Promise<readonly InstanceId[]> {
    return this.#context.files.setAside()
  }

  confirm(id: InstanceId): Promise<void> {
    const { files, client } = this.#context
    const { changing, undefine } = new LibvirtGuest(id, this.#context).steps
    return changing('resize', async () => {
      const folder = files.asideFolder(id)
      if (!(await exists(folder))) return
      const isHere = (await statusOf(client, id)) !== undefined
      const xml = await readFile(join(folder, 'libvirt.xml'), 'utf8').catch(() => '')
      // What libvirt keeps of it beside the definition goes only with a definition.
      if (!isHere && /<(nvram|tpm)[ >]/.test(xml)) {
        await client.call(procedures.define, { xml, flags: 0 }, 'long')
        await undefine()
      }
      await removeFolder(folder)
    })
  }

  revert(spec: GuestSpec, { isOn }: { readonly isOn: boolean }): Promise<void> {
    const { files } = this.#context
    const { id } = spec
    const { changing, settled, pullPlug, runAgain, define } = new LibvirtGuest(id, this.#context).steps
    return changing('resize', async () => {
      const status = await settled()
      if (await exists(files.asideFolder(id))) {
        // What was received here and not discarded, or on shared storage by a host that has died since.
        if (status !== undefined && hasProcess(status)) await pullPlug()
        if (status !== undefined) await this.#undefineButKeep(id)
        await removeFolder(files.folderOf(id))
        await rename(files.asideFolder(id), files.folderOf(id))
        for (const name of ['handout.json', tpmPack]) await rm(join(files.folderOf(id), name), { force: true })
      } else if (!(await exists(files.folderOf(id))) || (await files.otherOwner(id)) !== undefined) {
        throw GuestNotFound({ id })
      } else if (status !== undefined && hasProcess(status)) return
      if (isOn) await runAgain(spec)
      else await define(spec)
    })
  }

  async #undefineButKeep(id: InstanceId): Promise<void> {
    try {
      await this.#context.client.call(procedures.undefine, { domain: domainById(id), flags: undefineButKeep }, 'long')
    } catch (error) {
      if (!isLibvirtError(error, errorCode.noDomain)) throw error
    }
  }
}
