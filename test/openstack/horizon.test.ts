/** Horizon, in a browser, on Debian's neighbours and our Nova: what a person does there, and nothing of it is refused. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { Closers, waitFor } from '#base'
import type { NeighboursFile } from '../../tools/openstack/neighbours.ts'
import { allWork } from '../cli/session.ts'
import { Rest } from '../cloud/rest.ts'
import { unique } from '../cloud/world.ts'
import { freePorts } from '../rabbit/broker.ts'
import { Dashboard, openBrowser } from './dashboard.ts'
import { neighboursFile } from './neighbours.ts'
import { asked, environment, type Nova, startNova } from './nova.ts'
import { type Recorder, record } from './recorder.ts'

const hosts = ['simulated-1', 'simulated-2'] as const
const instances = '/project/instances/'

const name = (what: string): string => unique(what).replace(' ', '-')

describe('Horizon', () => {
  const closers = new Closers()
  const [image, outside, inside, aside, router, group, key, volume, server, small, wide] =
    'small outside inside aside way web key data first little wide'.split(' ').map(name) as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ]
  let file: NeighboursFile
  let nova: Nova
  let recorder: Recorder
  let browser: Browser
  let demo: Dashboard
  let admin: Dashboard

  before(async () => {
    file = neighboursFile()
    const [port = 0] = await freePorts(1)
    recorder = await record(file.ports.compute, port)
    closers.add(() => recorder.close())
    const names = ['nova-conductor', 'nova-scheduler', 'nova-compute', 'nova-api-os-compute'] as const
    const [host, ...otherHosts] = hosts
    nova = await startNova(file, names, {
      host,
      otherHosts,
      more: { DEFAULT: { osapi_compute_listen_port: port } },
    })
    closers.add(() => nova.close())
    await furnish()
    browser = await openBrowser()
    closers.add(() => browser.close())
    const pictures = join(file.folder, 'pictures')
    mkdirSync(pictures, { recursive: true })
    const login = (user: 'admin' | 'demo') =>
      Dashboard.login(browser, `http://127.0.0.1:${file.ports.horizon}`, {
        user,
        password: file.passwords[user],
        pictures,
      })
    demo = await login('demo')
    admin = await login('admin')
  })
  after(() => closers.close())

  const asDemo = { clientEnvironment: () => environment(file, 'demo', 'demo') }

  async function furnish(): Promise<void> {
    const bits = join(nova.folder, 'bits')
    writeFileSync(bits, Buffer.alloc(100_000, 'x'))
    await allWork(
      nova,
      `image create --public --disk-format raw --container-format bare --file ${bits} ${image}`,
      `network create --external --provider-network-type flat --provider-physical-network public ${outside}`,
      `subnet create --network ${outside} --subnet-range 172.24.9.0/24 --no-dhcp ${outside}`,
      `flavor create ${small} --ram 64 --disk 1 --vcpus 1`,
      `flavor create ${wide} --ram 128 --disk 1 --vcpus 2`,
    )
    await allWork(
      asDemo,
      `network create ${inside}`,
      `subnet create --network ${inside} --subnet-range 10.77.0.0/24 ${inside}`,
      `network create ${aside}`,
      `subnet create --network ${aside} --subnet-range 10.78.0.0/24 --gateway none ${aside}`,
      `router create ${router}`,
      `router set ${router} --external-gateway ${outside}`,
      `router add subnet ${router} ${inside}`,
      `security group create ${group}`,
      `keypair create --private-key ${join(nova.folder, 'key')} ${key}`,
      `floating ip create ${outside}`,
      `volume create --size 1 ${volume}`,
    )
    await waitFor(
      'both hosts to be up',
      async () => {
        const services = await asked<{ State: string }[]>(nova, 'compute service list --service nova-compute')
        return services.filter(service => service.State === 'up').length === hosts.length || undefined
      },
      { deadlineMs: 60_000, everyMs: 500 },
    )
  }

  /** Nothing complains on the page, and nothing was refused since the last look. */
  let heard = 0
  async function nothingRefused(dashboard: Dashboard): Promise<void> {
    assert.deepEqual(await dashboard.complaints(), [])
    const refused = recorder.heard.slice(heard).filter(({ status }) => status >= 400)
    heard = recorder.heard.length
    assert.deepEqual(refused, [])
  }

  /** One entry of the menu of the server, with the dialog that some have, until its row shows what came of it. */
  async function act(action: string, shows: RegExp): Promise<void> {
    await demo.open(instances)
    await demo.choose(server, action)
    await demo.settle()
    await demo.shows(server, shows)
    await nothingRefused(demo)
  }

  const active = /\bActive\s+nova\s+None\s+Running\b/

  test('a server is launched in the dialog, and is active on the page', async () => {
    await demo.open(instances)
    await demo.page.getByText('No items to display.').waitFor()
    await demo.launch({ name: server, image, flavor: small, network: inside, key })
    await demo.shows(server, active)
    assert.match(await demo.row(server).innerText(), new RegExp(`${image}[^]*10\\.77\\.0\\.\\d+[^]*${small}[^]*${key}`))
    await nothingRefused(demo)
  })

  test('its page tells of it, its console has said something', async () => {
    await demo.open(instances)
    await demo.row(server).getByRole('link', { name: server, exact: true }).click()
    const overview = await demo.tab('Overview')
    for (const said of [server, image, key, 'Active', '10.77.0.']) assert.ok(overview.includes(said), overview)
    assert.match(await demo.tab('Interfaces'), /10\.77\.0\.\d+[^]*Active/)
    assert.match(await demo.tab('Log'), /Linux version/)
    await demo.tab('Console')
    assert.match(await demo.tab('Action Log'), /create/i)
    await nothingRefused(demo)
  })

  test('it is paused, suspended, locked, rebooted, stopped, rescued, shelved, and each time back again', async () => {
    await act('pause', /Paused/)
    await act('pause', active)
    await act('suspend', /Suspended/)
    await act('suspend', active)
    await act('lock', active)
    await act('unlock', active)
    await act('soft_reboot', active)
    await act('reboot', active)
    await act('stop', /Shutoff\s+nova\s+None/)
    await act('start', active)
    await act('rescue', /Rescue\s+nova\s+None/)
    await act('unrescue', active)
    await act('shelve', /Shelved Offloaded\s+nova\s+None/)
    await act('shelve', active)
  })

  test('it is resized, rebuilt, and its image is taken', async () => {
    await demo.open(instances)
    await demo.dialogOf(server, 'resize')
    await demo.pick('id_flavor', new RegExp(wide))
    await demo.confirm()
    await demo.shows(server, /Confirm or Revert/)
    await act('confirm', new RegExp(`${wide}[^]*Active\\s+nova\\s+None`))
    await demo.dialogOf(server, 'rebuild')
    await demo.pick('id_image', new RegExp(image))
    await demo.confirm()
    await demo.shows(server, active)
    await demo.dialogOf(server, 'snapshot')
    const shot = name('shot')
    await demo.dialog.getByLabel('Snapshot Name').fill(shot)
    await demo.confirm()
    await demo.open('/project/images/')
    await demo.page.getByText(shot, { exact: true }).first().waitFor()
    await nothingRefused(demo)
  })

  test('a volume, an interface, an address and a security group are given to it and taken back', async () => {
    await demo.open(instances)
    await demo.dialogOf(server, 'attach_volume')
    await demo.pick('id_volume', new RegExp(volume))
    await demo.confirm()
    await demo.comesToShow('/project/volumes/', volume, text => /In-use/.test(text) && text.includes(server))
    await demo.open(instances)
    await demo.dialogOf(server, 'detach_volume')
    await demo.pick('id_volume', new RegExp(volume))
    await demo.confirm()
    await demo.comesToShow('/project/volumes/', volume, text => /Available/.test(text))
    await nothingRefused(demo)

    await demo.open(instances)
    await demo.dialogOf(server, 'attach_interface')
    await demo.pick('id_network', new RegExp(aside))
    await demo.confirm()
    await demo.comesToShow(instances, server, text => text.includes('10.78.0.'))
    await demo.dialogOf(server, 'detach_interface')
    await demo.pick('id_port', /10\.78\.0\.\d+/)
    await demo.confirm()
    await demo.comesToShow(instances, server, text => !text.includes('10.78.0.'))
    await nothingRefused(demo)

    await demo.dialogOf(server, 'associate')
    await demo.pick('id_ip_id', /172\.24\.9\.\d+/)
    await demo.pick('id_port_id', /10\.77\.0\.\d+/)
    await demo.confirm()
    await demo.comesToShow(instances, server, text => text.includes('172.24.9.'))
    await demo.dialogOf(server, 'disassociate')
    await demo.confirm()
    await nothingRefused(demo)

    await demo.open(instances)
    await demo.dialogOf(server, 'edit_secgroups')
    await demo.dialog.locator('li, ul').filter({ hasText: group }).locator('a[href="#add_remove"]').last().click()
    await demo.confirm()
    await demo.open(instances)
    await demo.row(server).getByRole('link', { name: server, exact: true }).click()
    assert.match(await demo.tab('Overview'), new RegExp(group))
    await nothingRefused(demo)
  })

  test('every panel opens, of the project and of the administrator', async () => {
    for (const dashboard of [demo, admin]) {
      for (const path of await dashboard.panels()) {
        await dashboard.open(path)
        await nothingRefused(dashboard)
      }
    }
  })

  test('an administrator moves it, alive and not, and sees the hosts', async () => {
    const panel = '/admin/instances/'
    await admin.open(panel)
    const shown = await admin.row(server).innerText()
    const [here, there] = shown.includes(hosts[0]) ? hosts : [hosts[1], hosts[0]]
    await admin.dialogOf(server, 'live_migrate')
    await admin.pick('id_host', new RegExp(there))
    await admin.tick('id_block_migration')
    await admin.confirm()
    await admin.comesToShow(panel, server, text => text.includes(there) && /Active\s+None/.test(text))
    await nothingRefused(admin)
    await admin.choose(server, 'migrate')
    await admin.confirm()
    await admin.comesToShow(panel, server, text => text.includes(here) && /Confirm or Revert/.test(text))
    await admin.choose(server, 'confirm')
    await admin.comesToShow(panel, server, text => /Active\s+None/.test(text))
    await admin.open('/admin/hypervisors/')
    for (const host of hosts) await admin.row(host).first().waitFor()
    await nothingRefused(admin)
  })

  test('an administrator makes a flavor and an aggregate, and takes them away', async () => {
    const made = name('made')
    await admin.open('/admin/flavors/')
    await admin.page.locator('#flavors__action_create').click()
    await admin.dialog.getByLabel('Name', { exact: true }).fill(made)
    await admin.dialog.locator('#id_vcpus').fill('1')
    await admin.dialog.locator('#id_memory_mb').fill('64')
    await admin.dialog.locator('#id_disk_gb').fill('1')
    await admin.confirm()
    await admin.shows(made, /64MB[^]*1GB/)
    await admin.choose(made, 'delete')
    await admin.confirm()
    await admin.row(made).waitFor({ state: 'detached' })
    await nothingRefused(admin)
    await admin.open('/admin/aggregates/')
    await admin.page.locator('#host_aggregates__action_create').click()
    await admin.dialog.getByLabel('Name', { exact: true }).fill(made)
    await admin.dialog.locator('#id_availability_zone').fill('elsewhere')
    await admin.confirm()
    await admin.shows(made, /elsewhere/)
    await admin.choose(made, 'delete')
    await admin.confirm()
    await admin.row(made).waitFor({ state: 'detached' })
    await nothingRefused(admin)
  })

  test('an administrator switches a host off and on, and sets quotas', async () => {
    const panel = '/admin/hypervisors/?tab=hypervisor_info__compute_host'
    const demoRest = await Rest.login(file.urls.identity, 'demo', file.passwords.demo, 'demo')
    await admin.open(panel)
    await admin.dialogOf(hosts[1], 'disable')
    await admin.dialog.locator('#id_reason').fill('repairs')
    await admin.confirm()
    await admin.comesToShow(panel, hosts[1], text => /Disabled\s+Up/.test(text))
    await admin.choose(hosts[1], 'enable')
    await admin.settle()
    await admin.comesToShow(panel, hosts[1], text => /Enabled\s+Up/.test(text))
    for (const instances of ['11', '10']) {
      await admin.open('/admin/defaults/')
      await admin.page.locator('[id$="__action_update_compute_defaults"]').click()
      await admin.dialog.locator('#id_instances').fill(instances)
      await admin.confirm()
      await admin.comesToShow('/admin/defaults/', 'Instances', text => text.includes(instances))
    }
    for (const instances of ['12', '10']) {
      await admin.open('/identity/')
      await admin.dialogOf('demo', 'quotas')
      await admin.dialog.locator('#id_instances').fill(instances)
      await admin.confirm()
      const { limits } = await demoRest.call<{ limits: { absolute: Record<string, number> } }>(
        'compute',
        'GET',
        '/limits',
      )
      assert.equal(limits.absolute['maxTotalInstances'], Number(instances))
    }
    await nothingRefused(admin)
  })

  test('the project gets a key pair and a server group', async () => {
    const made = name('made')
    for (const [path, what] of [
      ['/project/key_pairs', 'Create Key Pair'],
      ['/project/server_groups', 'Create Server Group'],
    ] as const) {
      await demo.open(path)
      await demo.page.getByRole('button', { name: what }).first().click()
      const dialog = demo.page.locator('.modal-dialog')
      await dialog.locator('input[name="name"]').fill(made)
      await dialog.locator('select').first().selectOption({ index: 1 })
      await dialog
        .getByRole('button', { name: /Create|Submit/ })
        .last()
        .click()
      await demo.page.getByRole('link', { name: made, exact: true }).waitFor()
      await demo.picture()
    }
    await nothingRefused(demo)
    await allWork(asDemo, `keypair delete ${made}`, `server group delete ${made}`)
  })

  test('it is deleted on the page, and gone', async () => {
    await demo.open(instances)
    await demo.choose(server, 'delete')
    await demo.confirm()
    await demo.page.getByText('No items to display.').waitFor()
    assert.deepEqual(await demo.complaints(), [])
    // The row asks for what it shows until that is no longer there.
    const refused = recorder.heard.slice(heard).filter(({ status }) => status >= 400)
    assert.ok(
      refused.every(({ method, path, status }) => method === 'GET' && /\/servers\/[^/]+$/.test(path) && status === 404),
    )
  })

  test('a cloud that is kept is as it was before, without the hosts too', async () => {
    const floating = await asked<{ ID: string }[]>(asDemo, 'floating ip list')
    const shots = await asked<{ ID: string }[]>(asDemo, 'image list --private')
    await allWork(
      asDemo,
      ...floating.map(({ ID }) => `floating ip delete ${ID}`),
      ...shots.map(({ ID }) => `image delete ${ID}`),
      `router remove subnet ${router} ${inside}`,
      `router delete ${router}`,
      `network delete ${inside} ${aside}`,
      `security group delete ${group}`,
      `keypair delete ${key}`,
      `volume delete ${volume}`,
    )
    await allWork(nova, `network delete ${outside}`, `flavor delete ${small} ${wide}`, `image delete ${image}`)
    const all = [nova.service['nova-compute'], ...Object.values(nova.otherHost)]
    for (const process of all) assert.equal(await process?.end('SIGTERM'), 0)
    const services = await asked<{ ID: string }[]>(nova, 'compute service list --service nova-compute')
    await allWork(nova, ...services.map(({ ID }) => `compute service delete ${ID}`))
  })
})
