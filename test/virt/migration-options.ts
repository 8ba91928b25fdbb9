import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fromJson, silentLog, systemClock } from '#base'
import { type CopyStep, type GuestSpec, LiveMigrationAborted, PostCopyFailed, power, type VirtDriver } from '#virt'
import { aGuestSpec, consoleShows } from '#virt/conformance'
import { certificatesOf } from '#virt/libvirt'
import { type MigrationSettings, plainMigration } from '../../src/virt/libvirt/moves/settings.ts'
import { domainById, errorCode, isLibvirtError, LibvirtClient, procedures } from '../../src/virt/libvirt/rpc/index.ts'
import { libvirtdsOn, qemusOn } from '../guests/host-processes.ts'
import type { MachineHost } from '../guests/machine-hosts.ts'
import { giveCertificates } from './certificates.ts'
import type { MovingBench } from './moving-bench.ts'

/** Slow enough to be met half way: some 60 MiB of the test guest's memory are not zero. */
const slow = { bandwidthMiBs: 10 }
const over = { secondsPerGiB: 1 } as const

/** One guest that goes between two hosts, each time under other settings. */
class Traveller {
  readonly #bench: () => MovingBench
  #spec: GuestSpec | undefined
  at: 0 | 1 = 0

  constructor(bench: () => MovingBench) {
    this.#bench = bench
  }

  get spec(): GuestSpec {
    this.#spec ??= aGuestSpec(this.#bench())
    return this.#spec
  }

  get home(): VirtDriver {
    return this.at === 0 ? this.#bench().driver : this.#bench().second
  }

  get abroad(): VirtDriver {
    return this.at === 0 ? this.#bench().second : this.#bench().driver
  }

