import type { InstanceId } from '#base'
import { type Diagnostics, type Guest, type GuestState, power } from '../driver.ts'
import { GuestInWrongState } from '../faults.ts'
import type { GuestSpec } from '../guest-spec.ts'
import type { FakeDisks } from './disks.ts'
import { fakeDiagnostics } from './fake-diagnostics.ts'
import type { FakeHypervisor } from './hypervisor.ts'

/** False for a guest whose root disk is a volume. */
export const hasImage = (spec: GuestSpec): boolean => spec.disks.some(disk => disk.kind === 'image')

export class FakeGuest implements Guest {
  readonly id: InstanceId
  readonly #hypervisor: FakeHypervisor
  readonly #disks: FakeDisks

  constructor(id: InstanceId, hypervisor: FakeHypervisor, disks: FakeDisks) {
    this.id = id
    this.#hypervisor = hypervisor
    this.#disks = disks
  }

  state(): Promise<GuestState> {
    return this.#hypervisor.ask('state', () => {
      const guest = this.#hypervisor.guests.get(this.id)
      const isIncoming = guest?.isIncoming === true ? ({ isIncoming: true } as const) : {}
      return { exists: guest !== undefined, power: guest?.power ?? power.noState, ...isIncoming }
    })
  }

  spawn(spec: GuestSpec, { isOn }: { readonly isOn: boolean } = { isOn: true }): Promise<void> {
    return this.#hypervisor.change('spawn', this.id, async () => {
      const before = this.#hypervisor.guests.get(this.id)
      if (before !== undefined) return isOn ? this.#boot(spec, true) : undefined
      const disk = hasImage(spec) ? await this.#disks.make(this.id, spec.image) : undefined
      if (isOn) this.#hypervisor.boot(spec, undefined, disk)
      else this.#hypervisor.make(spec, disk)
    })
  }

  start(spec: GuestSpec): Promise<void> {
    return this.#hypervisor.change('start', this.id, () => {
      this.#hypervisor.existing(this.id)
      this.#boot(spec, true)
    })
  }

  stop(how: { gracefulMs: number } | 'now'): Promise<void> {
    return this.#hypervisor.change('stop', this.id, () => {
      const guest = this.#hypervisor.existing(this.id)
      // Saved memory is thrown away, as a power cut would.
      if (guest.power === power.suspended) return this.#hypervisor.turn(this.id, power.shutdown, 'stopped')
      if (!this.#isUp()) return
      const isGraceful = how !== 'now' && guest.power === power.running
      this.#hypervisor.turn(this.id, power.shutdown, 'stopped', isGraceful)
    })
  }

  reboot(how: { soft: { withinMs: number } } | 'hard', spec: GuestSpec): Promise<boolean> {
    return this.#hypervisor.change('reboot', this.id, () => {
      const guest = this.#hypervisor.existing(this.id)
      if (this.#isUp()) {
        // A paused guest does not hear the power button.
        if (how !== 'hard' && guest.power === power.paused) return false
        this.#hypervisor.turn(this.id, power.shutdown, 'stopped', how !== 'hard')
      }
      this.#boot(spec, true)
      return true
    })
  }

  pause(): Promise<void> {
    return this.#hypervisor.change('pause', this.id, () => {
      if (this.#hypervisor.existing(this.id).power === power.paused) return
      this.#needUp('pause')
      this.#hypervisor.turn(this.id, power.paused, 'paused')
    })
  }

  resume(): Promise<void> {
    return this.#hypervisor.change('resume', this.id, () => {
      if (this.#hypervisor.existing(this.id).power === power.running) return
      this.#needUp('resume')
      this.#hypervisor.turn(this.id, power.running, 'resumed')
    })
  }

  destroy(): Promise<void> {
    return this.#hypervisor.change('destroy', this.id, async () => {
      const disks = [this.#hypervisor.guests, this.#hypervisor.aside].map(known => known.get(this.id)?.disk)
      this.#hypervisor.remove(this.id)
      if (this.#hypervisor.aside.has(this.id)) this.#hypervisor.write(this.id, { aside: null })
      for (const disk of disks) await this.#disks.remove(disk)
    })
  }

  diagnostics(): Promise<Diagnostics> {
    return this.#hypervisor.ask('diagnostics', () =>
      fakeDiagnostics(this.#hypervisor.existing(this.id), this.#hypervisor.clock.now()),
    )
  }

  #boot(spec: GuestSpec, isDefined: boolean): void {
    if (isDefined && this.#isUp()) return
    this.#hypervisor.boot(spec, this.#hypervisor.guests.get(this.id))
  }

  #isUp(): boolean {
    const now = this.#hypervisor.guests.get(this.id)?.power
    return now === power.running || now === power.paused
  }

  #needUp(operation: string): void {
    if (!this.#isUp()) throw GuestInWrongState({ id: this.id, operation, state: 'shut down' })
  }
}
