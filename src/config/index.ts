/**
 * nova.conf: the operator's option names with types and defaults, one file per section in `options/`, and the reader of
 * oslo.config's syntax. A wrong value stops the process with file and line; an unknown option is only reported.
 * Called by `bin` and `allinone`; everything else gets its values as parameters.
 */
export { ConfigFileMalformed, ConfigFileMissing, ConfigFileUnreadable, ConfigValuesWrong } from './faults.ts'
export {
  type Config,
  type ConfigFacts,
  type ConfigOverrides,
  changedOptions,
  type LoadOptions,
  loadConfig,
  logConfigRemarks,
  type UnknownOption,
} from './load.ts'
export { configSample } from './sample.ts'
export { defaultConfigFiles, findBeside, type SearchPlace } from './search.ts'
