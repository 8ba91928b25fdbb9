import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '#base'
import { InProcessBus, SocketBus } from '#bus'
import { busContract } from './bus.contract.ts'

busContract('in process', async () => {
  const bus = new InProcessBus()
  return { serving: bus, calling: bus, ready: async () => {}, close: async () => {} }
})

busContract('unix sockets', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nova-bus-'))
  const serving = new SocketBus({ folder, log: silentLog })
  const calling = new SocketBus({ folder, log: silentLog })
  return {
    serving,
    calling,
    ready: () => serving.ready(),
    close: async () => {
      await calling.close()
      await serving.close()
      rmSync(folder, { recursive: true })
    },
  }
})
