import { type ConsoleKind, type Consoles, power } from '../driver.ts'
import type { FakeHypervisor } from './hypervisor.ts'

/** Where the real ones begin to count. */
const firstPorts: Readonly<Record<ConsoleKind, number>> = { vnc: 5900, spice: 15_900, serial: 25_900, mks: 35_900 }

/** Every guest has one console of each kind; nobody listens there. */
export const fakeConsoles = (hypervisor: FakeHypervisor): Consoles => ({
  find: (id, kind) =>
    hypervisor.ask('console', () => {
      const guest = hypervisor.existing(id)
      const isUp = guest.power === power.running || guest.power === power.paused
      const port = firstPorts[kind] + guest.display
      return {
        host: '127.0.0.1',
        port: isUp ? port : -1,
        tlsPort: kind === 'spice' && isUp ? port + 5000 : null,
        internalAccessPath: kind === 'mks' ? guest.spec.name : null,
      }
    }),
})
