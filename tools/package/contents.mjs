/** What a package of Nova holds, laid out as on the machine where it will be installed. */
import { cpSync, globSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** Where the program lies; `/usr/bin` links to it. */
const home = 'usr/lib/nova-ts'
const isTest = path => path.endsWith('.test.ts')

/** What runs, without what only builds and tests: each with the packages that it brought along. @returns {string[]} */
export function runtimeModules(root) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const installed = JSON.parse(readFileSync(join(root, 'node_modules/.package-lock.json'), 'utf8')).packages
  return Object.keys(packages).filter(path => path !== '' && !packages[path].dev && installed[path] !== undefined)
}

/** Its own executables. @returns {string[]} */
export const executables = root => readdirSync(join(root, 'bin')).filter(name => name.startsWith('nova-'))

function copyProgram(root, stage) {
  const to = join(stage, home)
  const filter = source => !isTest(source)
  for (const name of ['src', 'bin', 'deploy/rabbitmq', 'package.json']) {
    cpSync(join(root, name), join(to, name), { recursive: true, filter })
  }
  for (const path of runtimeModules(root)) {
    cpSync(join(root, path), join(to, path), {
      recursive: true,
      verbatimSymlinks: true,
      // Those of others that are wanted are in the list themselves.
      filter: source => !relative(join(root, path), source).split('/').includes('node_modules'),
    })
  }
  const node = join(to, 'node_modules/.bin/node')
  mkdirSync(dirname(node), { recursive: true })
  const [found] = globSync('node_modules/node-*/bin/node', { cwd: to })
  symlinkSync(relative(dirname(node), join(to, found)), node)
  mkdirSync(join(stage, 'usr/bin'), { recursive: true })
  for (const name of executables(root)) symlinkSync(`../lib/nova-ts/bin/${name}`, join(stage, 'usr/bin', name))
}

const machineFiles = [
  ['deploy/systemd', 'lib/systemd/system'],
  ['deploy/debian/nova.conf', 'etc/nova/nova.conf'],
  ['deploy/debian/logrotate', 'etc/logrotate.d/nova-ts'],
  ['README.md', 'usr/share/doc/nova-ts/README.md'],
]

function copyright(root) {
  const { license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const others = runtimeModules(root).map(path => {
    const { name, version, license: theirs } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'))
    return `${name} ${version}: ${typeof theirs === 'string' ? theirs : (theirs?.type ?? 'see its folder')}\n`
  })
  return `Nova in TypeScript: ${license}, /usr/share/common-licenses/Apache-2.0\n\nWith it, in /${home}/node_modules:\n\n${others.join('')}`
}

/**
 * @param {string} root the checkout, with its npm packages installed
 * @param {string} stage an empty folder that becomes the root of the machine
 */
export function layOut(root, stage) {
  copyProgram(root, stage)
  for (const [from, to] of machineFiles) cpSync(join(root, from), join(stage, to), { recursive: true })
  writeFileSync(join(stage, 'usr/share/doc/nova-ts/copyright'), copyright(root))
}
