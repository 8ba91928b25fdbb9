import { InvalidHardwareRequest } from './faults.ts'
import type { HardwareSource } from './source.ts'

const dimensions = ['sockets', 'cores', 'threads'] as const
type Counts = Readonly<Record<(typeof dimensions)[number], number>>

const refuse = (text: string) => InvalidHardwareRequest({ text })

function count(text: string | undefined): number {
  if (text === undefined) return 0
  if (/^\s*[+-]?\d+\s*$/.test(text)) return Number(text)
  throw refuse(`Invalid flavor extra spec. Error: invalid literal for int() with base 10: '${text}'`)
}

const read = (of: (name: string) => string | undefined): Counts => ({
  sockets: count(of('sockets')),
  cores: count(of('cores')),
  threads: count(of('threads')),
})

const written = ({ sockets, cores, threads }: Counts): string =>
  `(sockets=${sockets}, cores=${cores}, threads=${threads})`

const most = 65_536

/** The image may lower the flavor's limits, and must stay within what then holds. */
export function checkTopology({ flavor, image }: HardwareSource): void {
  const extra = (max: string) => (name: string) => flavor.extraSpecs[`hw:cpu_${max}${name}`]
  const property = (max: string) => (name: string) => image.properties[`hw_cpu_${max}${name}`]
  const [flavorMax, imageMax] = [read(extra('max_')), read(property('max_'))]
  if (dimensions.some(d => flavorMax[d] > 0 && imageMax[d] > flavorMax[d]))
    throw refuse(
      `Image vCPU topology limits ${written(imageMax)} exceeds the limits of the flavor ${written(flavorMax)}`,
    )
  const limit = (d: (typeof dimensions)[number]) => imageMax[d] || flavorMax[d] || most
  const max: Counts = { sockets: limit('sockets'), cores: limit('cores'), threads: limit('threads') }
  read(extra(''))
  const wish = read(property(''))
  if (dimensions.some(d => wish[d] > max[d]))
    throw refuse(`Image vCPU topology ${written(wish)} exceeds the limits of the flavor or image ${written(max)}`)
}
