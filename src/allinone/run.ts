import { join } from 'node:path'
import { createLog, Fault } from '#base'
import { loadConfig, logConfigRemarks } from '#config'
import { openCloud } from './cloud.ts'
import { writeCredentials } from './credentials.ts'
import { destroyCloud } from './destroy.ts'
import { firstRun } from './first-run/index.ts'
import type { AllInOneOptions } from './options.ts'
import { portsAt } from './ports.ts'
import { createProgress } from './progress.ts'
import { readyJson, readyScreen } from './screen.ts'
import { readSecrets, takeStateFolder } from './state-folder.ts'

/** Closing that takes longer than this is cut off: guests do not need it, and journals are safe at any point. */
const closeWithinMs = 900

/**
 * Brings the cloud up, keeps it until a signal, and returns the exit code. Messages for people go to stderr when stdout
 * belongs to a program.
 */
export async function run(options: AllInOneOptions): Promise<number> {
  const progress = createProgress(options.isJson ? process.stderr : process.stdout)
  const stopped = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.resolve())
  try {
    const state = takeStateFolder(options.stateDir)
    process.on('exit', () => state.release())
    const log = createLog({ service: 'nova-allinone', file: join(options.stateDir, 'nova.log') })
    const config = loadConfig({ files: options.configFiles, dirs: options.configDirs })
    logConfigRemarks(config, log)
    if (options.isDestroy) {
      await progress.step('removing the cloud', () =>
        destroyCloud({ stateDir: options.stateDir, host: config.DEFAULT.host, log }),
      )
      progress.line(`The cloud of ${options.stateDir} is gone.`)
      return 0
    }
    const ports = portsAt(options.offset)
    const secrets = readSecrets(options.stateDir)
    const { stateDir, hypervisor, hosts } = options
    const cloud = await openCloud({
      stateDir,
      ports,
      hypervisor,
      hosts,
      secrets,
      config,
      log,
      step: (what, work) => progress.step(what, work),
    })
    const files = writeCredentials(stateDir, ports, secrets.adminPassword)
    const background = new AbortController()
    const shown = await firstRun({ cloud, options, ports, secrets, log, progress, signal: background.signal })
    const ready = { options, ports, files, shown }
    if (options.isJson) process.stdout.write(`${JSON.stringify(readyJson(ready))}\n`)
    else progress.line(readyScreen(ready))
    await stopped.promise
    background.abort()
    const deadline = setTimeout(() => process.exit(0), closeWithinMs)
    await cloud.close()
    clearTimeout(deadline)
    if (!options.isJson) progress.line('Stopped. Guests keep running; the next start finds them.')
    return 0
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}
