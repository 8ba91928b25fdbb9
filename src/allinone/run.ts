import { join } from 'node:path'
import { createLog, declareFault, Fault, keepCompiledCode, type Log } from '#base'
import { type Config, loadConfig, logConfigRemarks } from '#config'
import type { Cloud } from './cloud.ts'
import { writeCredentials } from './credentials.ts'
import type { AllInOneOptions } from './options.ts'
import { portsAt } from './ports.ts'
import { createProgress, type Progress } from './progress.ts'
import { readyJson, readyScreen } from './screen.ts'
import { readSecrets, takeStateFolder } from './state-folder.ts'

/** Closing that takes longer than this is cut off: guests do not need it, and journals are safe at any point. */
const closeWithinMs = 900

export const RootNeeded = declareFault(
  'RootNeeded',
  'refused',
  () =>
    'Real guests need root: this process makes their bridges, their DHCP and, where none runs, libvirtd. Start it as root, or look around without guests: npm start -- --hypervisor fake',
)

/** The cloud as the options and nova.conf ask for it, listening. */
async function open(options: AllInOneOptions, config: Config, log: Log, progress: Progress): Promise<Cloud> {
  const { stateDir, hypervisor, hosts, others } = options
  // Not before it is known what is wanted: a command line that is wrong needs no cloud, nor does taking one down.
  const { openCloud } = await import('./cloud.ts')
  return openCloud({
    stateDir,
    ports: portsAt(options.offset),
    hypervisor,
    hosts,
    others,
    secrets: readSecrets(stateDir),
    config,
    log,
    step: (what, work) => progress.step(what, work),
  })
}

/** Furnishes the cloud, says that it is ready, and waits; a signal ends it at any point. */
async function serve(
  options: AllInOneOptions,
  config: Config,
  log: Log,
  progress: Progress,
  stopped: Promise<void>,
): Promise<void> {
  const ports = portsAt(options.offset)
  const secrets = readSecrets(options.stateDir)
  const cloud = await open(options, config, log, progress)
  const files = writeCredentials(options.stateDir, ports, secrets.adminPassword)
  const background = new AbortController()
  // The APIs answer by now; what furnishing needs is loaded beside that.
  const { firstRun } = await import('./first-run/index.ts')
  const furnished = firstRun({ cloud, options, ports, secrets, log, progress, signal: background.signal }).then(
    shown => {
      const ready = { options, ports, files, shown }
      if (options.isJson) process.stdout.write(`${JSON.stringify(readyJson(ready))}\n`)
      else progress.line(readyScreen(ready))
      keepCompiledCode()
    },
  )
  await Promise.race([stopped, furnished.then(() => stopped)])
  background.abort()
  // What it was doing goes on with the next start.
  furnished.catch(error => log.info({ err: error }, 'furnishing was cut short'))
  const deadline = setTimeout(() => process.exit(0), closeWithinMs)
  await cloud.close()
  clearTimeout(deadline)
  if (!options.isJson) progress.line('Stopped. Guests keep running; the next start finds them.')
}

async function destroy(options: AllInOneOptions, log: Log, progress: Progress): Promise<void> {
  const { stateDir, others } = options
  const { destroyCloud } = await import('./destroy.ts')
  await progress.step('removing the cloud', () => destroyCloud({ stateDir, others, log }))
  progress.line(`The cloud of ${stateDir} is gone.`)
}

/**
 * Brings the cloud up, keeps it until a signal, and returns the exit code. Messages for people go to stderr when stdout
 * belongs to a program.
 */
export async function run(options: AllInOneOptions): Promise<number> {
  const progress = createProgress(options.isJson ? process.stderr : process.stdout)
  const stopped = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.resolve())
  let log: Log | undefined
  try {
    if (options.hypervisor === 'libvirt' && process.getuid?.() !== 0) throw RootNeeded({})
    const state = takeStateFolder(options.stateDir)
    process.on('exit', () => state.release())
    log = createLog({ service: 'nova-allinone', file: join(options.stateDir, 'nova.log') })
    const config = loadConfig({
      files: options.configFiles,
      dirs: options.configDirs,
      // Where there is no other host, a resize has only this one to go to.
      presets: { DEFAULT: { allow_resize_to_same_host: options.hosts === 1 } },
    })
    logConfigRemarks(config, log)
    if (options.isDestroy) await destroy(options, log, progress)
    else await serve(options, config, log, progress, stopped.promise)
    return 0
  } catch (error) {
    log?.fatal({ err: error }, 'the cloud ends')
    if (!(error instanceof Fault) && log === undefined) throw error
    const where = error instanceof Fault ? '' : ` (details: ${join(options.stateDir, 'nova.log')})`
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}${where}\n`)
    return 1
  }
}
