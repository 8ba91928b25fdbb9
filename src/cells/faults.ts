import { declareFault } from '#base'

/** Whatever goes wrong between cells; in Nova's words, and after them what was wrong here. */

const because = (reason: string): string => (reason === '' ? '' : ` ${reason}`)

export const CellTimeout = declareFault(
  'CellTimeout',
  'final',
  (p: { cell: string; reason: string }) => `Timeout waiting for response from cell ${p.cell}.${because(p.reason)}`,
  504,
)

export const CellMaxHopCountReached = declareFault(
  'CellMaxHopCountReached',
  'final',
  (p: { hop_count: number }) => `Cell message has reached maximum hop count: ${p.hop_count}`,
)

export const CellRoutingInconsistency = declareFault(
  'CellRoutingInconsistency',
  'final',
  (p: { reason: string }) => `Inconsistency in cell routing: ${p.reason}`,
)

export const CellNotFound = declareFault(
  'CellNotFound',
  'missing',
  (p: { cell_name: string }) => `Cell ${p.cell_name} doesn't exist.`,
)

export const CellNameInvalid = declareFault(
  'InvalidCellName',
  'refused',
  (p: { name: string; reason: string }) => `Invalid cell name '${p.name}': ${p.reason}.`,
)

export const CellsConfigUnusable = declareFault(
  'CellsConfigUnusable',
  'final',
  (p: { file: string; reason: string }) => `[cells] cells_config: ${p.file}: ${p.reason}`,
)

export const CellMethodNotFound = declareFault(
  'CellServiceAPIMethodNotFound',
  'final',
  (p: { name: string }) => `Service API method not found: ${p.name}`,
)

/** A message, or what stands in it, has another form than both sides have agreed on. */
export const CellMessageMalformed = declareFault(
  'CellMessageMalformed',
  'final',
  (p: { what: string; reason: string }) => `${p.what} between cells is malformed: ${p.reason}`,
)

/** One level of the tree has found no cell. */
export const NoCellsAvailable = declareFault(
  'NoCellsAvailable',
  'refused',
  (p: { refusals: readonly CellRefusal[] }) => {
    const reasons = p.refusals.map(({ cell, filter, reason }) => `${cell}: ${filter}: ${reason}`)
    const told = reasons.length === 0 ? '' : ` ${reasons.join('; ')}`
    return `No cells available matching scheduling criteria.${told}`
  },
)

/** Why a cell does not get a server; `filter` is the filter's name, or what else has refused it. */
export interface CellRefusal {
  readonly cell: string
  readonly filter: string
  readonly reason: string
}

/** The request was carried out, and what it was answered is lost: nova-cells of that cell had ended in between. */
export const CellAnswerLost = declareFault(
  'CellAnswerLost',
  'final',
  (p: { cell: string; action: string }) =>
    `The action ${p.action} was carried out in cell ${p.cell}, but its answer was lost when the nova-cells there ended. Look at the server before you ask again.`,
)

/** Whoever waits for this nova-cells asks the next one. */
export const CellsStopping = declareFault('CellsStopping', 'transient', () => 'This nova-cells stops.')
