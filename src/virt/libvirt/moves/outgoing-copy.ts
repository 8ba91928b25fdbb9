import { type InstanceId, pause } from '#base'
import { HypervisorError, HypervisorUnavailable, PostCopyFailed } from '../../faults.ts'
import type { CopyStep } from '../../moves.ts'
import { statusOf } from '../daemon/daemon-calls.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { domainState, hasProcess, isLeavingPostCopy, isTorn } from '../guest/power.ts'
import { domainById, procedures } from '../rpc/index.ts'
import { parseXml, textAt } from '../xml-tree.ts'
import { arrivingDomain } from './arriving-domain.ts'
import { abortCopy, type CopyJob, jobOf } from './copy-job.ts'
import { losesWrites } from './emulated-memory.ts'
import { forceEnd } from './forced-end.ts'
import { forgetHold, holdStill, letGo } from './held-guest.ts'
import type { LandingDetail } from './landing-detail.ts'
import { type LocalDisk, localDisks } from './local-disks.ts'
import { flagsOf, type MigrationOrder, mayPostCopy, paramsOf } from './migration-order.ts'
import { liveXml } from './needs.ts'
import { Downtime, sizeInGiB, timeoutAction } from './patience.ts'
import { peerUri } from './settings.ts'

/** Disks may take hours. */
const copyTimeoutMs = 86_400_000
const lookMs = 100
/** A guest that is to be held still is held as soon as its memory goes. */
const firstLookMs = 10

type Outcome = { readonly isDone: true } | { readonly isDone: false; readonly error: unknown }

/** What the copy is of, looked up when it begins or is found. */
interface Cargo {
  readonly xml: string
  readonly copied: readonly LocalDisk[]
  readonly isPaused: boolean
  readonly memoryBytes: number
  readonly gib: number
  readonly mustHold: boolean
}

/** One copy of a guest to another host, from the asking to the end, or from wherever somebody else has brought it. */
export class OutgoingCopy {
  readonly #context: GuestContext
  readonly #id: InstanceId
  #isAborted = false
  #wantsEnd = false
  #isForced = false
  #isHeld = false

  constructor(context: GuestContext, id: InstanceId) {
    this.#context = context
    this.#id = id
  }

  /** The daemon may not have begun yet: it is told again until it is over. */
  async abort(): Promise<void> {
    this.#isAborted = true
    await abortCopy(this.#context, this.#id).catch(error =>
      this.#context.log.warn(
        { instance_id: this.#id, err: error },
        'a copy could not be told to stop; it is tried again',
      ),
    )
  }

  /** It ends as soon as it can be made to: not before the memory goes, which may be long after the disks began to. */
  force(): void {
    this.#wantsEnd = true
  }

  get isAborted(): boolean {
    return this.#isAborted
  }

