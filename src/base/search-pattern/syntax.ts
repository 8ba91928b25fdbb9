import { type CharTest, charClass, negated, shorthand, single } from './chars.ts'

/** What a pattern says. Whether a repetition is greedy or lazy makes no difference to whether something is found. */
export type Node =
  | { readonly kind: 'one'; readonly test: CharTest }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'either'; readonly choices: readonly Node[] }
  | { readonly kind: 'repeat'; readonly item: Node; readonly min: number; readonly max: number }
  | { readonly kind: 'edge'; readonly at: Edge }
  | { readonly kind: 'look'; readonly item: Node; readonly isBehind: boolean; readonly isNegated: boolean }

export type Edge = 'start' | 'line start' | 'end' | 'very end' | 'line end' | 'word edge' | 'no word edge'

/** `broken`: no regular expression. `unsearchable`: one that needs backtracking (references to groups, atomic groups). */
export class PatternError extends Error {
  readonly reason: 'broken' | 'unsearchable'
  constructor(reason: 'broken' | 'unsearchable') {
    super(reason)
    this.reason = reason
  }
}

const broken = (): PatternError => new PatternError('broken')
const unsearchable = (): PatternError => new PatternError('unsearchable')

interface Flags {
  readonly ignoresCase: boolean
  readonly isMultiline: boolean
  readonly dotIsAll: boolean
}

const controls: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, f: 12, v: 11, a: 7 }
const edges: Readonly<Record<string, Edge>> = { A: 'start', Z: 'very end', b: 'word edge', B: 'no word edge' }
const hexLength: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }
/** Deeper than anybody writes, less than the stack. */
const maxDepth = 100

/** Reads the syntax of Python's `re`, which is what Nova checks patterns against. */
export class SyntaxReader {
  readonly #text: readonly string[]
  #at = 0
  #depth = 0
  #flags: Flags = { ignoresCase: false, isMultiline: false, dotIsAll: false }

  constructor(text: string) {
    this.#text = Array.from(text)
  }

  read(): Node {
    const node = this.#either()
    if (this.#at < this.#text.length) throw broken()
    return node
  }

  #peek(text: string): boolean {
    return Array.from(text).every((c, i) => this.#text[this.#at + i] === c)
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false
    this.#at += text.length
    return true
  }

  #next(): string {
    const c = this.#text[this.#at++]
    if (c === undefined) throw broken()
    return c
  }

  /** A sticky match of the rest, for words of ASCII. */
  #match(form: RegExp): RegExpExecArray | null {
    const found = form.exec(this.#text.slice(this.#at, this.#at + 80).join(''))
    if (found !== null) this.#at += found[0].length
    return found
  }

