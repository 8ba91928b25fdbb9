import { declareFault } from '#base'
import { NoServer } from '#bus'
import type { Instance } from '#model'
import type { ApiDeps } from '../../deps.ts'

export const NotSupportedByHost = declareFault('NotImplemented', 'refused', (p: { text: string }) => p.text, 501)

/**
 * 501 when the hypervisor of the server cannot do it. A host that does not answer is not asked: the operation is accepted
 * and finds out.
 */
export async function mustHaveFacet(
  deps: ApiDeps,
  { host }: Instance,
  facet: 'rescue' | 'guestAgent',
  text = 'The requested functionality is not supported.',
): Promise<void> {
  if (host === null) return
  const answer = await deps
    .computeOn(host)
    .facets({})
    .catch(error => {
      if (NoServer.is(error)) return undefined
      throw error
    })
  if (answer !== undefined && !answer.names.includes(facet)) throw NotSupportedByHost({ text })
}
