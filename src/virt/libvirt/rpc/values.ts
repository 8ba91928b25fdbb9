import { MalformedMessage, type XdrReader, type XdrWriter } from './xdr.ts'

/** A domain as the protocol names it. The daemon finds it by uuid; name and id are decoration. */
export interface DomainRef {
  readonly name: string
  readonly uuid: string
  /** -1 when not running. */
  readonly id: number
}

const hex = /^[0-9a-f]{32}$/

export function writeDomain(writer: XdrWriter, domain: DomainRef): void {
  const digits = domain.uuid.replaceAll('-', '').toLowerCase()
  if (!hex.test(digits)) throw new TypeError(`not a uuid: ${domain.uuid}`)
  writer.string(domain.name).fixed(Buffer.from(digits, 'hex')).int(domain.id)
}

export function readDomain(reader: XdrReader): DomainRef {
  const name = reader.string()
  const h = reader.fixed(16).toString('hex')
  const uuid = `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`
  return { name, uuid, id: reader.int() }
}

export const domainById = (uuid: string): DomainRef => ({ name: 'guest', uuid, id: -1 })

/** Typed parameters by name. 64-bit numbers come as numbers: none of the counters we read passes 2^53. */
export type TypedParams = ReadonlyMap<string, number | string>

const typedParam = { int: 1, uint: 2, llong: 3, ullong: 4, double: 5, boolean: 6, string: 7 } as const

function readTypedValue(reader: XdrReader): number | string {
  const type = reader.int()
  switch (type) {
    case typedParam.int:
    case typedParam.boolean:
      return reader.int()
    case typedParam.uint:
      return reader.uint()
    case typedParam.llong:
      return Number(reader.hyper())
    case typedParam.ullong:
      return Number(reader.uhyper())
    case typedParam.double:
      return reader.double()
    case typedParam.string:
      return reader.string()
    default:
      throw new MalformedMessage(`typed parameter of type ${type}`)
  }
}

/** A parameter to be sent; a name may come several times. */
export type TypedParam = readonly [
  name: string,
  value: { readonly string: string } | { readonly int: number } | { readonly ullong: number },
]

export function writeTypedParam(writer: XdrWriter, [name, value]: TypedParam): void {
  writer.string(name)
  if ('string' in value) writer.int(typedParam.string).string(value.string)
  else if ('int' in value) writer.int(typedParam.int).int(value.int)
  else writer.int(typedParam.ullong).uhyper(BigInt(value.ullong))
}

export const readTypedParams = (reader: XdrReader): TypedParams =>
  new Map(reader.array(r => [r.string(), readTypedValue(r)] as const))
