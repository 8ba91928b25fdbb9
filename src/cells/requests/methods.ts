import { type Clock } from '#base'
import type { FarRequest } from '#bus'
import type { FarReply } from '#model'
import type { Store } from '#store'
import { type CellMethods, cellMethod } from '../messages/methods.ts'
import { anything, dictionary, integer, object, type Schema, text } from '../messages/schema.ts'
import { callerShape } from '../messages/shapes.ts'
import { type Companions, companionsShape } from './companions.ts'
import { keepInStep } from './copies.ts'
import type { KeptExecution } from './kept-execution.ts'

export const readShape: Schema = object(
  { path: { type: 'string', pattern: '^/' }, caller: callerShape, requestId: { type: 'string', pattern: '^req-' } },
  { query: text, microversion: text, service: callerShape, host: text },
)

const requestShape: Schema = {
  allOf: [
    readShape,
    object(
      {
        id: { type: 'string', minLength: 1, maxLength: 64 },
        method: { enum: ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT'] },
      },
      { body: anything },
    ),
  ],
}

const replyShape: Schema = object({ status: integer, headers: dictionary(text), body: anything })

/** One request of the Compute API, carried out in the cell that the message is for. */
export const apiRequest = cellMethod<{ request: FarRequest; companions: Companions }, FarReply>('api_request', {
  takes: object({ request: requestShape, companions: companionsShape }),
  gives: replyShape,
})

export function addApiRequest(
  methods: CellMethods,
  { store, execution, clock }: { store: Store; execution: KeptExecution; clock: Clock },
): void {
  methods.add(apiRequest, async ({ request, companions }) => {
    await keepInStep(store, companions, clock.now())
    return execution.run(request)
  })
}