  #either(): Node {
    if (++this.#depth > maxDepth) throw unsearchable()
    const choices = [this.#sequence()]
    while (this.#take('|')) choices.push(this.#sequence())
    this.#depth--
    const [only] = choices
    return choices.length === 1 && only !== undefined ? only : { kind: 'either', choices }
  }

  #sequence(): Node {
    const items: Node[] = []
    while (this.#at < this.#text.length && !this.#peek('|') && !this.#peek(')')) items.push(this.#repeated())
    return { kind: 'sequence', items }
  }

  #repeated(): Node {
    if (this.#quantifier() !== undefined) throw broken()
    const item = this.#atom()
    const range = this.#quantifier()
    if (range === undefined) return item
    if (item.kind === 'edge') throw broken()
    if (this.#take('+')) throw unsearchable()
    this.#take('?')
    if (this.#quantifier() !== undefined) throw broken()
    return { kind: 'repeat', item, ...range }
  }

  #quantifier(): { min: number; max: number } | undefined {
    const found = this.#match(/^(?:[*+?]|\{\d+(?:,\d*)?\}|\{,\d*\})/)
    if (found === null) return undefined
    const [text] = found
    if (text === '*') return { min: 0, max: Number.POSITIVE_INFINITY }
    if (text === '+') return { min: 1, max: Number.POSITIVE_INFINITY }
    if (text === '?') return { min: 0, max: 1 }
    const [low = '', high = low] = text.slice(1, -1).split(',')
    const [min, max] = [Number(low), high === '' ? Number.POSITIVE_INFINITY : Number(high)]
    if (max < min) throw broken()
    return { min, max }
  }

  #atom(): Node {
    const c = this.#next()
    if (c === '(') return this.#group()
    if (c === '[') return this.#one(this.#set())
    if (c === '.') return this.#one(this.#flags.dotIsAll ? () => true : code => code !== 10)
    if (c === '^') return { kind: 'edge', at: this.#flags.isMultiline ? 'line start' : 'start' }
    if (c === '$') return { kind: 'edge', at: this.#flags.isMultiline ? 'line end' : 'end' }
    if (c !== '\\') return this.#one(single(c.codePointAt(0) ?? 0))
    const edge = edges[this.#text[this.#at] ?? '']
    if (edge !== undefined) {
      this.#at++
      return { kind: 'edge', at: edge }
    }
    if (/^[1-9]$/.test(this.#text[this.#at] ?? '')) throw unsearchable()
    const escaped = this.#escape()
    return this.#one(typeof escaped === 'number' ? single(escaped) : escaped)
  }

  #one(test: CharTest): Node {
    if (!this.#flags.ignoresCase) return { kind: 'one', test }
    const cased = (code: number): boolean => {
      const c = String.fromCodePoint(code)
      return test(code) || test(c.toLowerCase().codePointAt(0) ?? code) || test(c.toUpperCase().codePointAt(0) ?? code)
    }
    return { kind: 'one', test: cased }
  }

  /** After a backslash: a character or a class of them. */
  #escape(): number | CharTest {
    const c = this.#next()
    const length = hexLength[c]
    if (length !== undefined) {
      const digits = this.#match(new RegExp(`^[0-9a-fA-F]{${length}}`))
      const code = Number.parseInt(digits?.[0] ?? '', 16)
      if (!(code <= 0x10_ff_ff)) throw broken()
      return code
    }
    if (c === '0') return Number.parseInt(`0${this.#match(/^[0-7]{1,2}/)?.[0] ?? ''}`, 8)
    const known = controls[c] ?? shorthand(c)
    if (known !== undefined) return known
    if (/^[0-9a-zA-Z]$/.test(c)) throw broken()
    return c.codePointAt(0) ?? 0
  }

  #set(): CharTest {
    const isNegated = this.#take('^')
    const parts: CharTest[] = []
    for (let isFirst = true; isFirst || !this.#peek(']'); isFirst = false) {
      const low = this.#setItem()
      if (!this.#peek('-') || this.#text[this.#at + 1] === ']') {
        parts.push(typeof low === 'number' ? single(low) : low)
        continue
      }
      this.#at++
      const high = this.#setItem()
      if (typeof low !== 'number' || typeof high !== 'number' || high < low) throw broken()
      parts.push(code => code >= low && code <= high)
    }
    this.#at++
    const test = charClass(parts)
    return isNegated ? negated(test) : test
  }

  #setItem(): number | CharTest {
    const c = this.#next()
    if (c !== '\\') return c.codePointAt(0) ?? 0
    if (this.#take('b')) return 8
    const octal = this.#match(/^[0-7]{1,3}/)
    return octal === null ? this.#escape() : Number.parseInt(octal[0], 8)
  }

  #group(): Node {
    const outer = this.#flags
    if (this.#match(/^\?#[^)]{0,70}\)/) !== null) return { kind: 'sequence', items: [] }
    if (this.#match(/^\?(?:P=|\(|>)/) !== null) throw unsearchable()
    const look = this.#match(/^\?(<?)([=!])/)
    const isGlobal = look === null && this.#openGroup()
    if (isGlobal) return { kind: 'sequence', items: [] }
    const item = this.#either()
    this.#flags = outer
    if (!this.#take(')')) throw broken()
    return look === null ? item : { kind: 'look', item, isBehind: look[1] === '<', isNegated: look[2] === '!' }
  }

  /** What follows `(`; true for flags that hold for the whole pattern and stand at its start. */
  #openGroup(): boolean {
    if (!this.#peek('?')) return false
    if (this.#match(/^\?P<[a-zA-Z_]\w{0,60}>/) !== null) return false
    const start = this.#at
    const found = this.#match(/^\?([aimsuxL]*)(?:-([imsx]+))?([:)])/)
    if (found === null) throw broken()
    const [, on = '', off = '', end] = found
    if (on.includes('x')) throw unsearchable()
    if (end === ')' && (start !== 1 || on === '' || off !== '')) throw broken()
    const has = (flag: string, before: boolean): boolean => (on.includes(flag) || before) && !off.includes(flag)
    const { ignoresCase, isMultiline, dotIsAll } = this.#flags
    this.#flags = {
      ignoresCase: has('i', ignoresCase),
      isMultiline: has('m', isMultiline),
      dotIsAll: has('s', dotIsAll),
    }
    return end === ')'
  }
}
