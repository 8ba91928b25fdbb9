/** Brings a machine from "Node.js 20 and nothing else" to everything in place; does nothing when all is there. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPackages, lineForRoot, systemName } from './apt.mjs'
import { Interrupted, SetupFault } from './fault.mjs'
import { withLock } from './lock.mjs'
import { installModules, modulesAreFresh } from './modules.mjs'
import { hasDebianTools, missingPackages, packagesFor } from './packages.mjs'
import { releaseServices } from './service-policy.mjs'

/** The checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

const oldestNode = 20
const hasCommand = (name, env) => spawnSync('sh', ['-c', `command -v ${name}`], { env }).status === 0

function checkNode() {
  const { node } = process.versions
  if (Number(node.split('.')[0]) < oldestNode) {
    throw new SetupFault(`Node.js ${oldestNode} or newer is needed; this is ${node}.`)
  }
}

/** Debian keeps its tools in /usr/sbin and /sbin, which su without "-" leaves out of PATH. */
export const withSbin = env => ({ ...env, PATH: `${env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` })

/** @param {{ groups: readonly string[], env: NodeJS.ProcessEnv, progress: import('./progress.mjs').Progress, signal: AbortSignal }} context */
async function systemPackages(context) {
  const wanted = packagesFor(context.groups)
  const { env } = context
  if (!hasDebianTools(env)) {
    throw new SetupFault(
      `This set-up installs packages with Debian's apt, which ${systemName()} does not have. ` +
        `On Debian 12 these would be installed: ${wanted.join(' ')}`,
    )
  }
  const isRoot = process.getuid?.() === 0
  const missing = missingPackages(wanted, env)
  if (missing.length === 0) {
    if (isRoot && existsSync('/usr/sbin/policy-rc.d.nova-saved')) releaseServices()
    return
  }
  if (!isRoot) {
    throw new SetupFault(
      `Some Debian packages are missing. Run this line, then start again:\n  ${lineForRoot(missing, hasCommand('sudo', env))}`,
    )
  }
  await withLock('/run/nova-setup.lock', context, async () => {
    const still = missingPackages(missing, env)
    if (still.length > 0) await installPackages(context, still)
  })
}

async function npmPackages(context) {
  if (modulesAreFresh(root)) return
  const name = createHash('sha256').update(root).digest('hex').slice(0, 12)
  const lock = join(tmpdir(), `nova-setup-${process.getuid?.() ?? 0}-${name}.lock`)
  await withLock(lock, context, async () => {
    if (!modulesAreFresh(root)) await installModules({ ...context, root })
  })
}

/**
 * @param {{ groups: readonly string[], progress: import('./progress.mjs').Progress }} options
 */
export async function setUp(options) {
  checkNode()
  const stopping = new AbortController()
  const stop = name => stopping.abort(name)
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  process.on('SIGHUP', stop)
  const context = { ...options, env: withSbin(process.env), signal: stopping.signal }
  try {
    await systemPackages(context)
    await npmPackages(context)
  } catch (error) {
    throw stopping.signal.aborted ? new Interrupted(stopping.signal.reason) : error
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
    process.off('SIGHUP', stop)
  }
}
