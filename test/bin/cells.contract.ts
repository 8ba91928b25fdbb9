import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitFor } from '#base'
import { type CellCloud, type OpenPlaces, startCellCloud } from './cells.ts'
import { CloudUser } from './cloud-user.ts'

/** Cells, whatever their databases and buses are. */
export function cellsContract(how: string, openPlaces: OpenPlaces): void {
  let cloud: CellCloud
  let user: CloudUser
  before(async () => {
    cloud = await startCellCloud(openPlaces)
    user = new CloudUser(cloud)
    await user.furnish()
  })
  after(() => cloud?.close())

  const on = (host: string) => ({ availability_zone: `nova:${host}` })
  const cellOf = (id: string) => cloud.home.instanceMappings.cellOf(id)
  const active = (id: string) =>
    waitFor(
      `${id} to be active`,
      async () => {
        const { server } = await user.server(id)
        assert.notEqual(server.status, 'ERROR', server.fault?.message ?? '')
        return server.status === 'ACTIVE' ? server : undefined
      },
      { deadlineMs: 60_000 },
    )

  test(`${how}: a boot lands in the cell of the host that the scheduler chose, and only there`, async () => {
    for (const { uuid, host, store } of cloud.cells) {
      const id = await user.create(`on ${host}`, on(host))
      await active(id)
      assert.equal(await cellOf(id), uuid)
      assert.equal((await store.instances.get(id)).host, host)
      assert.equal(await cloud.home.instances.find(id, { withDeleted: true }), undefined)
      assert.deepEqual(await cloud.home.sagas.openOf(id), [])
      for (const other of cloud.cells)
        if (other.uuid !== uuid) assert.equal(await other.store.instances.find(id, { withDeleted: true }), undefined)
    }
  })

  test(`${how}: what is asked of a server is done in its cell`, async () => {
    const [, far] = cloud.cells
    const id = await user.create('stopped', on(far?.host ?? ''))
    await active(id)
    await user.act(id, { 'os-stop': null })
    await waitFor('it to be off', async () => (await user.server(id)).server.status === 'SHUTOFF' || undefined, {
      deadlineMs: 60_000,
    })
    await user.call('DELETE', `/servers/${id}`)
    await waitFor('it to be gone', async () => (await far?.store.instances.find(id)) === undefined || undefined, {
      deadlineMs: 60_000,
    })
    assert.equal((await cloud.home.instanceMappings.find(id))?.isDeleted, true)
  })

  test(`${how}: a server that finds no host stays at home, in error`, async () => {
    const tooBig = await user.createBig('too big')
    await waitFor('it to be in error', async () => (await user.server(tooBig)).server.status === 'ERROR' || undefined, {
      deadlineMs: 60_000,
    })
    assert.equal(await cellOf(tooBig), undefined)
    assert.equal((await cloud.home.instances.get(tooBig)).vmState, 'error')
  })

  test(`${how}: a resize may leave the cell; reverted it comes back, confirmed it stays`, async () => {
    const [near, far] = cloud.cells
    const id = await user.create('moving', on(near?.host ?? ''))
    await active(id)
    const isIn = async (cell: typeof near) => {
      const elsewhere = cell === near ? far : near
      assert.equal(await cellOf(id), cell?.uuid)
      assert.equal((await user.server(id)).server['OS-EXT-SRV-ATTR:host'], cell?.host)
      assert.equal((await cell?.store.instances.get(id))?.host, cell?.host)
      assert.equal(await elsewhere?.store.instances.find(id, { withDeleted: true }), undefined)
    }
    const becomes = (status: string) =>
      waitFor(
        `${id} to be ${status}`,
        async () => {
          const { server } = await user.server(id)
          return (server.status === status && server['OS-EXT-STS:task_state'] === null) || undefined
        },
        { deadlineMs: 60_000 },
      )
    await user.act(id, { migrate: { host: far?.host } })
    await becomes('VERIFY_RESIZE')
    await isIn(far)
    await user.act(id, { revertResize: null })
    await becomes('ACTIVE')
    await isIn(near)
    await user.act(id, { migrate: { host: far?.host } })
    await becomes('VERIFY_RESIZE')
    await user.act(id, { confirmResize: null })
    await becomes('ACTIVE')
    await isIn(far)
    assert.equal(await near?.store.serverCarrier.isHidden(id), false)
    const actions = await user.call<{ instanceActions: readonly { action: string; message: string | null }[] }>(
      'GET',
      `/servers/${id}/os-instance-actions`,
    )
    assert.deepEqual(
      actions.instanceActions.map(one => [one.action, one.message]),
      [
        ['confirmResize', null],
        ['migrate', null],
        ['revertResize', null],
        ['migrate', null],
        ['create', null],
      ],
    )
    await user.call('DELETE', `/servers/${id}`)
    await waitFor('it to be gone', async () => (await far?.store.instances.find(id)) === undefined || undefined, {
      deadlineMs: 60_000,
    })
    const { allocations } = await cloud.builtIn.placement.consumer(id)
    assert.deepEqual(allocations, {})
  })

  test(`${how}: kill -9 of the conductor amid builds and moves between cells: each ends, exactly once`, async () => {
    const [near, far] = cloud.cells
    const moving = await Promise.all([1, 2, 3].map(i => user.create(`mover ${i}`, on(near?.host ?? ''))))
    for (const id of moving) await active(id)
    await user.boot('many', 20)
    for (const id of moving) await user.act(id, { migrate: { host: far?.host } })
    const conductor = cloud.service['nova-conductor']
    const all = async () => {
      const found = []
      for (const store of [cloud.home, ...cloud.cells.map(cell => cell.store)])
        for (const server of await store.instances.list({ filter: { deleted: 'no' } }))
          if (server.displayName.startsWith('many')) found.push(server)
      return found
    }
    await waitFor('some to be there', async () => (await all()).some(s => s.vmState === 'active') || undefined, {
      deadlineMs: 60_000,
      everyMs: 10,
    })
    assert.equal(await conductor.end('SIGKILL'), 'SIGKILL')
    await conductor.start()
    await waitFor('all to be active', async () => (await all()).every(s => s.vmState === 'active') || undefined, {
      deadlineMs: 120_000,
    })
    const found = await all()
    assert.equal(found.length, 20)
    assert.equal(new Set(found.map(s => s.id)).size, 20)
    assert.ok(new Set(found.map(s => s.host)).size === 2, 'all went to one cell')
    for (const { id } of found) assert.notEqual(await cellOf(id), undefined)
    for (const id of moving) {
      const isOver = async () => (await user.server(id)).server['OS-EXT-STS:task_state'] === null || undefined
      await waitFor(`${id} to rest`, isOver, { deadlineMs: 120_000 })
      const { status } = (await user.server(id)).server
      assert.equal(status, 'VERIFY_RESIZE')
      assert.equal(await cellOf(id), far?.uuid)
      assert.equal(await near?.store.instances.find(id, { withDeleted: true }), undefined)
    }
  })
}
