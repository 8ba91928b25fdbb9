/** Builds a guest image by hand: node src/guest/build.ts --image stock|tiny [--cache DIR] */
import { parseArgs } from 'node:util'
import { Fault } from '#base'
import { buildStockImage, buildTinyImage, type GuestBuildProgress, guestCache } from './index.ts'

const { values } = parseArgs({
  options: { image: { type: 'string', default: 'tiny' }, cache: { type: 'string', default: guestCache() } },
})

/** On a terminal one line that is written over; else a line per step and ten percent. */
function show({ stage, message, percent }: GuestBuildProgress): void {
  const line = `${stage.padEnd(8)} ${message}${percent === undefined ? '' : ` ${percent} %`}`
  if (process.stderr.isTTY)
    process.stderr.write(`\r\x1b[K${line}${percent === undefined || percent === 100 ? '\n' : ''}`)
  else if (percent === undefined || percent % 10 === 0) process.stderr.write(`${line}\n`)
}

async function main(): Promise<number> {
  const build = { stock: buildStockImage, tiny: buildTinyImage }[values.image]
  if (build === undefined) {
    process.stderr.write('usage: node src/guest/build.ts --image stock|tiny [--cache DIR]\n')
    return 2
  }
  const abort = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort())
  try {
    const image = await build({ cacheDir: values.cache, progress: show, signal: abort.signal })
    process.stdout.write(`${JSON.stringify(image, undefined, 2)}\n`)
    return 0
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    process.stderr.write(`${error.message}\n${error.detail ?? ''}\n`)
    return 1
  }
}

process.exitCode = await main()
