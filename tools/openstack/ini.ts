/** What oslo.config reads: sections of options; a list is the option said several times. */
export type Ini = Readonly<Record<string, Readonly<Record<string, string | number | boolean | readonly string[]>>>>

const lines = (name: string, value: string | number | boolean | readonly string[]): readonly string[] =>
  (typeof value === 'object' ? value : [value]).map(one => `${name} = ${one}`)

export const iniText = (ini: Ini): string =>
  Object.entries(ini)
    .map(([section, options]) =>
      [`[${section}]`, ...Object.entries(options).flatMap(([name, value]) => lines(name, value)), ''].join('\n'),
    )
    .join('\n')
