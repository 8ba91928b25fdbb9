/** As oslo.versionedobjects writes a time: UTC, whole seconds. */
export const objectTime = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

export const objectTimeOrNull = (ms: number | null): string | null => (ms === null ? null : objectTime(ms))

/** As Python prints one: `2012-10-29 13:42:11.123000`; without microseconds when they are 0. */
export const pythonTime = (ms: number): string =>
  new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace('Z', '000')
    .replace(/\.000000$/, '')

/** As Nova's strtime writes it in unversioned payloads: `2012-10-29T13:42:11.000000`; empty where there is none. */
export const legacyTime = (ms: number | null): string =>
  ms === null ? '' : new Date(ms).toISOString().replace('Z', '000')
