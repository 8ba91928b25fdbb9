import { base64, list, obj, str } from '#api/kit'
import { BadServerRequest } from './create-faults.ts'

/** Files for the guest, until 2.57. The shape lets a file miss its parts; Nova then stumbles, we say what is missing. */
export const personality = list(obj({ path: str.optional(), contents: base64.optional() }))

export interface InjectedFile {
  readonly path: string
  readonly contents: string
}

export const injectedFiles = (
  given: readonly { readonly path?: string; readonly contents?: string }[] | undefined,
): readonly InjectedFile[] =>
  (given ?? []).map(({ path, contents }) => {
    if (path === undefined) throw BadServerRequest({ text: 'Bad personality format: missing path' })
    if (contents === undefined) throw BadServerRequest({ text: 'Bad personality format: missing contents' })
    return { path, contents }
  })
