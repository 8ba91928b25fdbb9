import { boolean, dictionary, integer, listOf, nullable, object, type Schema, text } from './schema.ts'

/** Shapes that several methods take. */

export const callerShape: Schema = object({
  userId: text,
  userName: text,
  userDomainId: text,
  userDomainName: text,
  projectId: nullable(text),
  projectName: nullable(text),
  projectDomainId: nullable(text),
  projectDomainName: nullable(text),
  roles: listOf(text),
  systemScope: boolean,
  domainId: nullable(text),
  token: text,
  expiresAtMs: { type: 'number' },
})

export const wishShape: Schema = object({
  caller: callerShape,
  requestId: text,
  memoryMiB: integer,
  diskMiB: integer,
  count: { type: 'integer', minimum: 1 },
  imageProperties: dictionary(text),
  hints: dictionary(listOf(text)),
})
