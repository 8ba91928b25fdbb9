import { type Handlers, schedulerContract } from '#bus'
import { confined } from './cells.ts'
import type { ConductorDeps } from './deps.ts'
import { noticesOf } from './notices.ts'

type Select = Handlers<typeof schedulerContract>['selectDestinations']
type Asked = Parameters<Select>[0]
type Context = NonNullable<Parameters<Select>[1]>

/** Asks the scheduler; others are told of the question, and of an answer that names hosts. */
export async function askScheduler(
  d: ConductorDeps,
  asked: Asked,
  context: Context,
): Promise<Awaited<ReturnType<Select>>> {
  const notices = noticesOf(d)
  const tell = (event: 'scheduler.select_destinations.start' | 'scheduler.select_destinations.end') =>
    notices.together(d.store, async tx => {
      const { spec, instanceIds } = asked
      const [instanceId = ''] = instanceIds
      await notices.tell(tx, event, { instanceId, spec, count: instanceIds.length })
    })
  await tell('scheduler.select_destinations.start')
  const placed = { ...asked, spec: await confined(d, asked.spec) }
  const result = await d.bus.client(schedulerContract).selectDestinations(placed, context)
  if (result.ok) await tell('scheduler.select_destinations.end')
  return result
}
