import { randomBytes } from 'node:crypto'
import { type Clock, isRecord, isTransient, newUuid, pause, systemClock } from '#base'
import { type Bus, cellsContract, type FarCells, type FarRequest } from '#bus'

/** As long as a nova-cells may need to come back. */
const patienceMs = 60_000
const pauseMs = 500

/** 12 characters, as long as Nova's. */
const newPassword = (): string => randomBytes(9).toString('base64url')

/** What answers with a password that it makes, unless the request brings one. */
const makesPassword = ['server', 'rescue', 'rebuild']

/** With a password, so that a request that is asked twice is answered with the same one twice. */
function withPassword(body: unknown): unknown {
  if (!isRecord(body)) return body
  const name = makesPassword.find(word => Object.hasOwn(body, word))
  if (name === undefined) return body
  const asked = body[name]
  if (asked !== null && (!isRecord(asked) || asked['adminPass'] !== undefined)) return body
  return { ...body, [name]: { ...asked, adminPass: newPassword() } }
}

/**
 * Other cells for the services of this one, by whatever nova-cells is on the bus. One that ends in the middle costs time: the
 * same is asked again under the same id, and what was done is not done again.
 */
export function farCellsOver(bus: Bus, clock: Clock = systemClock): FarCells {
  const cells = bus.client(cellsContract)
  const again = async <T>(work: () => Promise<T>): Promise<T> => {
    const untilMs = clock.now() + patienceMs
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!isTransient(error) || clock.now() >= untilMs) throw error
        await pause(pauseMs, clock)
      }
    }
  }
  return {
    request(cell, given) {
      const request: FarRequest = { id: newUuid(), ...given }
      const body = request.method === 'POST' ? { body: withPassword(request.body) } : {}
      return again(() => cells.request({ cell, request: { ...request, ...body } }))
    },
    list: query => again(() => cells.list(query)),
    selectCell: wish => again(() => cells.selectCell(wish)),
    neighbours: () => again(() => cells.neighbours({})),
    own: () => again(() => cells.own({})),
  }
}
