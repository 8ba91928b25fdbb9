import { aggregates, type Both, id } from './differential-words.ts'

/** Providers of one version's walk. */
const numbers = (minor: number) => [minor * 100 + 1, minor * 100 + 2, minor * 100 + 3] as const
const rp = (n: number) => `/resource_providers/${id(n)}`
const consumerOf = (minor: number) => id(500_000 + minor)
const ownerOf = (minor: number) => ({ project_id: `p${minor}`, user_id: 'u' })
const holding = (minor: number, n: number, amount = 2) => ({
  allocations: { [id(n)]: { resources: { VCPU: amount } } },
  ...ownerOf(minor),
})

/** Creates, lists, moves. */
async function walkProviders(both: Both, minor: number): Promise<void> {
  const [a, b, c] = numbers(minor)
  await both('POST', '/resource_providers', minor, { name: `a${minor}`, uuid: id(a) })
  await both('POST', '/resource_providers', minor, { name: `a${minor}`, uuid: id(b) })
  await both('POST', '/resource_providers', minor, { name: `b${minor}`, uuid: id(b), parent_provider_uuid: id(a) })
  await both('POST', '/resource_providers', minor, { name: `c${minor}`, uuid: id(c), parent_provider_uuid: id(77) })
  await both('POST', '/resource_providers', minor, { uuid: id(c) })
  await both('PUT', rp(b), minor, { name: `b${minor}x`, parent_provider_uuid: null })
  await both('PUT', rp(b), minor, { name: `b${minor}y` })
  await both('PUT', rp(a), minor, { name: `a${minor}`, parent_provider_uuid: id(b) })
  await both('GET', rp(a), minor)
  for (const query of ['', `?name=a${minor}`, `?uuid=${id(a)}`, '?uuid=x', '?what=1', `?in_tree=${id(a)}`]) {
    await both('GET', `/resource_providers${query}`, minor)
  }
  for (const query of [
    `member_of=${aggregates[0]}`,
    'resources=VCPU:1',
    'resources=VCPU',
    'resources=NOPE:1',
    'required=CUSTOM_A',
    'required=!CUSTOM_A',
    'required=in:CUSTOM_A,CUSTOM_B',
    'required=NOPE',
    `member_of=!${aggregates[0]}`,
    `member_of=in:${aggregates.join()}&member_of=${aggregates[1]}`,
    'required=CUSTOM_A&required=CUSTOM_B',
  ]) {
    await both('GET', `/resource_providers?${query}`, minor)
  }
}

/** All at once and one by one. */
async function walkInventories(both: Both, minor: number): Promise<void> {
  const [a] = numbers(minor)
  const inventories = (generation: number, other = {}) => ({
    resource_provider_generation: generation,
    inventories: { VCPU: { total: 10 }, MEMORY_MB: { total: 100, reserved: 10, ...other } },
  })
  await both('PUT', `${rp(a)}/inventories`, minor, inventories(5))
  await both('PUT', `${rp(a)}/inventories`, minor, inventories(0, { reserved: 100 }))
  await both('PUT', `${rp(a)}/inventories`, minor, inventories(minor >= 26 ? 1 : 0, { reserved: 101 }))
  await both('PUT', `${rp(a)}/inventories`, minor, inventories(minor >= 26 ? 1 : 0, { step_size: 0 }))
  await both('PUT', `${rp(a)}/inventories`, minor, inventories(minor >= 26 ? 1 : 0))
  await both('GET', `${rp(a)}/inventories`, minor)
  await both('GET', `${rp(a)}/inventories/VCPU`, minor)
  await both('GET', `${rp(a)}/inventories/DISK_GB`, minor)
  await both('POST', `${rp(a)}/inventories`, minor, { resource_class: 'DISK_GB', total: 50 })
  await both('POST', `${rp(a)}/inventories`, minor, { resource_class: 'DISK_GB', total: 50 })
  await both('POST', `${rp(a)}/inventories`, minor, { resource_class: 'NOPE', total: 50 })
  const generation = ((await both('GET', rp(a), minor)).body as { generation: number }).generation
  await both('PUT', `${rp(a)}/inventories/DISK_GB`, minor, { total: 60, resource_provider_generation: generation })
  await both('PUT', `${rp(a)}/inventories/DISK_GB`, minor, { total: 60, resource_provider_generation: generation })
  await both('PUT', `${rp(a)}/inventories/IPV4_ADDRESS`, minor, {
    total: 60,
    resource_provider_generation: generation + 1,
  })
  await both('DELETE', `${rp(a)}/inventories/DISK_GB`, minor)
  await both('DELETE', `${rp(a)}/inventories/DISK_GB`, minor)
  await both('DELETE', `${rp(a)}/inventories/NOPE`, minor)
}

