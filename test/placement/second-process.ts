/** A Placement in a process of its own, for tests of several on one database: calls of the port come in over IPC. */
import { silentLog, systemClock } from '#base'
import { createPlacement } from '#placement'
import { identity } from './fixtures.ts'

interface Request {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}

const databaseUrl = process.argv[2] ?? ''
const placement = await createPlacement({ databaseUrl, identity, log: silentLog, clock: systemClock })

process.on('message', async ({ id, method, args }: Request) => {
  const call = Reflect.get(placement.port, method) as (...args: unknown[]) => Promise<unknown>
  try {
    process.send?.({ id, value: await call.apply(placement.port, [...args]) })
  } catch (error) {
    const { name, message } = error as Error
    process.send?.({ id, fault: { code: name, message } })
  }
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