  /** Ends when the guest has gone to the target; throws when it has stayed, running as it did, or is lost. */
  async *run(detail: LandingDetail, withDisks: boolean): AsyncGenerator<CopyStep> {
    const known = await this.#job()
    if (known !== undefined && !known.isMigration)
      throw HypervisorError({ operation: 'live migration', reason: 'something else is being done with the guest' })
    const status = await statusOf(this.#context.client, this.#id)
    if (status === undefined || !hasProcess(status))
      throw HypervisorError({ operation: 'live migration', reason: 'the guest does not run here' })
    const cargo = await this.#cargo(withDisks && !detail.isShared, status.state === domainState.paused)
    const ending = known === undefined ? this.#begin(detail, cargo) : this.#whenOver()
    let outcome: Outcome | undefined
    void ending.then(result => {
      outcome = result
    })
    const isOver = (): Outcome | undefined => outcome
    const downtime = new Downtime(this.#context, this.#id, cargo.gib)
    let last: CopyStep = unmeasured(cargo)
    while (isOver() === undefined) {
      await Promise.race([ending, pause(cargo.mustHold && !this.#isHeld ? firstLookMs : lookMs, this.#context.clock)])
      const job = isOver() === undefined ? await this.#job() : undefined
      if (job?.isMigration !== true) continue
      if (this.#isAborted) await this.abort()
      last = await this.#step(job, cargo)
      yield last
      await downtime.follow(job.elapsedMs)
      if (last.isPostCopy !== true) await this.#keepTime(job, cargo)
    }
    const result = await ending
    if (!result.isDone) await this.#stayed(detail, result.error)
    await forgetHold(this.#context, this.#id)
    if (detail.isShared) await this.#context.files.handTo(this.#id, detail.host)
    const { memoryTotal, diskTotal } = last
    yield { ...last, memoryProcessed: memoryTotal, memoryRemaining: 0, diskProcessed: diskTotal, diskRemaining: 0 }
  }

  /** Undefined also while the daemon is away: whether the copy goes on shows when it is back. */
  async #job(): Promise<CopyJob | undefined> {
    try {
      return await jobOf(this.#context, this.#id)
    } catch (error) {
      if (!HypervisorUnavailable.is(error)) throw error
      return undefined
    }
  }

  async #cargo(copiesDisks: boolean, isPaused: boolean): Promise<Cargo> {
    const xml = await liveXml(this.#context, this.#id)
    const domain = parseXml(xml)
    const disks = copiesDisks ? await localDisks(domain, this.#context.files.folderOf(this.#id)) : []
    const copied = disks.filter(disk => !disk.isReadOnly)
    const memoryBytes = Number(textAt(domain, 'memory') ?? 0) * 1024
    const gib = sizeInGiB(copied.reduce((sum, disk) => sum + disk.virtualBytes, memoryBytes))
    return { xml, copied, isPaused, memoryBytes, gib, mustHold: !isPaused && (await losesWrites(this.#context, xml)) }
  }

  async #step({ progress }: CopyJob, cargo: Cargo): Promise<CopyStep> {
    // Disks go before memory, which is not counted until then.
    if (progress.memoryTotal === 0) return { ...unmeasured(cargo), ...ofDisks(progress) }
    if (cargo.mustHold && !this.#isHeld) {
      this.#isHeld = true
      await holdStill(this.#context, this.#id)
    }
    if (!mayPostCopy(this.#context.migration, cargo)) return progress
    const status = await statusOf(this.#context.client, this.#id)
    return status !== undefined && isLeavingPostCopy(status) ? { ...progress, isPostCopy: true } : progress
  }

  /** `live_migration_completion_timeout`, and whoever does not want to wait. */
  async #keepTime({ elapsedMs, progress }: CopyJob, { gib }: Cargo): Promise<void> {
    if (this.#isAborted || this.#isForced) return
    const { log, migration } = this.#context
    const action = timeoutAction(migration, gib, elapsedMs)
    if (action !== undefined && !this.#wantsEnd)
      log.warn({ instance_id: this.#id, elapsed_ms: elapsedMs, action }, 'a live migration takes longer than it may')
    if (action === 'abort') return this.abort()
    this.#wantsEnd ||= action === 'force_complete'
    if (!this.#wantsEnd || progress.memoryTotal === 0) return
    this.#isForced = true
    await forceEnd(this.#context, this.#id)
  }

  async #stayed({ host }: LandingDetail, error: unknown): Promise<never> {
    const { client } = this.#context
    const status = await statusOf(client, this.#id)
    if (status === undefined || !isTorn(status)) {
      await letGo(this.#context, this.#id)
      throw error
    }
    // What it has on disk is as after a power cut; to go on from the memory that is left here would undo what it did there.
    await client.call(procedures.destroy, { domain: domainById(this.#id), flags: 0 }, 'long')
    throw PostCopyFailed({ id: this.#id, host }, { cause: error })
  }

  async #begin(detail: LandingDetail, cargo: Cargo): Promise<Outcome> {
    try {
      const { client, migration, host } = this.#context
      const order: MigrationOrder = {
        xml: arrivingDomain(cargo.xml, detail.xml),
        target: detail,
        copied: cargo.copied.map(disk => disk.device),
        isPaused: cargo.isPaused,
        passesCaches: host.diskCache === 'none',
      }
      const domain = domainById(this.#id)
      const told = { params: paramsOf(migration, order), flags: flagsOf(migration, order) }
      const peer = peerUri(migration, detail.address)
      await client.callAlone(procedures.migrate, { domain, peerUri: peer, ...told }, copyTimeoutMs)
      return { isDone: true }
    } catch (error) {
      // The answer was lost, not the copy: the daemon goes on, or was killed and gives up.
      if (HypervisorUnavailable.is(error)) return this.#whenOver()
      return { isDone: false, error }
    }
  }

  /** A copy that somebody else has begun: over when the daemon knows of none. */
  async #whenOver(): Promise<Outcome> {
    for (;;) {
      try {
        if ((await jobOf(this.#context, this.#id)) === undefined) break
      } catch (error) {
        if (!HypervisorUnavailable.is(error)) return { isDone: false, error }
      }
      await pause(lookMs, this.#context.clock)
    }
    const status = await statusOf(this.#context.client, this.#id)
    if (status === undefined || !hasProcess(status)) return { isDone: true }
    const reason = 'the copy has ended, and the guest is still here'
    return { isDone: false, error: HypervisorError({ operation: 'live migration', reason }) }
  }
}

const ofDisks = ({ diskTotal, diskProcessed, diskRemaining }: CopyStep) => ({ diskTotal, diskProcessed, diskRemaining })

/** Before the daemon has counted, and for copies that are over at once. */
const unmeasured = ({ memoryBytes }: Cargo): CopyStep => ({
  memoryTotal: memoryBytes,
  memoryProcessed: 0,
  memoryRemaining: memoryBytes,
  diskTotal: 0,
  diskProcessed: 0,
  diskRemaining: 0,
})
