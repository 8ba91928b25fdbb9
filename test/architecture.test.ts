import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { test } from 'node:test'

/** The house rules that a compiler cannot see: who may import whom, who owns which package, how long a file may be. */

const root = join(import.meta.dirname, '..')

/** Level of each module; a module imports lower levels, and `mayMeet` lists the few neighbours on the same one. */
const levels: Readonly<Record<string, number>> = {
  base: 0,
  model: 1,
  config: 1,
  guest: 1,
  policy: 2,
  cloud: 2,
  http: 2,
  bus: 2,
  store: 2,
  saga: 2,
  virt: 2,
  notify: 2,
  privileged: 2,
  placement: 3,
  scheduler: 3,
  conductor: 3,
  compute: 3,
  api: 3,
  metadata: 3,
  cells: 3,
  console: 3,
  manage: 3,
  network: 3,
  embedded: 3,
  allinone: 4,
  bin: 5,
}
const mayMeet = new Set([
  'http>cloud',
  'notify>bus',
  'notify>store',
  'virt>cloud',
  'bus>virt',
  'policy>cloud',
  'embedded>embedded',
])

/** One module owns each package; types of an interface may be named by its users. */
const owners: Readonly<Record<string, readonly string[]>> = {
  mysql2: ['store'],
  kysely: ['store', 'cells', 'placement', 'network', 'embedded'],
  fastify: ['http', 'api', 'placement', 'metadata', 'network', 'embedded'],
  ajv: ['api', 'cells', 'placement'],
  amqplib: ['bus'],
  undici: ['cloud', 'allinone', 'metadata'],
  saxes: ['virt'],
  pino: ['base'],
  commander: ['allinone', 'bin', 'manage'],
  'cli-table3': ['allinone', 'manage'],
  yaml: ['policy'],
  'ipaddr.js': ['network'],
}

interface Import {
  readonly file: string
  readonly module: string
  readonly target: string
  readonly isType: boolean
}

const files = globSync('src/**/*.ts', { cwd: root }).map(f => f.split(sep).join('/'))
const moduleOf = (file: string): string => file.split('/')[1] ?? ''
const isTest = (file: string): boolean => /\.(test|prop\.test|test-kit)\.ts$/.test(file)

const imports: readonly Import[] = files.flatMap(file => {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/^(?:import|export)\s+(type\s)?[^'"]*?from\s+['"]([^'"]+)['"]/gm)].map(
    ([, type, target]) => ({
      file,
      module: moduleOf(file),
      target: target ?? '',
      isType: type !== undefined,
    }),
  )
})

const targetModule = (i: Import): string | undefined => {
  if (i.target.startsWith('#')) return i.target.slice(1).split('/')[0]
  if (i.target.startsWith('.')) return relative(join(root, 'src'), join(root, dirname(i.file), i.target)).split(sep)[0]
  return undefined
}

test('the imports are seen at all', () => assert.ok(imports.length > 300, `${imports.length} imports`))

test('every module has a level', () => {
  assert.deepEqual(
    [...new Set(files.map(moduleOf))].filter(m => levels[m] === undefined),
    [],
  )
})

test('modules import lower levels only', () => {
  const wrong = imports
    .filter(i => !isTest(i.file))
    .filter(i => {
      const target = targetModule(i)
      if (target === undefined || target === i.module) return false
      const [from, to] = [levels[i.module] ?? 0, levels[target] ?? 99]
      return to >= from && !mayMeet.has(`${i.module}>${target}`)
    })
    .map(i => `${i.file} imports ${i.target}`)
  assert.deepEqual(wrong, [])
})

test('modules are entered by their names, not by paths', () => {
  const wrong = imports
    .filter(i => i.target.startsWith('.') && targetModule(i) !== i.module)
    .map(i => `${i.file} imports ${i.target}`)
  assert.deepEqual(wrong, [])
})

test('third-party packages have owners', () => {
  const wrong = imports
    .filter(i => !i.target.startsWith('.') && !i.target.startsWith('#') && !i.target.startsWith('node:'))
    .filter(i => !isTest(i.file))
    .filter(i => {
      const name = i.target.startsWith('@') ? i.target.split('/').slice(0, 2).join('/') : (i.target.split('/')[0] ?? '')
      return owners[name]?.includes(i.module) !== true
    })
    .map(i => `${i.file} imports ${i.target}`)
  assert.deepEqual(wrong, [])
})

test('no import cycles between files', () => {
  const edges = new Map<string, string[]>()
  for (const i of imports) {
    if (i.isType || !i.target.startsWith('.')) continue
    const target = join(dirname(i.file), i.target).split(sep).join('/')
    edges.set(i.file, [...(edges.get(i.file) ?? []), target])
  }
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' > '))
    if (done.has(file) || path.includes(file)) return
    for (const next of edges.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  assert.deepEqual(cycles, [])
})

test('files stay small', () => {
  const lines = (file: string) => readFileSync(join(root, file), 'utf8').split('\n').length
  assert.deepEqual(
    files.filter(f => lines(f) > (isTest(f) ? 800 : 600)).map(f => `${f}: ${lines(f)}`),
    [],
  )
})

test('executables are short', () => {
  const lines = (file: string) => readFileSync(join(root, file), 'utf8').split('\n').length
  assert.deepEqual(
    files.filter(f => f.startsWith('src/bin/') && lines(f) > 31),
    [],
  )
})

test('modules say what they are for', () => {
  const silent = files
    .filter(f => /^src\/[a-z]+\/index\.ts$/.test(f))
    .filter(f => !readFileSync(join(root, f), 'utf8').startsWith('/**'))
  assert.deepEqual(silent, [])
})

test('SQL stays where tables are owned', () => {
  const wrong = imports
    .filter(i => i.target === 'kysely' && !isTest(i.file))
    .filter(i => {
      if (i.module === 'store') return false
      return !/\/store\//.test(i.file) && !/^src\/(network|placement)\//.test(i.file)
    })
  assert.deepEqual(
    wrong.map(i => i.file),
    [],
  )
})
