/** A server in a process of its own: `echo-process.ts FOLDER NAME`; says `ready` when it can be called. */
import { silentLog } from '#base'
import { SocketBus } from '#bus'
import { echoContract, echoHandlers } from './echo.ts'

const [folder = '', name = ''] = process.argv.slice(2)
const bus = new SocketBus({ folder, log: silentLog })
bus.serve(echoContract, name, echoHandlers(name))
await bus.ready()
process.send?.('ready')
