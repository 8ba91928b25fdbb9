import { after, before, test } from 'node:test'
import { type ApiCloud, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
})
after(() => cloud.close())

const path = () => `/flavors/${cloud.flavorId}/os-extra_specs`
const set = (specs: Readonly<Record<string, string | number>>, version: string = newest) =>
  cloud.request('POST', path(), { version, as: cloud.admin, body: { extra_specs: specs } })

const good: Readonly<Record<string, string | number>> = {
  'accel:device_profile': 'mine',
  'aggregate_instance_extra_specs:ssd': 'true',
  'capabilities:cpu_info:topology:cores': '> 2',
  'capabilities:free_ram_mb': '>= 5',
  group_policy: 'isolate',
  'hw:boot_menu': 'Yes',
  'hw:cpu_dedicated_mask': '^0-1,3',
  'hw:mem_page_size': '2MB',
  'hw:numa_cpus.0': '0-3,^2',
  'hw:numa_mem.10': 128,
  'hw:numa_nodes': 2,
  'hw:tpm_version': '2.0',
  'os:secure_boot': 'required',
  'pci_passthrough:alias': 'a1:2, b-2:1',
  'quota:cpu_quota': '-1',
  'quota:disk_total_iops_sec': '0',
  'resources:VCPU': '2',
  'resources_NET1:CUSTOM_THING': '1',
  'trait:HW_CPU_X86_VMX': 'required',
  'trait1:CUSTOM_FAST': 'forbidden',
  plain: 'whatever',
  'mine:thing': 'whatever',
}

test('what Nova knows, and what it leaves to others', async () => {
  for (const [name, value] of Object.entries(good)) (await set({ [name]: value })).expect(200)
})

const claimed = (name: string) => `Validation failed; extra spec '${name}' does not appear to be a valid extra spec.`
const bad: readonly (readonly [string, string, string])[] = [
  ['hw:nonsense', '1', claimed('hw:nonsense')],
  ['resources:NONSENSE', '1', claimed('resources:NONSENSE')],
  ['trait_A:NO_SUCH', 'required', claimed('trait_A:NO_SUCH')],
  ['trait:HW_CPU_X86_VMX', 'maybe', "Validation failed; 'maybe' is not one of: required, forbidden."],
  ['hw:cpu_policy', 'own', "Validation failed; 'own' is not one of: dedicated, shared, mixed."],
  ['hw:numa_nodes', 'two', "Validation failed; 'two' is not a valid integer value."],
  ['hw:numa_nodes', '0', "Validation failed; '0' is less than the min value of '1'."],
  ['hw:redirected_usb_ports', '16', "Validation failed; '16' is greater than the max value of '15'."],
  ['hw:boot_menu', 'perhaps', "Validation failed; 'perhaps' is not a valid boolean-like value."],
  [
    'hw:mem_page_size',
    'wide',
    "Validation failed; 'wide' is not of the format '(large|small|any|\\d+([kKMGT]i?)?(b|bit|B)?)'.",
  ],
]
for (const [name, value, words] of bad) {
  test(`${name}=${value} is refused from 2.86 on`, async () => {
    ;(await set({ [name]: value }, '2.85')).expect(200)
    ;(await set({ [name]: value }, '2.86')).refuses(400, words)
    const one = { version: '2.86', as: cloud.admin, body: { [name]: value } }
    ;(await cloud.request('PUT', `${path()}/${name}`, one)).refuses(400, words)
  })
}

test('long lists that are nearly right are refused at once', async () => {
  const cpus = `1${',1-2'.repeat(62)}x`
  ;(await set({ 'hw:numa_cpus.0': cpus })).expect(400)
  ;(await set({ 'hw:cpu_realtime_mask': cpus })).expect(400)
  ;(await set({ 'hw:pmem': `${'a'.repeat(250)}!` })).expect(400)
})
