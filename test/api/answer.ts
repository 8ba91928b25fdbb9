import assert from 'node:assert/strict'

/** Replies are looked at, not typed: a body is whatever JSON.parse gives. */
export type Json = ReturnType<typeof JSON.parse>

/** An HTTP answer with its body parsed; undefined when empty, a string when it is not JSON. */
export class Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Json

  constructor(status: number, headers: Headers, text: string) {
    this.status = status
    this.headers = headers
    this.text = text
    const isJson = headers.get('content-type')?.includes('json') === true
    this.body = text === '' ? undefined : isJson ? JSON.parse(text) : text
  }

  /** Fails with the whole answer when the status is another one. */
  expect(status: number): this {
    assert.equal(this.status, status, `status ${this.status}: ${this.text}`)
    return this
  }

  /** Name and message of an error: `{ itemNotFound: { code, message } }`. */
  get fault(): { name: string; message: string } {
    const [name = '', inner] = Object.entries<Json>(this.body ?? {})[0] ?? []
    return { name, message: String(inner?.message) }
  }

  /** An error with this status and exactly these words. */
  refuses(status: number, message: string | RegExp): this {
    this.expect(status)
    if (typeof message === 'string') assert.equal(this.fault.message, message)
    else assert.match(this.fault.message, message)
    return this
  }
}
