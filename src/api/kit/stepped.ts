import { legacy, minor, minVersion, type Version, type VersionText } from './version.ts'

/** A value that changes at some microversions: a status code, the existence of an operation, a named behaviour. */
export class Stepped<T> {
  readonly steps: readonly { readonly at: Version; readonly value: T }[]

  constructor(steps: readonly { readonly at: Version; readonly value: T }[]) {
    this.steps = steps
  }

  /** From this version on the value is another one. */
  since<U>(version: VersionText, value: U): Stepped<T | U> {
    return new Stepped<T | U>([...this.steps, { at: minor(version), value }])
  }

  at(version: Version): T {
    const asked = version === legacy ? minVersion : version
    let found = this.steps[0]
    for (const step of this.steps) if (step.at <= asked) found = step
    if (found === undefined) throw new Error('a stepped value without steps')
    return found.value
  }

  map<U>(change: (value: T) => U): Stepped<U> {
    return new Stepped(this.steps.map(({ at, value }) => ({ at, value: change(value) })))
  }

  get cuts(): readonly Version[] {
    return this.steps.map(step => step.at).filter(at => at > minVersion)
  }
}

/** The same at every version, until `.since()` says otherwise: `always(200).since('2.2', 201)`. */
export const always = <T>(value: T): Stepped<T> => new Stepped([{ at: minVersion, value }])

/** A yes/no by version; may be switched off and on again (`since('2.32').until('2.33').from('2.42')`). */
export class Span extends Stepped<boolean> {
  until(version: VersionText): Span {
    return new Span([...this.steps, { at: minor(version), value: false }])
  }

  from(version: VersionText): Span {
    return new Span([...this.steps, { at: minor(version), value: true }])
  }
}

/** True from this version on. */
export const since = (version: VersionText): Span =>
  new Span([
    { at: minVersion, value: false },
    { at: minor(version), value: true },
  ])

/** True below this version. */
export const until = (version: VersionText): Span =>
  new Span([
    { at: minVersion, value: true },
    { at: minor(version), value: false },
  ])

export const everywhere: Span = new Span([{ at: minVersion, value: true }])
