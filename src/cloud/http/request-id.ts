import { AsyncLocalStorage } from 'node:async_hooks'

const current = new AsyncLocalStorage<string>()

/**
 * Whatever `work` asks of a neighbour over HTTP carries this request id, so that the neighbour's log can be found from ours.
 * The pipeline of the API and the steps of a saga wrap their work in it; no port has a parameter for it.
 */
export const withRequestId = <T>(id: string, work: () => T): T => current.run(id, work)

export const currentRequestId = (): string | undefined => current.getStore()
