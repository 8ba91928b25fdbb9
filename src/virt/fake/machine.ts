import type { Clock } from '#base'
import type { Machine, MachineAction } from '../driver.ts'
import { uptimeText } from '../uptime-text.ts'
import type { FakeHypervisor } from './hypervisor.ts'

/**
 * The simulated machine: on since its driver was made, and idle, for guests are not computed. It can be switched, which shows
 * in its uptime; its guests live in the simulator and do not notice.
 */
export class FakeMachine implements Machine {
  readonly #hypervisor: FakeHypervisor
  readonly #clock: Clock
  #startedAtMs: number | null
  isInMaintenance = false

  constructor(hypervisor: FakeHypervisor, clock: Clock) {
    this.#hypervisor = hypervisor
    this.#clock = clock
    this.#startedAtMs = clock.now()
  }

  /** Null while it is off. */
  uptime(): string | null {
    const now = this.#clock.now()
    return this.#startedAtMs === null ? null : uptimeText(now, (now - this.#startedAtMs) / 1000, [0, 0, 0])
  }

  act(action: MachineAction): Promise<void> {
    return this.#hypervisor.ask('machine', () => {
      if (action === 'shutdown') this.#startedAtMs = null
      else if (action === 'reboot' || this.#startedAtMs === null) this.#startedAtMs = this.#clock.now()
    })
  }

  maintain(isOn: boolean): Promise<void> {
    return this.#hypervisor.ask('machine', () => {
      this.isInMaintenance = isOn
    })
  }
}
