import { declareFault } from '#base'

/** It does not answer, or not in time. What was asked is not done, or its transaction is known to be undone. */
export const DatabaseUnavailable = declareFault(
  'DatabaseUnavailable',
  'transient',
  () => 'The database is not available. Please try again later.',
)

/**
 * The connection broke while a statement of its own was on its way: nobody knows whether it was carried out. For its
 * caller that is as if the process had been killed at this line.
 */
export const DatabaseOutcomeUnknown = declareFault(
  'DatabaseOutcomeUnknown',
  'transient',
  () => 'The connection to the database was lost. Please look what has become of the request, and try again.',
)

/** The database went away, and whoever was in the middle of something must be as after a crash. */
export const isOutage = (error: unknown): boolean => DatabaseUnavailable.is(error) || DatabaseOutcomeUnknown.is(error)

export const BadDatabaseUrl = declareFault(
  'BadDatabaseUrl',
  'final',
  (p: { reason: string }) => `The database URL cannot be used: ${p.reason}.`,
)
