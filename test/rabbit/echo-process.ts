/** A server in a process of its own: `echo-process.ts URL PREFIX NAME`; says `ready`, and the number of each call it begins. */
import { silentLog } from '#base'
import { RabbitBus } from '#bus'
import { echoContract, echoHandlers } from '../bus/echo.ts'

const [url = '', prefix = '', name = ''] = process.argv.slice(2)
const bus = new RabbitBus({ url, log: silentLog, prefix })
const handlers = echoHandlers(name)
bus.serve(echoContract, name, {
  ...handlers,
  slow: args => {
    process.send?.(args.n)
    return handlers.slow(args)
  },
})
await bus.ready()
process.send?.('ready')
