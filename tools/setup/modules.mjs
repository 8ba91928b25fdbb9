/** npm's packages: installed when missing or when package-lock.json has changed since. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand, tail } from './command.mjs'
import { Interrupted, SetupFault } from './fault.mjs'

const paths = root => ({
  lock: join(root, 'package-lock.json'),
  stamp: join(root, 'node_modules/.nova-setup'),
  installed: join(root, 'node_modules/.package-lock.json'),
})

const digest = path => createHash('sha256').update(readFileSync(path)).digest('hex')

/** npm's own record of what it installed, compared entry by entry: somebody may have run npm ci by hand. */
function matchesLock(lockPath, installedPath) {
  const wanted = JSON.parse(readFileSync(lockPath, 'utf8')).packages
  const present = JSON.parse(readFileSync(installedPath, 'utf8')).packages
  return Object.entries(wanted).every(
    ([name, entry]) =>
      name === '' || present[name]?.version === entry.version || (entry.optional && present[name] === undefined),
  )
}

/** @param {string} root the checkout */
export function modulesAreFresh(root) {
  const { lock, stamp, installed } = paths(root)
  if (!existsSync(installed)) return false
  const current = digest(lock)
  if (existsSync(stamp)) return readFileSync(stamp, 'utf8').trim() === current
  if (!matchesLock(lock, installed)) return false
  writeFileSync(stamp, `${current}\n`)
  return true
}

/** PATH without node_modules/.bin: npm must not run on the Node that it is about to replace. */
export const outerPath = env =>
  (env.PATH ?? '')
    .split(':')
    .filter(folder => !folder.endsWith('node_modules/.bin'))
    .join(':')

/** The npm that started us, else the one in PATH. @returns {[string, string[]]} */
export function npmCommand(env) {
  const { npm_execpath: script, npm_node_execpath: node } = env
  if (script !== undefined && /\.c?js$/.test(script) && existsSync(script)) {
    const outer = node !== undefined && !node.includes('/node_modules/') && existsSync(node) ? node : 'node'
    return [outer, [script]]
  }
  return ['npm', []]
}

/**
 * @param {{ root: string, env: NodeJS.ProcessEnv, progress: import('./progress.mjs').Progress, signal: AbortSignal }} context
 */
export async function installModules(context) {
  const { lock, stamp } = paths(context.root)
  const env = { ...context.env, PATH: outerPath(context.env) }
  const [command, first] = npmCommand(env)
  const wrong = spawnSync(command, [...first, '--version'], { env }).status !== 0
  if (wrong)
    throw new SetupFault('npm is not installed; it comes with Node.js from nodejs.org, or: apt-get install npm')
  const step = context.progress.step('Installing the npm packages', { shown: true })
  const args = [...first, 'ci', '--no-audit', '--no-fund', '--include=dev', '--include=optional', '--loglevel=error']
  const result = await runCommand(command, args, { cwd: context.root, env, signal: context.signal })
  if (context.signal.aborted) throw new Interrupted(context.signal.reason)
  if (result.code !== 0) {
    step.stop()
    const isOffline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ECONNRESET|network/i.test(result.output)
    throw new SetupFault(
      isOffline
        ? 'The npm registry cannot be reached. Check the network (and the proxy settings of npm), then start again.'
        : `npm ci failed in ${context.root}`,
      { details: tail(result.output) },
    )
  }
  writeFileSync(stamp, `${digest(lock)}\n`)
  step.done()
}

/** Where compiled code is kept between runs. */
export const compileCache = root => join(root, 'node_modules/.cache/compile')

const minimum = [24, 15]

const isNewEnough = version => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > minimum[0] || (major === minimum[0] && minor >= minimum[1])
}

/**
 * The Node.js that runs the services: the one from npm, else the one running now.
 * @param {string} root
 */
export function serviceNode(root) {
  const own = join(root, 'node_modules/.bin/node')
  // existsSync follows the link: one into nowhere is a half-finished installation.
  if (existsSync(own)) return own
  if (isNewEnough(process.versions.node)) return process.execPath
  throw new SetupFault(
    `The services need Node.js ${minimum.join('.')} or newer. npm brings one for Linux on x64 and arm64; ` +
      `here (${process.platform} ${process.arch}, Node.js ${process.versions.node}) please install a newer Node.js.`,
  )
}
