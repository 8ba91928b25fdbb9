import type { ProviderNode } from '../../engine/provider-node.ts'
import { providerOf } from '../../operations/inventories.ts'
import * as providers from '../../operations/providers.ts'
import { conflict, errorCode, reworded } from '../errors.ts'
import type { Call, Reply } from '../route.ts'

const view = (call: Call, node: ProviderNode): Reply => ({
  status: 200,
  body: {
    aggregates: node.aggregates.list,
    ...(call.has('aggregateGenerations') ? { resource_provider_generation: node.generation } : {}),
  },
})

export async function getAggregates(call: Call): Promise<Reply> {
  return view(call, providerOf(await call.ledger.read(), call.path['uuid'] ?? ''))
}

/** Up to 1.18 the body is the bare list and the provider's generation stays. */
export async function setAggregates(call: Call): Promise<Reply> {
  const id = call.path['uuid'] ?? ''
  const body = call.body as string[] | { aggregates: string[]; resource_provider_generation: number }
  const [ids, how] = Array.isArray(body)
    ? [body, { bumps: false }]
    : [body.aggregates, { bumps: true, generation: body.resource_provider_generation }]
  const stale = "Resource provider's generation already changed. Please update the generation and try again."
  await reworded({ ResourceProviderConcurrentUpdateDetected: () => conflict(stale, errorCode.concurrentUpdate) }, () =>
    call.ledger.write(write => providers.setAggregates(write, id, ids, how)),
  )
  return view(call, providerOf(await call.ledger.read(), id))
}