  /** Its memory is full of what a guest has that has started. */
  async start(): Promise<void> {
    await this.home.guest(this.spec.id).spawn(this.spec)
    await consoleShows(this.#bench(), this.spec.id, 'guest: ready')
  }

  async mustRunAt(number: 0 | 1): Promise<void> {
    this.at = number
    assert.deepEqual(await this.home.guest(this.spec.id).state(), { exists: true, power: power.running })
    assert.equal((await this.abroad.guest(this.spec.id).state()).exists, false)
  }

  /** To the other host; what goes on meanwhile is told once its memory goes, and at every look after that. */
  async go(
    settings: Partial<MigrationSettings>,
    seen: (step: CopyStep) => Promise<unknown> = async () => undefined,
  ): Promise<readonly CopyStep[]> {
    const [source, target] = await Promise.all([this.#open(this.at, settings), this.#open(this.#other, settings)])
    const { id } = this.spec
    try {
      const [from, to] = [source.liveMigration, target.liveMigration]
      if (from === undefined || to === undefined) throw new Error('no live migration')
      const landing = await to.prepareIncoming(this.spec, await from.describe(id))
      const steps: CopyStep[] = []
      try {
        const how = { withDisks: false }
        for await (const step of from.send(id, landing, how, new AbortController().signal)) {
          steps.push(step)
          if (step.memoryProcessed > 0) await seen(step).catch(unlessOver)
        }
      } catch (error) {
        await to.discardIncoming(id).catch(() => undefined)
        throw error
      }
      await from.forget(id)
      await this.mustRunAt(this.#other)
      return steps
    } finally {
      await source.close()
      await target.close()
    }
  }

  get host(): MachineHost {
    return this.#machine(this.at)
  }

  get target(): MachineHost {
    return this.#machine(this.#other)
  }

  #machine(number: 0 | 1): MachineHost {
    const host = this.#bench().hosts.hosts[number]
    if (host === undefined) throw new Error('no such host')
    return host
  }

  get #other(): 0 | 1 {
    return this.at === 0 ? 1 : 0
  }

  #open(number: 0 | 1, settings: Partial<MigrationSettings>): Promise<VirtDriver> {
    const inboundAddress = this.#machine(number).address
    return this.#bench().open(number, { migration: { ...plainMigration, ...settings, inboundAddress } })
  }

  /** What its QEMU at the source says. */
  async ask(execute: string, args: Readonly<Record<string, unknown>> = {}): Promise<ReturnType<typeof JSON.parse>> {
    const { socketPath } = this.host.daemon
    const client = new LibvirtClient({ socketPath, clock: systemClock, log: silentLog })
    try {
      const command = JSON.stringify({ execute, arguments: args })
      const asked = { domain: domainById(this.spec.id), command, flags: 0 }
      return fromJson<{ return: unknown }>(await client.call(procedures.monitorCommand, asked)).return
    } finally {
      client.close()
    }
  }
}

/** The guest may have gone between two looks. */
function unlessOver(error: unknown): void {
  if (!isLibvirtError(error, errorCode.noDomain, errorCode.operationInvalid)) throw error
}

/** Does this once, when it is called first. */
function once(work: () => Promise<unknown>): () => Promise<unknown> {
  let done: Promise<unknown> | undefined
  return () => (done ??= work())
}

/** `[libvirt] live_migration_…` on real guests, and hosts that die in the middle. */
export function migrationOptionTests(bench: () => MovingBench): void {
  describe('live migration as nova.conf wants it', () => {
    const guest = new Traveller(bench)

    test('one that takes too long is given up, and the guest goes on', async () => {
      await guest.start()
      const late = guest.go({ ...slow, completion: { ...over, action: 'abort' } })
      await assert.rejects(late, LiveMigrationAborted.is)
      await guest.mustRunAt(0)
    })

    test('encrypted by QEMU, and not at all where a host has no certificate', async () => {
      const tls = { usesNativeTls: true }
      await assert.rejects(guest.go(tls), /ca-cert\.pem: No such file/)
      await guest.mustRunAt(0)
      const { folder, hosts } = bench().hosts
      const folders = hosts.map(host => certificatesOf(join(host.folder, 'libvirt')))
      const addresses = hosts.map(({ address }) => address)
      await giveCertificates(join(folder, 'certificates'), addresses, folders)
      let credentials: unknown
      const look = async () => (credentials ??= (await guest.ask('query-migrate-parameters'))['tls-creds'])
      await guest.go({ ...tls, bandwidthMiBs: 20 }, once(look))
      assert.match(String(credentials), /tls/)
    })

    test('through the daemons', async () => {
      const steps = await guest.go({ isTunnelled: true })
      assert.ok(steps.length > 0)
      await guest.mustRunAt(0)
    })

    test('when its time is over it runs on at the target, and the rest of its memory follows', async () => {
      let isThere: unknown
      const slowly = once(() => guest.ask('migrate-set-parameters', { 'max-postcopy-bandwidth': 16 * 1024 ** 2 }))
      const steps = await guest.go(
        {
          ...slow,
          permitsPostCopy: true,
          permitsAutoConverge: true,
          completion: { ...over, action: 'force_complete' },
        },
        async ({ isPostCopy }) => {
          if (isPostCopy === true) isThere ??= await guest.abroad.guest(guest.spec.id).state()
          else await slowly()
        },
      )
      assert.ok(steps.some(step => step.isPostCopy === true))
      assert.deepEqual(isThere, { exists: true, power: power.noState, isIncoming: true })
    })

    test('slowed down, and with pauses that grow', async () => {
      const limits = new Set<number>()
      let capabilities: readonly { readonly capability: string; readonly state: boolean }[] = []
      const downtime = { ms: 400, steps: 4, delaySeconds: 1 }
      const steps = await guest.go({ ...slow, permitsAutoConverge: true, downtime }, async () => {
        if (capabilities.length === 0) capabilities = await guest.ask('query-migrate-capabilities')
        limits.add((await guest.ask('query-migrate-parameters'))['downtime-limit'])
      })
      assert.equal(capabilities.find(({ capability }) => capability === 'auto-converge')?.state, true)
      // Which of them are met depends on how busy this machine is.
      assert.ok(limits.size > 1, [...limits].join())
      assert.deepEqual(
        [100, 175, 250, 325, 400].filter(ms => limits.has(ms)),
        [...limits],
      )
      const remaining = steps.map(step => step.memoryRemaining)
      assert.ok((remaining[0] ?? 0) > (remaining.at(-2) ?? 0) && remaining.at(-1) === 0, remaining.join())
    })

    test('the daemon of the source is killed in the middle: the guest goes on there, and can go later', async () => {
      const kill = once(async () => {
        for (const pid of libvirtdsOn(guest.host)) process.kill(pid, 'SIGKILL')
      })
      await assert.rejects(guest.go(slow, kill))
      await guest.mustRunAt(0)
      await guest.go({})
    })

    test('the target dies in the middle: the guest goes on where it is', async () => {
      const [target] = bench().hosts.hosts
      assert.ok(target !== undefined)
      await assert.rejects(
        guest.go(
          slow,
          once(() => bench().hosts.powerOff(target)),
        ),
      )
      await bench().hosts.powerOn(target)
      await bench().driver.liveMigration?.discardIncoming(guest.spec.id)
      await guest.mustRunAt(1)
    })

    test('torn apart by a target that dies after the guest went on there, it is off, and can be started', async () => {
      const { id } = guest.spec
      const slowly = once(async () => {
        await guest.ask('migrate-set-parameters', { 'max-postcopy-bandwidth': 1024 ** 2 })
      })
      const kill = once(async () => {
        for (const pid of qemusOn(guest.target, id)) process.kill(pid, 'SIGKILL')
      })
      const settings = { ...slow, permitsPostCopy: true, completion: { ...over, action: 'force_complete' } } as const
      const torn = guest.go(settings, ({ isPostCopy }) => (isPostCopy === true ? kill() : slowly()))
      await assert.rejects(torn, PostCopyFailed.is)
      assert.deepEqual(await guest.home.guest(id).state(), { exists: true, power: power.shutdown })
      await guest.home.guest(id).start(guest.spec)
      await guest.mustRunAt(1)
      await guest.home.guest(id).destroy()
      assert.deepEqual(await bench().leftovers(id), [])
    })
  })
}
