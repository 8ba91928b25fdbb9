import { once } from 'node:events'
import { request } from 'node:http'
import { waitFor } from '#base'
import { Client } from './client.ts'
import { ControlPlane, type ControlPlaneOptions } from './control-plane.ts'
import { distribution, figure, type Row } from './figures.ts'
import { cpuMsOf, residentMiBOf } from './process-figures.ts'

const group = 'start'
const startAimMs = 1500
const stopAimMs = 1000
const memoryAimMiB = 250
const settleMs = 3000

/** One try on a connection of its own; undefined while nobody listens. */
async function answered(client: Client): Promise<true | undefined> {
  const asked = request(client.urlOf('compute', '/flavors'), { headers: client.headers, agent: false })
  asked.end()
  try {
    const [response] = (await once(asked, 'response')) as [{ statusCode?: number; resume(): void }]
    response.resume()
    return response.statusCode === 200 ? true : undefined
  } catch {
    return undefined
  }
}

/** From exec to the first answered request on a state folder that exists, and from Ctrl-C to the end. */
export async function measureStarts(
  options: Omit<ControlPlaneOptions, 'hypervisor' | 'hosts'>,
  isQuick: boolean,
): Promise<Row[]> {
  const plane = new ControlPlane({ ...options, hypervisor: 'fake' })
  const client = await Client.login(await plane.start())
  await plane.stop()
  const [answers, readies, stops, cpu, memory]: number[][] = [[], [], [], [], []]
  for (let round = 0; round < (isQuick ? 3 : 10); round++) {
    const startedAt = performance.now()
    const ready = plane.start().then(({ pid }) => ({ pid, at: performance.now() }))
    await Promise.race([
      waitFor('an answer', () => answered(client), { deadlineMs: 60_000, everyMs: 5 }),
      ready.then(() => new Promise(() => undefined)),
    ])
    answers?.push(performance.now() - startedAt)
    const { pid, at } = await ready
    readies?.push(at - startedAt)
    cpu?.push(cpuMsOf(pid))
    await new Promise(resolve => setTimeout(resolve, isQuick ? 500 : settleMs))
    memory?.push(residentMiBOf(pid))
    stops?.push(await plane.stop())
  }
  await client.close()
  return [
    distribution(
      { group, what: 'exec to first answered request', unit: 'ms', aim: { below: startAimMs, of: 'p50' } },
      answers ?? [],
    ),
    distribution({ group, what: 'exec to "ready"', unit: 'ms' }, readies ?? []),
    figure({ group, what: '  its CPU', unit: 'ms' }, (cpu ?? []).reduce((a, b) => a + b, 0) / (cpu?.length ?? 1)),
    distribution({ group, what: 'SIGINT to exit', unit: 'ms', aim: { below: stopAimMs, of: 'p95' } }, stops ?? []),
    distribution(
      { group, what: 'resident memory, idle', unit: 'MiB', aim: { below: memoryAimMiB, of: 'p50' } },
      memory ?? [],
    ),
  ]
}
