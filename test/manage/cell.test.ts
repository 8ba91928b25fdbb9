/** nova-manage cell: the neighbours of a cell in a tree. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Deployment } from './cloud.ts'

let cloud: Deployment
before(async () => {
  cloud = await Deployment.open()
})
after(() => cloud.close())

const broker = ['--username', 'nova', '--password', 'p@ss/word', '--hostname', '::1', '--port', '5672']

test('neighbours are added, listed without passwords, and removed', async () => {
  const create = (...args: readonly string[]) => cloud.run('cell', 'create', ...args)
  const west = ['--name', 'west', '--cell_type', 'child', ...broker, '--virtual_host', '/cells', '--woffset', '2.5']
  assert.equal((await create(...west)).code, 0)
  assert.equal((await create('--name', 'top', '--cell_type', 'parent', '--transport-url', 'unix:///run/top')).code, 0)
  const [stored] = await (await cloud.store()).novaCells.neighbours.list()
  assert.deepEqual(stored, {
    number: 1,
    name: 'west',
    isParent: false,
    transportUrl: 'rabbit://nova:p%40ss%2Fword@[::1]:5672/cells',
    weightOffset: 2.5,
    weightScale: 1,
  })
  const { stdout } = await cloud.run('cell', 'list')
  assert.match(stdout, /\| *1 *\| *west *\| *child *\| *nova *\| *::1 *\| *5672 *\| *cells *\|/)
  assert.match(stdout, /\| *2 *\| *top *\| *parent *\|/)
  assert.doesNotMatch(stdout, /p@ss|p%40/)
  assert.equal((await create(...west)).code, 2)
  assert.equal((await cloud.run('cell', 'delete', '--cell_name', 'west')).code, 0)
  assert.equal((await cloud.run('cell', 'delete', '--cell_name', 'west')).code, 1)
})

test('names that no path could hold are refused, with why', async () => {
  for (const [name, why] of [
    ['a!b', /stands between names/],
    ['a.b', /contains '\.'/],
    [' a', /begins or ends with a blank/],
  ] as const) {
    const { code, stdout } = await cloud.run('cell', 'create', '--name', name, ...broker)
    assert.equal(code, 2)
    assert.match(stdout, why)
  }
})
