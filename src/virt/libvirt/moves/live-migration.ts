import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type InstanceId, pause } from '#base'
import {
  GuestInWrongState,
  HypervisorError,
  HypervisorUnavailable,
  LiveMigrationAborted,
  PostCopyFailed,
} from '../../faults.ts'
import type { GuestSpec } from '../../guest-spec.ts'
import type { CopyStep, Landing, LiveMigration, MigrationNeeds } from '../../moves.ts'
import { listGuests, statusOf } from '../daemon/daemon-calls.ts'
import { withKeptConfigDrive } from '../disks/config-drive.ts'
import { domainXml } from '../domain/index.ts'
import { LibvirtGuest } from '../guest/guest.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { hasProcess, isIncomingMemory, runningReason } from '../guest/power.ts'
import { makeBridges } from '../guest/wiring.ts'
import { makeKernelFiles } from '../images/kernel-files.ts'
import { asFault } from '../rpc/index.ts'
import { giveSecrets } from '../secrets/guest-secrets.ts'
import { makeEmptyDisk, mustHaveRoomFor } from './arriving-disks.ts'
import { abortCopy, jobOf } from './copy-job.ts'
import { FileFetcher } from './fetch-files.ts'
import { forceEnd } from './forced-end.ts'
import { forgetHold, letGo } from './held-guest.ts'
import type { LandingDetail } from './landing-detail.ts'
import { describeGuest, detailOf, refusalOf, seesFiles } from './needs.ts'
import { OutgoingCopy } from './outgoing-copy.ts'
import { peerUri } from './settings.ts'
import { isAwaited, makeWaitingPlace, removeWaitingPlace, waitingPlace, waitingPlaces } from './waiting-place.ts'

const lookMs = 100

/*
 * Theory of operation. The source's daemon does the whole move by itself, peer to peer with the target's: whoever asked
 * for it may die, and it ends one way or the other. So a copy is never remembered, it is looked up: as a job of the daemon,
 * and when there is none any more by where the guest is. At the target the guest appears only when its memory comes; what
 * waits for it before is made by us: disks of the same shape, and a note (waiting-place.ts). Whoever owns the files where
 * both hosts share them stands beside them (owner-file.ts), and changes with the guest.
 */
export class LibvirtLiveMigration implements LiveMigration {
  readonly #context: GuestContext
  readonly #copies = new Map<InstanceId, OutgoingCopy>()

  constructor(context: GuestContext) {
    this.#context = context
    this.send = this.send.bind(this)
  }

  describe(id: InstanceId): Promise<MigrationNeeds> {
    return this.#asking('live migration', id, () => describeGuest(this.#context, id))
  }

  refusal(needs: MigrationNeeds, { withDisks }: { readonly withDisks: boolean | null }): Promise<string | undefined> {
    return this.#asking('live migration', 'any', () => refusalOf(this.#context, needs, withDisks))
  }

