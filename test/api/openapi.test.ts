import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { resources } from '#api'
import { describe, maxVersion, versionText } from '#api/kit'
import { type ApiCloud, type Json, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
})
after(() => cloud.close())

const documentAt = async (version: string): Promise<Json> => {
  const answer = await fetch(`${cloud.url}/openapi/${version}.json`)
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
  return answer.json()
}

/** Every schema of a document, with the place where it stands. */
function* schemasIn(node: Json, at = ''): Generator<[string, Json]> {
  if (typeof node !== 'object' || node === null) return
  for (const [key, inner] of Object.entries<Json>(node)) {
    if (key === 'schema') yield [`${at}/${key}`, inner]
    else yield* schemasIn(inner, `${at}/${key}`)
  }
}

test('every operation is in the document of each microversion that has it, and in no other', async () => {
  for (const version of [1, 25, 53, 88, maxVersion]) {
    const { paths } = await documentAt(versionText(version))
    for (const operation of describe(resources)) {
      const found = paths[operation.path || '/']?.[operation.method.toLowerCase()]
      const isListed =
        operation.action === undefined
          ? found !== undefined
          : found?.['x-openstack-actions']?.[operation.action] !== undefined
      const exists = operation.versions.some(([from, to]) => {
        const [first, last] = [from, to].map(text => Number(text.split('.')[1]))
        return (first ?? 0) <= version && version <= (last ?? 0)
      })
      assert.equal(isListed, exists, `${operation.method} ${operation.path} ${operation.action ?? ''} at 2.${version}`)
    }
  }
})

test('all schemas are JSON Schema 2020-12, all references resolve, no operation id comes twice', async () => {
  for (const version of ['2.1', '2.104']) {
    const document = await documentAt(version)
    assert.equal(document.openapi, '3.1.0')
    const ajv = new Ajv2020({
      strict: true,
      strictTypes: false,
      strictTuples: false,
      strictRequired: false,
      allowUnionTypes: true,
      validateFormats: false,
      keywords: ['x-openstack-format'],
    })
    for (const [name, schema] of Object.entries<Json>(document.components.schemas)) ajv.addSchema(schema, name)
    let count = 0
    for (const [place, schema] of schemasIn(document.paths)) {
      const text = JSON.stringify(schema).replaceAll('"#/components/schemas/', '"')
      assert.doesNotThrow(() => ajv.compile({ ...JSON.parse(text), title: place }), place)
      count++
    }
    assert.ok(count > 150, `${count} schemas`)
    const ids = Object.values<Json>(document.paths).flatMap(methods =>
      Object.values<Json>(methods).map(o => o.operationId),
    )
    assert.deepEqual(
      ids.filter((id, i) => ids.indexOf(id) !== i),
      [],
    )
  }
})

test('a real body fits the document, a wrong one does not', async () => {
  const { paths } = await documentAt('2.90')
  const { schema } = paths['/os-keypairs'].post.requestBody.content['application/json']
  const check = new Ajv2020({ strict: false, validateFormats: false }).compile(schema)
  assert.equal(check({ keypair: { name: 'a', type: 'ssh' } }), true)
  assert.equal(check({ keypair: { name: 'a', type: 'gpg' } }), false)
  assert.equal(check({ keypair: { name: 'a', nonsense: 1 } }), false)
})

test('the page for people names every route with its microversions and what changed', async () => {
  const answer = await fetch(`${cloud.url}/openapi`)
  assert.equal(answer.status, 200)
  const page = await answer.text()
  for (const { method, path, action } of describe(resources)) {
    const name = [method, path, ...(action === undefined ? [] : [action])].join(' ')
    assert.ok(page.includes(`<code>${name}</code>`), name)
  }
  assert.match(page, /PUT \/flavors\/\{id\}<\/code><\/td><td>2\.55 – 2\.104/)
  assert.match(page, /POST \/os-keypairs<\/code>.*<b>2\.2<\/b> status 201, request, reply/)
})

test('other versions are not there', async () => {
  for (const path of ['/openapi/2.105.json', '/openapi/2.0.json', '/openapi/x']) {
    assert.equal((await fetch(`${cloud.url}${path}`, { redirect: 'manual' })).status, 300)
  }
})
