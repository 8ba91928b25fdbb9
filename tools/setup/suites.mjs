/** The test suites: `unit` is every test under src, the others are the folders of test/. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SetupFault } from './fault.mjs'
import { root } from './setup.mjs'

/**
 * `database`: `mysql` for tests that choose their engine and run on MariaDB here.
 * @typedef {{ name: string, files: string[], database?: 'mysql' }} Suite
 */

const isTest = name => /\.test\.(ts|mjs)$/.test(name)

function testsBelow(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && isTest(entry.name))
    .map(entry => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

/** Cheap and narrow first, so that a simple mistake shows before guests boot; unnamed folders come between. */
const first = ['unit', 'config', 'setup', 'metadata']
const last = ['network', 'libvirt', 'allinone', 'cli', 'guests', 'performance']

const rank = name => {
  if (first.includes(name)) return first.indexOf(name)
  return last.includes(name) ? 200 + last.indexOf(name) : 100
}

/** Suites that need no guests and no network: with only these, no package beyond the test tools is installed. */
export const plainSuites = new Set(['unit', 'config', 'setup', 'metadata'])

/** Everything whose tests choose their database. */
const portable = ['store', 'saga', 'placement', 'operations', 'scheduler', 'metadata', 'embedded', 'cloud', 'api']

/** They look into a SQLite file, or are about other people's programs. */
const onFilesOnly = /\/(?:api\/statements|embedded\/[a-z-]*client|scheduler\/explain)\.test\.ts$/

/** One of each kind that `npm test` runs on MariaDB too: tables, journals, claims, operations. */
const samples = [
  'store/engine',
  'store/resident',
  'saga/engine',
  'placement/concurrency',
  'placement/port',
  'operations/claims-race',
  'operations/reservation',
  'operations/audit',
  'manage/db',
]

/** @returns {Suite[]} the same tests on MariaDB */
export const mariadbSuites = () =>
  portable.map(name => ({
    name: `${name} on MariaDB`,
    files: testsBelow(`test/${name}`).filter(file => !onFilesOnly.test(file)),
    database: 'mysql',
  }))

/** @returns {Suite[]} in the order in which they run */
export function findSuites() {
  const entries = readdirSync(join(root, 'test'), { withFileTypes: true })
  const top = entries.filter(entry => entry.isFile() && isTest(entry.name)).map(entry => join(root, 'test', entry.name))
  const folders = entries
    // Beside services of other packages: npm run test:openstack.
    .filter(entry => entry.isDirectory() && entry.name !== 'openstack')
    .map(entry => ({ name: entry.name, files: testsBelow(`test/${entry.name}`) }))
  const onMariadb = { name: 'on-mariadb', files: samples.map(file => join(root, 'test', `${file}.test.ts`)) }
  return [{ name: 'unit', files: [...top, ...testsBelow('src')] }, ...folders, { ...onMariadb, database: 'mysql' }]
    .filter(suite => suite.files.length > 0)
    .sort((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : 1))
}

/**
 * @param {Suite[]} suites
 * @param {readonly string[]} names none means all
 */
export function chooseSuites(suites, names) {
  const unknown = names.find(name => !suites.some(suite => suite.name === name))
  if (unknown !== undefined) {
    const known = suites.map(suite => suite.name).join(', ')
    throw new SetupFault(`There is no test suite '${unknown}'; the suites are: ${known}`, { exitCode: 2 })
  }
  return names.length === 0 ? suites : suites.filter(suite => names.includes(suite.name))
}

/** Of `clients`, which brings Tempest. */
const clientGroups = ['service', 'client', 'client-suites', 'test']
const allGroups = ['service', 'libvirt', 'network', 'guest-stock', 'guest-tiny', 'client', 'test']

/** @param {Suite[]} suites */
export function testGroups(suites) {
  const hasClients = suites.some(suite => suite.name === 'clients')
  const others = suites.filter(suite => suite.name !== 'clients')
  if (others.some(suite => !plainSuites.has(suite.name)))
    return hasClients ? [...allGroups, 'client-suites'] : allGroups
  return hasClients ? clientGroups : ['service', 'test']
}

/** @param {Suite[]} suites */
export const testHelp = suites => `Usage: npm test -- [suite...]

Installs what is missing, then runs the named suites, or all of them, in this order:
${suites.map(suite => `  ${suite.name.padEnd(14)}${suite.files.length} files`).join('\n')}
`
