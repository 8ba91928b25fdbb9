import type { SagaInputs } from '#bus'
import { saga } from '#saga'
import type { Store } from '#store'
import type { ConductorDeps } from '../deps.ts'
import { giveUpPlaces, placeServers } from '../placing.ts'

/**
 * Places for all servers of one request, or for none of them: a request for five is not answered with three.
 *
 * The builds of the servers wait for this one and take over from its journal; when it is undone they fail with its fault.
 */
export const reservationPlace = saga<ConductorDeps, SagaInputs['reservation-place'], Store>('reservation-place').step(
  'places',
  (s, d, c) => placeServers(d, c, s.input.spec, s.input.instanceIds, s.input.requestId),
  (s, d) => giveUpPlaces(d, s.input.spec, s.input.instanceIds),
)
