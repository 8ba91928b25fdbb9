import { type FaultRecord, faultFromRecord, faultRecord } from '#base'
import { boolean, object, type Schema, text } from './schema.ts'

/** What one cell answers. */
export interface CellResponse {
  /** Its path, from the cell that has asked. */
  readonly cell_name: string
  readonly failure: boolean
  /** The result, or a fault record. */
  readonly value?: unknown
}

export const responseShape: Schema = object({ cell_name: text, failure: boolean })

/** `method_kwargs` of a response: one cell's, or those of all cells that a broadcast has come to. */
export interface ResponseKwargs {
  readonly responses: readonly CellResponse[]
}

export const responseKwargsShape: Schema = object({ responses: { type: 'array', items: responseShape } })

const faultShape: Schema = object({ code: text, kind: text, message: text, params: { type: 'object' } })

export const success = (cell_name: string, value: unknown): CellResponse => ({ cell_name, failure: false, value })
export const failure = (cell_name: string, error: unknown): CellResponse => ({
  cell_name,
  failure: true,
  // Stacks of another cell are of no use here, and faults may hold parameters that JSON changes.
  value: { ...faultRecord(error), detail: undefined },
})

export { faultShape }

/** The fault of a failed response. */
export const faultOf = ({ value }: CellResponse) => faultFromRecord(value as FaultRecord)
