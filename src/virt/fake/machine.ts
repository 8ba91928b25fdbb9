import type { Clock } from '#base'
import type { Machine, MachineAction, ProcessorTimes } from '../driver.ts'
import { uptimeText } from '../uptime-text.ts'
import type { HostLoad } from './hardware.ts'
import type { FakeHypervisor } from './hypervisor.ts'

const frequencyMHz = 2000

/**
 * The simulated machine: on since its driver was made, and idle unless said otherwise, for guests are not computed. It can be switched, which shows
 * in its uptime; its guests live in the simulator and do not notice.
 */
export class FakeMachine implements Machine {
  readonly #hypervisor: FakeHypervisor
  readonly #clock: Clock
  readonly #load: HostLoad | undefined
  #startedAtMs: number | null
  #times: ProcessorTimes = { user: 0, kernel: 0, idle: 0, iowait: 0, frequencyMHz }
  #countedAtMs: number
  isInMaintenance = false

  constructor(hypervisor: FakeHypervisor, clock: Clock, load?: HostLoad) {
    this.#hypervisor = hypervisor
    this.#load = load
    // It was on before anybody looked.
    this.#countedAtMs = clock.now() - 1000
    this.#clock = clock
    this.#startedAtMs = clock.now()
  }

  /** Null while it is off. */
  uptime(): string | null {
    const now = this.#clock.now()
    return this.#startedAtMs === null ? null : uptimeText(now, (now - this.#startedAtMs) / 1000, [0, 0, 0])
  }

  /** As busy since the last look as it is said to be now. */
  processorTimes(cpus: number): ProcessorTimes {
    const now = this.#clock.now()
    const passedNs = Math.max(0, now - this.#countedAtMs) * 1e6 * cpus
    this.#countedAtMs = now
    const { user = 0, kernel = 0, iowait = 0 } = this.#load ?? {}
    const before = this.#times
    this.#times = {
      user: before.user + user * passedNs,
      kernel: before.kernel + kernel * passedNs,
      iowait: before.iowait + iowait * passedNs,
      idle: before.idle + (1 - user - kernel - iowait) * passedNs,
      frequencyMHz,
    }
    return this.#times
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
