import { GiB, type InstanceId, pause } from '#base'
import type { CopyProgress } from '#model'
import { HypervisorError, HypervisorUnavailable } from '../../faults.ts'
import { statusOf } from '../daemon/daemon-calls.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { hasProcess } from '../guest/power.ts'
import { domainById, isLibvirtError, procedures, type TypedParam } from '../rpc/index.ts'
import { parseXml, textAt } from '../xml-tree.ts'
import { arrivingDomain } from './arriving-domain.ts'
import { abortCopy, jobOf } from './copy-job.ts'
import { letGo } from './held-guest.ts'
import type { LandingDetail } from './landing-detail.ts'
import { localDisks } from './local-disks.ts'
import { liveXml } from './needs.ts'
import { memoryUri, pauseSteps, peerUri } from './settings.ts'

/** virDomainMigrateFlags */
const flag = {
  live: 1,
  peerToPeer: 2,
  tunnelled: 4,
  persistAtTarget: 8,
  undefineSource: 16,
  copyTopLayers: 128,
  unsafe: 512,
  autoConverge: 8192,
  postCopy: 32_768,
  tls: 65_536,
  parallel: 131_072,
} as const

/** Disks may take hours. */
const copyTimeoutMs = 86_400_000
const lookMs = 100

type Outcome = { readonly isDone: true } | { readonly isDone: false; readonly error: unknown }

/** One copy of a guest to another host, from the asking to the end, or from wherever somebody else has brought it. */
export class OutgoingCopy {
  readonly #context: GuestContext
  readonly #id: InstanceId
  #isAborted = false

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

  /** Ends when the guest has gone to the target; throws when it has stayed, running as it did. */
  async *run(detail: LandingDetail, withDisks: boolean): AsyncGenerator<CopyProgress> {
    const known = await jobOf(this.#context, this.#id)
    if (known !== undefined && !known.isMigration)
      throw HypervisorError({ operation: 'live migration', reason: 'something else is being done with the guest' })
    const status = await statusOf(this.#context.client, this.#id)
    if (status === undefined || !hasProcess(status))
      throw HypervisorError({ operation: 'live migration', reason: 'the guest does not run here' })
    const ending = known === undefined ? this.#begin(detail, withDisks) : this.#whenOver()
    let outcome: Outcome | undefined
    void ending.then(result => {
      outcome = result
    })
    let last = await this.#sizeOnly()
    const steps = new Downtime(this.#context, this.#id)
    const isOver = (): Outcome | undefined => outcome
    while (isOver() === undefined) {
      await Promise.race([ending, pause(lookMs, this.#context.clock)])
      const job = isOver() === undefined ? await jobOf(this.#context, this.#id) : undefined
      if (job === undefined || !job.isMigration) continue
      if (this.#isAborted) await this.abort()
      if (job.progress.memoryTotal === 0) continue
      last = job.progress
      yield last
      await steps.follow(last)
    }
    const result = await ending
    if (!result.isDone) {
      await letGo(this.#context, this.#id)
      throw result.error
    }
    if (detail.isShared) await this.#context.files.handTo(this.#id, detail.host)
    const { memoryTotal, diskTotal } = last
    yield { ...last, memoryProcessed: memoryTotal, memoryRemaining: 0, diskProcessed: diskTotal, diskRemaining: 0 }
  }

  async #begin(detail: LandingDetail, withDisks: boolean): Promise<Outcome> {
    try {
      const { client, migration } = this.#context
      const { params, flags } = await this.#order(detail, withDisks)
      const domain = domainById(this.#id)
      const peer = peerUri(migration, detail.address)
      await client.callAlone(procedures.migrate, { domain, peerUri: peer, params, flags }, copyTimeoutMs)
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

  async #order(detail: LandingDetail, withDisks: boolean): Promise<{ params: TypedParam[]; flags: number }> {
    const { files, migration, host } = this.#context
    const ours = await liveXml(this.#context, this.#id)
    const xml = arrivingDomain(ours, detail.xml)
    const all = await localDisks(parseXml(ours), files.folderOf(this.#id))
    const copied = withDisks && !detail.isShared ? all.filter(disk => !disk.isReadOnly) : []
    const params: TypedParam[] = [
      ['destination_xml', { string: xml }],
      ['persistent_xml', { string: xml }],
      ...copied.map((disk): TypedParam => ['migrate_disks', { string: disk.device }]),
    ]
    if (!migration.isTunnelled) {
      // Only an address: the name is what the target's own daemon chooses by.
      const isAddress = detail.address !== detail.host
      if (isAddress) params.push(['migrate_uri', { string: memoryUri(detail.address) }])
      if (isAddress) params.push(['listen_address', { string: detail.address }])
    }
    if (migration.bandwidthMiBs > 0) params.push(['bandwidth', { ullong: migration.bandwidthMiBs }])
    const isParallel = migration.parallelConnections > 1
    if (isParallel) params.push(['parallel.connections', { int: migration.parallelConnections }])
    const wanted: (keyof typeof flag)[] = [
      'live',
      'peerToPeer',
      'persistAtTarget',
      'undefineSource',
      ...(copied.length > 0 ? (['copyTopLayers'] as const) : []),
      // libvirt knows few file systems that hosts share, and nothing of volumes of one machine. That both sides see the
      // same files we have made sure of; caches would still differ unless they are passed by.
      ...(host.diskCache === 'none' ? (['unsafe'] as const) : []),
      ...(migration.permitsAutoConverge ? (['autoConverge'] as const) : []),
      ...(migration.permitsPostCopy && !migration.isTunnelled ? (['postCopy'] as const) : []),
      ...(migration.usesNativeTls ? (['tls'] as const) : []),
      ...(migration.isTunnelled ? (['tunnelled'] as const) : []),
      ...(isParallel ? (['parallel'] as const) : []),
    ]
    return { params, flags: wanted.reduce((sum, name) => sum | flag[name], 0) }
  }

  /** Before the daemon has counted, and for copies that are over at once. */
  async #sizeOnly(): Promise<CopyProgress> {
    const domain = parseXml(await liveXml(this.#context, this.#id))
    const memoryTotal = Number(textAt(domain, 'memory') ?? 0) * 1024
    const none = { memoryProcessed: 0, diskTotal: 0, diskProcessed: 0, diskRemaining: 0 }
    return { ...none, memoryTotal, memoryRemaining: memoryTotal }
  }
}

/** Lets the guest's last pause grow with the time that the copy takes. */
class Downtime {
  readonly #context: GuestContext
  readonly #id: InstanceId
  readonly #startedMs: number
  #set = 0

  constructor(context: GuestContext, id: InstanceId) {
    this.#context = context
    this.#id = id
    this.#startedMs = context.clock.now()
  }

  async follow({ memoryTotal, diskTotal }: CopyProgress): Promise<void> {
    const { client, clock, migration } = this.#context
    const seconds = (clock.now() - this.#startedMs) / 1000
    const steps = pauseSteps(migration, Math.ceil((memoryTotal + diskTotal) / GiB))
    const ms = steps.findLast(([after]) => after <= seconds)?.[1] ?? 0
    if (ms <= this.#set) return
    this.#set = ms
    try {
      await client.call(procedures.setMaxDowntime, { domain: domainById(this.#id), ms }, 'short')
    } catch (error) {
      // Over meanwhile.
      if (!isLibvirtError(error)) throw error
    }
  }
}