  prepareIncoming(spec: GuestSpec, needs: MigrationNeeds): Promise<Landing> {
    const { files, hostName } = this.#context
    const { changing } = new LibvirtGuest(spec.id, this.#context).steps
    return changing('live migration', async () => {
      const { disks, storage } = detailOf(needs)
      const status = await statusOf(this.#context.client, spec.id)
      const known = await waitingPlace(files, spec.id)
      const isHere = status !== undefined && hasProcess(status)
      const isShared = known?.host === hostName ? known.isShared : await seesFiles(this.#context, spec.id, storage)
      if (!isHere) {
        // The note first: from now on this is a place that waits, which is taken away as such.
        await makeWaitingPlace(files, spec.id, { host: hostName, isShared })
        if (!isShared) await this.#makeDisks(spec, needs, disks)
      }
      const landing = await this.#landing(spec, isShared)
      // As every start leaves it; on shared storage the source has.
      if (!isHere && !isShared) await writeFile(files.definition(spec.id), landing.detail.xml, { mode: 0o600 })
      return { uri: landing.uri, detail: { ...landing.detail } }
    })
  }

  async #makeDisks(spec: GuestSpec, needs: MigrationNeeds, disks: ReturnType<typeof detailOf>['disks']): Promise<void> {
    const { files } = this.#context
    const { handout } = detailOf(needs)
    await files.make(spec.id)
    await files.own(spec.id)
    await mustHaveRoomFor(files.root, disks)
    const fetcher = handout === null ? undefined : new FileFetcher(handout)
    try {
      for (const disk of disks) {
        if (!disk.isReadOnly) await makeEmptyDisk(this.#context, spec, disk, fetcher)
        else if (fetcher !== undefined) await fetcher.fetch(disk.name, join(files.folderOf(spec.id), disk.name))
        else throw HypervisorError({ operation: 'live migration', reason: `the source does not hand out ${disk.name}` })
      }
    } finally {
      fetcher?.close()
    }
  }

  async #landing(spec: GuestSpec, isShared: boolean): Promise<{ uri: string; detail: LandingDetail }> {
    const { files, host, hostName, migration, connections, serialPorts, secrets } = this.#context
    const address = migration.inboundAddress ?? hostName
    const asked = await connections.prepare(await withKeptConfigDrive(spec, files))
    using start = await serialPorts.forStart(spec, host)
    await giveSecrets(secrets, asked)
    await makeKernelFiles(asked, this.#context)
    await makeBridges(this.#context, asked.vifs)
    const xml = domainXml(asked, start.host)
    const detail: LandingDetail = { host: hostName, address, xml, isShared }
    return { uri: peerUri(migration, address), detail }
  }

  async awaited(): Promise<readonly InstanceId[]> {
    const { files, client, hostName } = this.#context
    const known = new Set((await listGuests(client)).map(guest => guest.id))
    const ids = new Set<InstanceId>()
    for (const id of await files.ids()) if (!known.has(id) && (await files.isOwn(id))) ids.add(id)
    for (const id of await waitingPlaces(files)) if ((await waitingPlace(files, id))?.host === hostName) ids.add(id)
    return [...ids]
  }

  discardIncoming(id: InstanceId): Promise<void> {
    const { files, client, hostName } = this.#context
    const { changing, pullPlug } = new LibvirtGuest(id, this.#context).steps
    return changing('live migration', async () => {
      const place = await waitingPlace(files, id)
      if (place?.host !== hostName) return
      const status = await statusOf(client, id)
      if (!(await isAwaited(this.#context, id, status))) return
      if (status?.reason === runningReason.postCopy && !isPaused(status))
        throw GuestInWrongState({ id, operation: 'discard', state: 'running while its memory still comes' })
      if (status !== undefined && isIncomingMemory(status)) await pullPlug()
      await this.#context.connections.releaseAll(id)
      if (!place.isShared) await files.removeUnlessElsewhere(id)
      await removeWaitingPlace(files, id)
    })
  }

  async *send(
    id: InstanceId,
    landing: Landing,
    { withDisks }: { readonly withDisks: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<CopyStep> {
    if (signal.aborted) throw LiveMigrationAborted({ id })
    const detail = landing.detail as unknown as LandingDetail
    const copy = new OutgoingCopy(this.#context, id)
    this.#copies.set(id, copy)
    const onAbort = () => void copy.abort()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      yield* copy.run(detail, withDisks)
    } catch (error) {
      if (copy.isAborted && !PostCopyFailed.is(error) && (await this.#isStillHere(id)))
        throw LiveMigrationAborted({ id }, { cause: error })
      throw asFault(error, 'live migration', id)
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#copies.delete(id)
      await this.#context.handout?.withdraw(id)
    }
  }

  async #isStillHere(id: InstanceId): Promise<boolean> {
    const status = await statusOf(this.#context.client, id)
    return status !== undefined && hasProcess(status)
  }

  forceComplete(id: InstanceId): Promise<void> {
    return this.#asking('force complete', id, async () => {
      const job = await jobOf(this.#context, id)
      if (job?.isMigration !== true)
        throw GuestInWrongState({ id, operation: 'force complete', state: 'not being migrated' })
      const copy = this.#copies.get(id)
      // Nobody in this process follows it yet.
      if (copy === undefined) await forceEnd(this.#context, id)
      else copy.force()
    })
  }

  settle(id: InstanceId): Promise<void> {
    return this.#asking('live migration', id, async () => {
      for (;;) {
        const job = await jobOf(this.#context, id)
        if (job?.isMigration !== true) break
        await abortCopy(this.#context, id)
        await pause(lookMs, this.#context.clock)
      }
      if (await this.#isStillHere(id)) await letGo(this.#context, id)
      await this.#context.handout?.withdraw(id)
    })
  }

  forget(id: InstanceId): Promise<void> {
    const { files, client, hostName } = this.#context
    const { changing, pullPlug, undefine } = new LibvirtGuest(id, this.#context).steps
    return changing('live migration', async () => {
      // With post-copy the guest runs there while the rest of its memory is here.
      while ((await jobOf(this.#context, id)) !== undefined) await pause(lookMs, this.#context.clock)
      const status = await statusOf(client, id)
      if (status !== undefined && hasProcess(status)) await pullPlug()
      if (status !== undefined) await undefine()
      await forgetHold(this.#context, id)
      await this.#context.connections.releaseAll(id)
      const awaited = await waitingPlace(files, id)
      if (awaited === undefined || awaited.host === hostName) await files.removeUnlessElsewhere(id)
    })
  }

  async #asking<T>(operation: string, id: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (HypervisorUnavailable.is(error)) throw error
      throw asFault(error, operation, id)
    }
  }
}

const pausedState = 3
const isPaused = ({ state }: { readonly state: number }): boolean => state === pausedState
