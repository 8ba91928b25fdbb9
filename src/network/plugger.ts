import { declareFault } from '#base'
import { PortNotFound, type VifPlugger } from '#cloud'
import { isCard } from './core/binding.ts'
import { portById, setPlugged } from './core/ports.ts'
import type { Work } from './core/unit.ts'
import type { Plumber } from './plumbing/plumber.ts'
import type { Db } from './store/open.ts'

/** The port has no binding that a guest could be connected by; the reason is the binding's own. */
export const PortBindingFailed = declareFault(
  'PortBindingFailed',
  'final',
  (p: { id: string; reason: string }) => `Binding failed for port ${p.id}: ${p.reason}`,
)

export interface PluggerDeps {
  readonly db: Db
  readonly work: Work
  readonly plumber: Plumber | undefined
}

export function createPlugger({ db, work, plumber }: PluggerDeps): VifPlugger {
  return {
    async plug(portId) {
      const port = await portById(db, portId)
      if (port === undefined) throw PortNotFound({ id: portId })
      const isOfCard = plumber === undefined && isCard(port)
      if (port.vifType !== 'bridge' && !isOfCard) {
        const details = JSON.parse(port.vifDetails) as { binding_failed_reason?: string }
        throw PortBindingFailed({ id: portId, reason: details.binding_failed_reason ?? `vif_type is ${port.vifType}` })
      }
      // First the host, then the word that it is so.
      await plumber?.converge()
      await work.run(async unit => {
        const row = await portById(unit.db, portId)
        if (row !== undefined) await setPlugged(unit, row, true)
      })
    },
    async unplug(portId) {
      await work.run(async unit => {
        const row = await portById(unit.db, portId)
        if (row !== undefined) await setPlugged(unit, row, false)
      })
    },
  }
}
