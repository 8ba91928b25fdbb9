import { declareFault } from '#base'

export const ConfigFileMissing = declareFault(
  'ConfigFilesNotFoundError',
  'final',
  (p: { file: string }) => `Failed to find the configuration file ${p.file}`,
)
export const ConfigFileUnreadable = declareFault(
  'ConfigFilesPermissionDeniedError',
  'final',
  (p: { file: string; reason: string }) => `Failed to read the configuration file ${p.file}: ${p.reason}`,
)
export const ConfigFileMalformed = declareFault(
  'ConfigFileParseError',
  'final',
  (p: { place: string; reason: string }) => `Failed to parse ${p.place}: ${p.reason}`,
)
/** All wrong values at once, one line each, so that one edit mends them. */
export const ConfigValuesWrong = declareFault('ConfigFileValueError', 'final', (p: { problems: readonly string[] }) =>
  p.problems.join('\n'),
)
