import { type CharTest, isWord } from './chars.ts'
import { type Edge, type Node, PatternError } from './syntax.ts'

type Step =
  | { readonly op: 'one'; readonly test: CharTest }
  | { readonly op: 'fork'; readonly to: number[] }
  | { readonly op: 'edge'; readonly at: Edge }
  | { readonly op: 'look'; readonly program: Program; readonly isNegated: boolean }
  | { readonly op: 'found' }

/** Steps of all programs of one pattern; with a text of 255 characters, as long as a name may be, some 100,000 moves at the most. */
const maxSteps = 500

interface Room {
  left: number
}

/**
 * A pattern as a machine that is in many steps at once (Thompson's): each character is looked at once, so that no pattern
 * takes longer than its length times that of the text.
 */
export class Program {
  readonly #steps: Step[] = []
  readonly #isBackwards: boolean
  readonly #room: Room

  constructor(node: Node, isBackwards = false, room: Room = { left: maxSteps }) {
    this.#isBackwards = isBackwards
    this.#room = room
    this.#add(node)
    this.#push({ op: 'found' })
  }

  #push(step: Step): number {
    if (--this.#room.left < 0) throw new PatternError('unsearchable')
    return this.#steps.push(step) - 1
  }

  #add(node: Node): void {
    switch (node.kind) {
      case 'one':
        this.#push({ op: 'one', test: node.test })
        return
      case 'edge':
        this.#push({ op: 'edge', at: node.at })
        return
      case 'sequence':
        for (const item of this.#isBackwards ? node.items.toReversed() : node.items) this.#add(item)
        return
      case 'either':
        this.#addChoices(node.choices)
        return
      case 'repeat':
        this.#addRepeat(node)
        return
      case 'look': {
        // What lies ahead of a place is what ends there when it is read from behind.
        const program = new Program(node.item, !node.isBehind, this.#room)
        this.#push({ op: 'look', program, isNegated: node.isNegated })
      }
    }
  }

  #addChoices(choices: readonly Node[]): void {
    const fork: number[] = []
    const ends: number[][] = []
    this.#push({ op: 'fork', to: fork })
    for (const choice of choices) {
      fork.push(this.#steps.length)
      this.#add(choice)
      const end: number[] = []
      ends.push(end)
      this.#push({ op: 'fork', to: end })
    }
    for (const end of ends) end.push(this.#steps.length)
  }

  #addRepeat({ item, min, max }: { item: Node; min: number; max: number }): void {
    for (let i = 0; i < min; i++) {
      const before = this.#steps.length
      this.#add(item)
      // Nothing, however often, is nothing.
      if (this.#steps.length === before) break
    }
    if (max === Number.POSITIVE_INFINITY) {
      const to: number[] = []
      const fork = this.#push({ op: 'fork', to })
      to.push(this.#steps.length)
      this.#add(item)
      this.#push({ op: 'fork', to: [fork] })
      to.push(this.#steps.length)
      return
    }
    const skips: number[][] = []
    for (let i = min; i < max; i++) {
      const to: number[] = []
      this.#push({ op: 'fork', to })
      to.push(this.#steps.length)
      this.#add(item)
      skips.push(to)
    }
    for (const skip of skips) skip.push(this.#steps.length)
  }

  /** Whether it is found anywhere. */
  isIn(text: readonly number[]): boolean {
    return this.#run(text, () => true)
  }

  /** By place, whether an occurrence ends there (read in this program's direction). */
  #endings(text: readonly number[]): Uint8Array {
    const endings = new Uint8Array(text.length + 1)
    this.#run(text, at => {
      endings[at] = 1
      return false
    })
    return endings
  }

  /** Calls back at every place where an occurrence ends, until that returns true. */
  #run(text: readonly number[], onFound: (at: number) => boolean): boolean {
    const steps = this.#steps
    const looks = steps.map(step => (step.op === 'look' ? step.program.#endings(text) : undefined))
    const seenAt = new Int32Array(steps.length).fill(-1)
    let current: number[] = []
    for (let i = 0; i <= text.length; i++) {
      const at = this.#isBackwards ? text.length - i : i
      const consuming: number[] = []
      const open = [...current, 0]
      let isFound = false
      for (let index = open.pop(); index !== undefined; index = open.pop()) {
        if (seenAt[index] === i) continue
        seenAt[index] = i
        const step = steps[index]
        if (step === undefined || step.op === 'found') isFound = true
        else if (step.op === 'one') consuming.push(index)
        else if (step.op === 'fork') open.push(...step.to)
        else if (step.op === 'edge' ? isEdge(step.at, text, at) : (looks[index]?.[at] === 1) !== step.isNegated)
          open.push(index + 1)
      }
      if (isFound && onFound(at)) return true
      const code = text[this.#isBackwards ? at - 1 : at]
      current = []
      for (const index of consuming) {
        const step = steps[index]
        if (code !== undefined && step?.op === 'one' && step.test(code)) current.push(index + 1)
      }
    }
    return false
  }
}

const newline = 10

function isEdge(edge: Edge, text: readonly number[], at: number): boolean {
  const isWordAt = (index: number): boolean => {
    const code = text[index]
    return code !== undefined && isWord(code)
  }
  const isEnd = at === text.length
  switch (edge) {
    case 'start':
      return at === 0
    case 'line start':
      return at === 0 || text[at - 1] === newline
    case 'end':
      return isEnd || (at === text.length - 1 && text[at] === newline)
    case 'very end':
      return isEnd
    case 'line end':
      return isEnd || text[at] === newline
    case 'word edge':
      return isWordAt(at - 1) !== isWordAt(at)
    case 'no word edge':
      return isWordAt(at - 1) === isWordAt(at)
  }
}
