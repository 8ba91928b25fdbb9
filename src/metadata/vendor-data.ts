/** Vendor data: a file of the operator, and services of the operator that are asked about each instance. */
import { readFile } from 'node:fs/promises'
import { type Json, type Log } from '#base'
import type { Config } from '#config'
import { VendorDataUnavailable } from './faults.ts'
import type { JsonObject } from './openstack-tree.ts'
import { postJson } from './post-json.ts'
import type { InstanceMetadata } from './source.ts'

export type VendorDataConfig = Pick<
  Config['api'],
  | 'vendordata_providers'
  | 'vendordata_jsonfile_path'
  | 'vendordata_dynamic_targets'
  | 'vendordata_dynamic_connect_timeout'
  | 'vendordata_dynamic_read_timeout'
  | 'vendordata_dynamic_failure_fatal'
  | 'vendordata_dynamic_ssl_certfile'
>

export interface VendorDataOptions {
  readonly config: VendorDataConfig
  readonly log: Log
  /** A Keystone token of [vendordata_dynamic_auth], when that is configured. */
  readonly token?: () => Promise<string | undefined>
}

export interface VendorData {
  /** vendor_data.json; undefined when the operator has not enabled StaticJSON. */
  fixed(): Promise<Json | undefined>
  /** vendor_data2.json. */
  all(view: InstanceMetadata): Promise<JsonObject>
}

async function readFixed(path: string | null, log: Log): Promise<Json> {
  if (path === null || path === '') return {}
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Json
  } catch (error) {
    log.warn({ path, err: error }, 'vendor data file cannot be used')
    return {}
  }
}

/** `name@url`; the first entry of a name counts. */
function targetsOf(config: VendorDataConfig, log: Log): Map<string, string> {
  const targets = new Map<string, string>()
  for (const target of config.vendordata_dynamic_targets) {
    const at = target.indexOf('@')
    if (at < 0) log.warn({ target }, 'vendor data target has no name')
    else if (targets.has(target.slice(0, at))) log.warn({ target }, 'vendor data target of that name is already there')
    else targets.set(target.slice(0, at), target.slice(at + 1))
  }
  return targets
}

const question = (view: InstanceMetadata): JsonObject => ({
  'project-id': view.projectId,
  'instance-id': view.id,
  'image-id': view.imageId,
  'user-data': view.userData,
  hostname: view.hostname,
  metadata: { ...view.metadata },
  'boot-roles': view.bootRoles.join(','),
})

async function ask(options: VendorDataOptions, name: string, url: string, view: InstanceMetadata): Promise<Json> {
  const { config, log } = options
  try {
    const token = await options.token?.()
    const caFile = config.vendordata_dynamic_ssl_certfile
    const answer = await postJson(url, JSON.stringify(question(view)), {
      headers: {
        'user-agent': 'openstack-nova-vendordata',
        ...(token === undefined ? {} : { 'x-auth-token': token }),
      },
      connectMs: config.vendordata_dynamic_connect_timeout * 1000,
      readMs: config.vendordata_dynamic_read_timeout * 1000,
      ...(caFile === '' ? {} : { caFile }),
    })
    return answer === '' ? {} : (JSON.parse(answer) as Json)
  } catch (error) {
    log.warn({ instance_id: view.id, target: name, url, err: error }, 'vendor data service failed')
    if (!config.vendordata_dynamic_failure_fatal) return {}
    throw VendorDataUnavailable({ target: name, reason: (error as Error).message }, { cause: error })
  }
}

export function createVendorData(options: VendorDataOptions): VendorData {
  const { config, log } = options
  const hasFixed = config.vendordata_providers.includes('StaticJSON')
  const fixed = () => readFixed(config.vendordata_jsonfile_path, log)
  return {
    fixed: async () => (hasFixed ? await fixed() : undefined),
    async all(view) {
      const result: JsonObject = {}
      for (const provider of config.vendordata_providers) {
        if (provider === 'StaticJSON') {
          result.static ??= await fixed()
          continue
        }
        const targets = [...targetsOf(config, log)].filter(([name]) => !Object.hasOwn(result, name))
        const answers = await Promise.all(
          targets.map(async ([name, url]) => [name, await ask(options, name, url, view)] as const),
        )
        for (const [name, answer] of answers) result[name] = answer
      }
      return result
    },
  }
}
