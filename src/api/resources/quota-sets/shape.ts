import { int, intLike, type Shape } from '#api/kit'
import { fileQuotas, groupQuotas, lastingQuotas, networkQuotas } from './resources.ts'

/** The same shape under each name. */
const named = <const N extends readonly string[], S>(names: N, shape: S) =>
  Object.fromEntries(names.map(name => [name, shape])) as Record<N[number], S>

/** A limit as it is set: -1 is none. */
const limit = intLike({ pattern: '^-?[0-9]+$', low: -1, high: 2_147_483_647 }).optional()

/** Proxies for the network went in 2.36 (for classes: 2.50), injected files in 2.57. */
export const limitsOut = <I, O, M extends boolean, P extends boolean>(value: Shape<I, O, M, P>) => ({
  ...named(lastingQuotas, value),
  ...named(networkQuotas, value.until('2.36')),
  ...named(fileQuotas, value.until('2.57')),
  ...named(groupQuotas, value),
})

export const limitsIn = {
  ...named(lastingQuotas, limit),
  ...named(networkQuotas, limit.until('2.36')),
  ...named(fileQuotas, limit.until('2.57')),
  ...named(groupQuotas, limit),
}

/** Classes never showed server groups before 2.50, although they took them. */
export const classLimitsOut = {
  ...named(lastingQuotas, int),
  ...named(networkQuotas, int.until('2.50')),
  ...named(fileQuotas, int.until('2.57')),
  ...named(groupQuotas, int.since('2.50')),
}

export const classLimitsIn = {
  ...named(lastingQuotas, limit),
  ...named(networkQuotas, limit.until('2.50')),
  ...named(fileQuotas, limit.until('2.57')),
  ...named(groupQuotas, limit),
}