/** Aggregates and traits of a provider. */
async function walkDetails(both: Both, minor: number): Promise<void> {
  const [a] = numbers(minor)
  const generation = ((await both('GET', rp(a), minor)).body as { generation: number }).generation
  await both('GET', `${rp(a)}/aggregates`, minor)
  await both('PUT', `${rp(a)}/aggregates`, minor, [aggregates[0]])
  await both('PUT', `${rp(a)}/aggregates`, minor, {
    aggregates: [aggregates[0]],
    resource_provider_generation: generation,
  })
  await both('PUT', `${rp(a)}/aggregates`, minor, { aggregates: [], resource_provider_generation: 0 })
  await both('GET', `${rp(a)}/aggregates`, minor)
  const now = ((await both('GET', rp(a), minor)).body as { generation: number }).generation
  await both('GET', `${rp(a)}/traits`, minor)
  await both('PUT', `${rp(a)}/traits`, minor, { traits: ['CUSTOM_A'], resource_provider_generation: now })
  await both('PUT', `${rp(a)}/traits`, minor, { traits: ['CUSTOM_A'], resource_provider_generation: now })
  await both('PUT', `${rp(a)}/traits`, minor, { traits: ['NOPE'], resource_provider_generation: now + 1 })
  await both('DELETE', '/traits/CUSTOM_A', minor)
  await both('DELETE', '/traits/COMPUTE_NODE', minor)
}

/** Traits and resource classes. */
async function walkNames(both: Both, minor: number): Promise<void> {
  await both('PUT', `/traits/CUSTOM_T${minor}`, minor)
  await both('PUT', `/traits/CUSTOM_T${minor}`, minor)
  await both('GET', `/traits/CUSTOM_T${minor}`, minor)
  await both('GET', '/traits/NOPE', minor)
  await both('PUT', '/traits/nope', minor)
  for (const query of [
    'name=startswith:CUSTOM_',
    'name=in:CUSTOM_A,COMPUTE_NODE',
    'associated=true',
    'associated=x',
    'name=x',
    'foo=1',
  ])
    await both('GET', `/traits?${query}`, minor)
  await both('DELETE', `/traits/CUSTOM_T${minor}`, minor)
  await both('DELETE', `/traits/CUSTOM_T${minor}`, minor)
  await both('GET', '/resource_classes', minor)
  await both('POST', '/resource_classes', minor, { name: `CUSTOM_R${minor}` })
  await both('POST', '/resource_classes', minor, { name: `CUSTOM_R${minor}` })
  await both('POST', '/resource_classes', minor, { name: 'NOPE' })
  await both('PUT', `/resource_classes/CUSTOM_R${minor}`, minor, { name: `CUSTOM_S${minor}` })
  await both('PUT', `/resource_classes/CUSTOM_S${minor}`, minor, { name: `CUSTOM_S${minor}` })
  await both('PUT', '/resource_classes/VCPU', minor, { name: 'CUSTOM_V' })
  await both('GET', `/resource_classes/CUSTOM_S${minor}`, minor)
  await both('DELETE', `/resource_classes/CUSTOM_S${minor}`, minor)
  await both('DELETE', `/resource_classes/CUSTOM_R${minor}`, minor)
  await both('DELETE', '/resource_classes/VCPU', minor)
}

