import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTurns } from '../../tools/setup/turns.mjs'

test('whoever began first speaks at once, the others when it is their turn', () => {
  let heard = ''
  const turn = createTurns(text => (heard += text))
  const [first, second, third] = [turn(), turn(), turn()]
  second.say('b1 ')
  first.say('a1 ')
  assert.equal(heard, 'a1 ')
  third.say('c1 ')
  third.end()
  first.end()
  assert.equal(heard, 'a1 b1 ')
  second.say('b2 ')
  assert.equal(heard, 'a1 b1 b2 ')
  second.end()
  assert.equal(heard, 'a1 b1 b2 c1 ')
})
