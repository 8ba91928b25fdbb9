import { hostname } from 'node:os'
import { secondsOf, type WithStore } from './shared.ts'

/** Keeps the row of a control service fresh, so that it counts as up; returns what stops it. */
export function keepAlive({ config, store, clock, log }: WithStore, binary: string): () => void {
  let cancel = () => {}
  const plan = () => {
    cancel = clock.after(secondsOf(config.DEFAULT.report_interval), () => {
      store.services
        .heartbeat(binary, [hostname()], clock.now())
        .catch(error => log.error({ err: error }, 'heartbeat failed'))
      plan()
    })
  }
  plan()
  return () => cancel()
}