/** One consumer, in every form and what it shows elsewhere. */
async function walkAllocations(both: Both, minor: number): Promise<void> {
  const [a] = numbers(minor)
  const [consumer, owned] = [consumerOf(minor), ownerOf(minor)]
  const dictionary = (n: number, amount?: number) => holding(minor, n, amount)
  const listed = { allocations: [{ resource_provider: { uuid: id(a) }, resources: { VCPU: 2 } }] }
  await both('PUT', `/allocations/${consumer}`, minor, listed)
  await both('PUT', `/allocations/${consumer}`, minor, { ...listed, ...owned })
  await both('PUT', `/allocations/${consumer}`, minor, dictionary(a))
  await both('PUT', `/allocations/${consumer}`, minor, { ...dictionary(a), consumer_generation: null })
  await both('PUT', `/allocations/${consumer}`, minor, {
    ...dictionary(a),
    consumer_generation: null,
    mappings: { '': [id(a)] },
  })
  await both('PUT', `/allocations/${consumer}`, minor, {
    ...dictionary(a),
    consumer_generation: null,
    consumer_type: 'INSTANCE',
  })
  await both('GET', `/allocations/${consumer}`, minor)
  await both('PUT', `/allocations/${consumer}`, minor, {
    ...dictionary(a, 3),
    consumer_generation: 1,
    consumer_type: 'MIGRATION',
  })
  await both('PUT', `/allocations/${consumer}`, minor, { ...dictionary(a, 3), consumer_generation: 1 })
  await both('PUT', `/allocations/${consumer}`, minor, {
    ...dictionary(a, 30),
    ...(minor >= 28 ? { consumer_generation: 2 } : {}),
    ...(minor >= 38 ? { consumer_type: 'X' } : {}),
  })
  await both('PUT', `/allocations/${consumer}`, minor, {
    ...dictionary(99_999),
    ...(minor >= 28 ? { consumer_generation: 2 } : {}),
    ...(minor >= 38 ? { consumer_type: 'X' } : {}),
  })
  await both('PUT', '/allocations/x', minor, dictionary(a))
  await both('GET', `/allocations/${consumer}`, minor)
  await both('GET', `${rp(a)}/allocations`, minor)
  await both('GET', `${rp(a)}/usages`, minor)
  for (const query of [
    '',
    `?project_id=p${minor}`,
    `?project_id=p${minor}&user_id=u`,
    `?project_id=p${minor}&user_id=v`,
    `?project_id=p${minor}&consumer_type=all`,
    `?project_id=p${minor}&consumer_type=unknown`,
    `?project_id=p${minor}&consumer_type=INSTANCE`,
    `?project_id=p${minor}&consumer_type=x`,
  ])
    await both('GET', `/usages${query}`, minor)
  await both('DELETE', `${rp(a)}/inventories/VCPU`, minor)
  await both('DELETE', rp(a), minor)
}

/** Several consumers at once, and the reshaper. */
async function walkSeveral(both: Both, minor: number): Promise<void> {
  const [a] = numbers(minor)
  const [consumer, owned] = [consumerOf(minor), ownerOf(minor)]
  const dictionary = (n: number, amount?: number) => holding(minor, n, amount)
  const second = id(600_000 + minor)
  const current = (await both('GET', `/allocations/${consumer}`, 38)).body as { consumer_generation?: number }
  const versioned = (value: number | null) => ({
    ...(minor >= 28 ? { consumer_generation: value } : {}),
    ...(minor >= 38 ? { consumer_type: 'INSTANCE' } : {}),
  })
  await both('POST', '/allocations', minor, {
    [consumer]: { ...dictionary(a, 1), ...versioned(current.consumer_generation ?? null) },
    [second]: { ...dictionary(a, 4), ...versioned(null) },
  })
  await both('POST', '/allocations', minor, { [consumer]: { ...dictionary(a, 1), ...versioned(17) } })
  await both('GET', `/allocations/${second}`, minor)
  await both('POST', '/allocations', minor, { [second]: { ...owned, allocations: {}, ...versioned(1) } })
  await both('GET', `/allocations/${second}`, minor)
  const state = (await both('GET', rp(a), 38)).body as { generation: number }
  await both('POST', '/reshaper', minor, {
    inventories: {
      [id(a)]: { resource_provider_generation: state.generation, inventories: { MEMORY_MB: { total: 5 } } },
    },
    allocations: {},
  })
  await both('POST', '/reshaper', minor, {
    inventories: { [id(a)]: { resource_provider_generation: 99, inventories: {} } },
    allocations: {},
  })
  await both('POST', '/reshaper', minor, {
    inventories: { [id(31)]: { resource_provider_generation: 99, inventories: {} } },
    allocations: {},
  })
}

/** Everything goes again, and what never was. */
async function walkEnd(both: Both, minor: number): Promise<void> {
  const [a, b, c] = numbers(minor)
  const consumer = consumerOf(minor)
  await both('DELETE', `/allocations/${consumer}`, minor)
  await both('DELETE', `/allocations/${consumer}`, minor)
  await both('DELETE', `${rp(a)}/inventories`, minor)
  for (const n of [c, b, a, b]) await both('DELETE', rp(n), minor)
  await both('PATCH', '/traits', minor)
  await both('PUT', '/resource_providers', minor, {})
  await both('GET', '/nope', minor)
}

/** Every resource at every version, with good and bad requests. */
export async function walkTheApi(both: Both): Promise<void> {
  for (let minor = 0; minor <= 39; minor++) {
    await both('GET', '/', minor)
    for (const walk of [
      walkProviders,
      walkInventories,
      walkDetails,
      walkNames,
      walkAllocations,
      walkSeveral,
      walkEnd,
    ]) {
      await walk(both, minor)
    }
  }
}
