import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configFor, providersIn, withProviderConfig } from './provider-config.ts'

const file = (...providers: object[]) => ({ meta: { schema_version: '1.0' }, providers })
const anyHost = { identification: { uuid: '$COMPUTE_NODE' }, traits: { additional: ['CUSTOM_ANY'] } }
const nodeId = 'c0ffee00-0000-4000-8000-000000000001'
const host = { nodeId, name: 'one' }

test('the host is found by uuid or name before what is for any', () => {
  const named = { identification: { name: 'one' }, traits: { additional: ['CUSTOM_ONE'] } }
  const configs = providersIn(file(anyHost, named), 'a.yaml')
  assert.deepEqual(configFor(configs, host)?.traits, ['CUSTOM_ONE'])
  assert.deepEqual(configFor(configs, { ...host, name: 'two' })?.traits, ['CUSTOM_ANY'])
  const twice = [
    ...configs,
    ...providersIn(file({ ...named, identification: { uuid: nodeId.toUpperCase() } }), 'b.yaml'),
  ]
  assert.throws(() => configFor(twice, host), /'b.yaml' conflicts with provider config 'a.yaml'/)
})

test('inventories with their usual numbers are added to what the hypervisor reports', () => {
  const inventories = { additional: [{ CUSTOM_LLC: { total: 8, reserved: 1, allocation_ratio: 1.5 } }] }
  const [config] = providersIn(file({ identification: { name: 'one' }, inventories }), 'a.yaml')
  const description = { traits: ['COMPUTE_NODE'], extraInventories: {} } as unknown as Parameters<
    typeof withProviderConfig
  >[0]
  assert.deepEqual(withProviderConfig(description, config).extraInventories, {
    CUSTOM_LLC: { total: 8, reserved: 1, minUnit: 1, maxUnit: 8, stepSize: 1, allocationRatio: 1.5 },
  })
  assert.equal(withProviderConfig(description, undefined), description)
})

test('what is no provider config is refused with the file and the reason', () => {
  const refuses = (content: unknown, reason: RegExp) => assert.throws(() => providersIn(content, 'x.yaml'), reason)
  refuses({}, /x.yaml: Unable to detect schema version/)
  refuses({ meta: { schema_version: '2.0' } }, /Unsupported schema major version: 2/)
  refuses(file({ ...anyHost, identification: {} }), /either its uuid or its name/)
  refuses(
    file({ ...anyHost, traits: { additional: ['HW_CPU_X86_AVX'] } }),
    /only custom traits are allowed: HW_CPU_X86_AVX/,
  )
  const vcpus = { additional: [{ VCPU: { total: 1 } }] }
  refuses(file({ ...anyHost, inventories: vcpus }), /only custom resource classes are allowed: VCPU/)
  refuses(file({ ...anyHost, inventories: { additional: [{ CUSTOM_X: {} }] } }), /CUSTOM_X: total is missing/)
  assert.deepEqual(providersIn(file({ identification: { name: 'idle' } }), 'x.yaml'), [])
})
