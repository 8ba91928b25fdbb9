/** Which Debian packages a purpose needs (packages.json) and which of them are missing. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const debianArch = { x64: 'amd64', arm64: 'arm64' }

/** @returns {Record<string, { why: string, packages: string[], amd64?: string[], arm64?: string[] }>} */
export const packageGroups = () => JSON.parse(readFileSync(new URL('./packages.json', import.meta.url), 'utf8'))

/**
 * @param {readonly string[]} groups
 * @param {string} [arch] Node's name of the processor
 * @returns {string[]} sorted, without repetition
 */
export function packagesFor(groups, arch = process.arch) {
  const all = packageGroups()
  const names = groups.flatMap(group => [...all[group].packages, ...(all[group][debianArch[arch]] ?? [])])
  return [...new Set(names)].sort()
}

/** True where this set-up can work out and install packages. */
export const hasDebianTools = (env = process.env) => spawnSync('dpkg-query', ['--version'], { env }).status === 0

/**
 * @param {readonly string[]} packages
 * @returns {string[]} those that are not fully installed
 */
export function missingPackages(packages, env = process.env) {
  if (packages.length === 0) return []
  // Exit code 1 only says that some name is unknown to dpkg, which is an answer.
  const run = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...packages], {
    env: { ...env, LC_ALL: 'C' },
    encoding: 'utf8',
  })
  const installed = new Set(
    run.stdout
      .split('\n')
      .filter(line => line.endsWith(' installed'))
      .map(line => line.split(' ')[0]),
  )
  return packages.filter(name => !installed.has(name))
}
