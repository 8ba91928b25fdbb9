import { type Clock, type InstanceId, instanceId, pause } from '#base'
import type { CopyProgress } from '#model'
import { type PowerState, power } from '../driver.ts'
import { GuestInWrongState, HypervisorError, LiveMigrationAborted } from '../faults.ts'
import type { CopyStep, LiveMigration } from '../moves.ts'
import type { FakeDisks } from './disks.ts'
import type { FaultPlan } from './faults-plan.ts'
import type { GuestRecord } from './guest-record.ts'
import type { FakeHypervisor } from './hypervisor.ts'
import { type Arrival, deliver, Landings } from './landings.ts'

const mib = 1024 ** 2
const gib = 1024 ** 3
/** A copy takes so many rounds, with a rest after each. */
const rounds = 4
const restMs = 1

/** A test holds copies back with it: guests then write as fast as they are copied. */
export class CopyBrake {
  #isHeld = false
  /** A copy that is forced goes on at the target at once, and its end is held back too. */
  permitsPostCopy = false

  get isHeld(): boolean {
    return this.#isHeld
  }

  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
  }
}

/** Bytes copied and to copy, round by round. */
class Copy {
  readonly #memoryTotal: number
  readonly #diskTotal: number
  #round = 0

  constructor({ spec }: GuestRecord, withDisks: boolean) {
    const { memoryMiB, rootGiB, ephemeralGiB } = spec.flavor
    this.#memoryTotal = memoryMiB * mib
    this.#diskTotal = withDisks ? (rootGiB + ephemeralGiB) * gib : 0
  }

  /** One round further; a guest that writes as fast keeps its last part. */
  next(isHeld: boolean): CopyProgress {
    this.#round++
    const done = Math.min(this.#round, isHeld ? rounds - 1 : rounds) / rounds
    const part = (total: number) => Math.round(total * done)
    return {
      memoryTotal: this.#memoryTotal,
      // Pages that change are sent again.
      memoryProcessed: Math.round((this.#memoryTotal * this.#round) / rounds),
      memoryRemaining: this.#memoryTotal - part(this.#memoryTotal),
      diskTotal: this.#diskTotal,
      diskProcessed: part(this.#diskTotal),
      diskRemaining: this.#diskTotal - part(this.#diskTotal),
    }
  }
}

export interface CopyParts {
  readonly hypervisor: FakeHypervisor
  readonly disks: FakeDisks
  readonly clock: Clock
  readonly faults: FaultPlan
  readonly brake: CopyBrake
}

const stillUp = (now: PowerState): boolean => now === power.running || now === power.paused

/** A guest that is expected takes the place that waits for it. */
async function arrive({ hypervisor, disks }: CopyParts, id: InstanceId, { guest, folder }: Arrival): Promise<void> {
  await hypervisor.change('arrive', id, async () => {
    const waiting = hypervisor.guests.get(id)
    if (waiting?.isIncoming !== true)
      throw HypervisorError({ operation: 'migrate', reason: 'nobody waits for the guest here' })
    const { spec, vifs, display } = waiting
    const { disk, ...rest } = guest
    const own = disk === undefined ? {} : { disk: await disks.copy(id, disk, folder) }
    const here = { ...rest, ...own, spec, vifs, disks: spec.disks, display }
    hypervisor.put(id, here, guest.power === power.paused ? 'paused' : 'started')
  })
}

async function* send(
  parts: CopyParts,
  forced: Set<string>,
  id: InstanceId,
  at: { readonly uri: string; readonly withDisks: boolean },
  signal: AbortSignal,
): AsyncGenerator<CopyStep> {
  const { hypervisor, clock, faults, brake } = parts
  const copy = new Copy(hypervisor.existing(id), at.withDisks)
  const isPostCopy = () => forced.has(id) && brake.permitsPostCopy
  for (;;) {
    await pause(restMs, clock, signal).catch(() => undefined)
    if (signal.aborted && !isPostCopy()) throw LiveMigrationAborted({ id })
    faults.throwPlanned('send')
    if (!stillUp(hypervisor.existing(id).power))
      throw HypervisorError({ operation: 'migrate', reason: 'the guest has stopped' })
    const progress = copy.next(brake.isHeld && (isPostCopy() || !forced.has(id)))
    yield isPostCopy() ? { ...progress, isPostCopy: true } : progress
    if (progress.memoryRemaining === 0) break
  }
  if (signal.aborted && !isPostCopy()) throw LiveMigrationAborted({ id })
  // The moment of the switch: the guest is there, and no longer here.
  await deliver(at.uri, { guest: hypervisor.existing(id), folder: parts.disks.folder })
  await leave(parts, id)
}

/** The guest is elsewhere, with a disk of its own. */
async function leave({ hypervisor, disks }: CopyParts, id: InstanceId): Promise<void> {
  const disk = hypervisor.guests.get(id)?.disk
  hypervisor.remove(id)
  await disks.remove(disk)
}

export function liveMigration(parts: CopyParts): LiveMigration & { close(): Promise<void> } {
  const landings = new Landings((id, arrival) => arrive(parts, instanceId(id), arrival))
  const { hypervisor } = parts
  const copying = new Set<string>()
  const forced = new Set<string>()
  return {
    describe: id =>
      hypervisor.ask('describeMigration', () => ({
        hypervisorType: 'fake',
        hypervisorVersion: 1_000_000,
        cpu: { arch: 'x86_64' },
        memoryMiB: hypervisor.existing(id).spec.flavor.memoryMiB,
      })),
    refusal: needs =>
      hypervisor.ask('refusal', () =>
        needs.hypervisorType === 'fake' ? undefined : `guests of ${needs.hypervisorType} do not run here`,
      ),
    prepareIncoming: spec =>
      hypervisor.change('prepareIncoming', spec.id, async () => {
        const uri = await landings.addressOf(spec.id)
        const known = hypervisor.guests.get(spec.id)
        if (known !== undefined && known.isIncoming !== true) return { uri }
        const { configDrive: _, ...plain } = spec
        const place = {
          spec: plain,
          vifs: spec.vifs,
          disks: spec.disks,
          overlays: {},
          power: power.noState,
          boots: 0,
          wasShutDown: false,
        }
        hypervisor.put(spec.id, { ...place, startedAtMs: null, isIncoming: true, display: hypervisor.freeDisplay() })
        return { uri }
      }),
    awaited: () =>
      hypervisor.ask('list', () =>
        [...hypervisor.guests].filter(([, guest]) => guest.isIncoming === true).map(([id]) => instanceId(id)),
      ),
    discardIncoming: id =>
      hypervisor.change('discardIncoming', id, () => {
        if (hypervisor.guests.get(id)?.isIncoming !== true) return
        hypervisor.remove(id)
      }),
    async *send(id, { uri }, { withDisks }, signal) {
      copying.add(id)
      try {
        yield* send(parts, forced, id, { uri, withDisks }, signal)
      } finally {
        copying.delete(id)
        forced.delete(id)
      }
    },
    forceComplete: id =>
      hypervisor.ask('forceComplete', () => {
        if (!copying.has(id)) throw GuestInWrongState({ id, operation: 'force complete', state: 'not being migrated' })
        forced.add(id)
      }),
    // A copy is a loop of this process and ends with it.
    settle: () => Promise.resolve(),
    forget: id => hypervisor.change('forget', id, () => leave(parts, id)),
    close: () => landings.close(),
  }
}
