/** Pieces of JSON schema that several resources share. */
export type Schema = Readonly<Record<string, unknown>>

/** A schema and the minor version from which it holds; the newest first. */
export type Cuts = readonly (readonly [since: number, schema: Schema])[]

export const uuidKey = '^[0-9a-fA-F-]{36}$'
export const nameKey = '^[A-Z0-9_]+$'
export const customName = '^CUSTOM_[A-Z0-9_]+$'
export const largestInteger = 2_147_483_647

export const text = { type: 'string' } as const
export const uuid = { type: 'string', format: 'uuid' } as const
export const integer = { type: 'integer' } as const
export const shortText = { type: 'string', minLength: 1, maxLength: 255 } as const

/** An object with exactly these properties. */
export const object = (properties: Record<string, Schema>, required: readonly string[] = []): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})

/** An object whose keys all look like this. */
export const dictionary = (key: string, value: Schema, minProperties = 0): Schema => ({
  type: 'object',
  patternProperties: { [key]: value },
  minProperties,
  additionalProperties: false,
})
