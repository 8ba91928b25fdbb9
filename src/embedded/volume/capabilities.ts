import { mapOf } from './core.ts'
import type { TypeRow } from './store/rows.ts'

/** What the one pool of files can do; a type's extra specs are held against it. */
export const capabilities = {
  volume_backend_name: 'files',
  pool_name: 'files',
  vendor_name: 'Open Source',
  driver_version: '1.0',
  storage_protocol: 'file',
  reserved_percentage: 0,
  max_over_subscription_ratio: '20.0',
  thin_provisioning_support: true,
  thick_provisioning_support: false,
  multiattach: true,
  online_extend_support: true,
  QoS_support: false,
  backend_state: 'up',
} as const

const truthOf = (text: string): boolean => ['1', 't', 'true', 'on', 'y', 'yes'].includes(text.toLowerCase())

/** One spec in Cinder's little language: `<is> True`, `<in> text`, `<or> a <or> b`, `s== text`, `>= 3`, or the text. */
function holds(value: string | number | boolean, spec: string): boolean {
  const [operator = '', ...rest] = spec.trim().split(/\s+/)
  const wanted = rest.join(' ')
  if (operator === '<is>') return truthOf(String(value)) === truthOf(wanted)
  if (operator === '<in>') return String(value).includes(wanted)
  if (operator === '<or>') return wanted.split('<or>').some(word => word.trim() === String(value))
  if (operator === 's==') return String(value) === wanted
  if (operator === 's!=') return String(value) !== wanted
  if (operator === '=' || operator === '>=') return Number(value) >= Number(wanted)
  if (operator === '==') return Number(value) === Number(wanted)
  if (operator === '!=') return Number(value) !== Number(wanted)
  if (operator === '<=') return Number(value) <= Number(wanted)
  return String(value).toLowerCase() === spec.trim().toLowerCase()
}

/** Whether the pool can hold volumes of the type; specs with a scope other than `capabilities` are not for it. */
export function fitsPool(type: TypeRow): boolean {
  return Object.entries(mapOf(type.extra_specs)).every(([key, spec]) => {
    const [scope, name] = key.includes(':') ? key.split(':') : ['capabilities', key]
    if (scope !== 'capabilities' || name === undefined) return true
    const value = Object.entries(capabilities).find(([known]) => known === name)?.[1]
    return value !== undefined && holds(value, spec)
  })
}
