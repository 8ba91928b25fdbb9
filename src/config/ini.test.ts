import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIni } from './ini.ts'

const read = (text: string) => parseIni(text, 'nova.conf').map(({ section, key, value }) => [section, key, value])

for (const [what, text, expected] of [
  [
    '= and :',
    '[a]\nb=1\nc : 2\nd = x:y\ne: x=y',
    [
      ['a', 'b', '1'],
      ['a', 'c', '2'],
      ['a', 'd', 'x:y'],
      ['a', 'e', 'x=y'],
    ],
  ],
  ['no inline comments', '[a]\nb = rabbit://u:p;x@h # y', [['a', 'b', 'rabbit://u:p;x@h # y']]],
  ['comments', '# x\n; y\n[a]\n#b=1\nc=2', [['a', 'c', '2']]],
  [
    'repeated keys stay',
    '[a]\nb=1\nb=2',
    [
      ['a', 'b', '1'],
      ['a', 'b', '2'],
    ],
  ],
  [
    'continuation',
    '[a]\nb = 1,\n  2,\n\t3\nc=4',
    [
      ['a', 'b', '1,\n2,\n3'],
      ['a', 'c', '4'],
    ],
  ],
  [
    'quotes around a whole value',
    '[a]\nb = " x "\nc = \'y\'\nd = "x" y',
    [
      ['a', 'b', ' x '],
      ['a', 'c', 'y'],
      ['a', 'd', '"x" y'],
    ],
  ],
  [
    'sections ignore case, DEFAULT does not',
    '[LibVirt]\na=1\n[DEFAULT]\nb=2',
    [
      ['libvirt', 'a', '1'],
      ['DEFAULT', 'b', '2'],
    ],
  ],
  ['dashes are underscores', '[a]\nmy-ip = 1', [['a', 'my_ip', '1']]],
  ['empty value', '[a]\nb =', [['a', 'b', '']]],
] as const) {
  test(what, () => assert.deepEqual(read(text), expected))
}

for (const [text, place, words] of [
  ['[a]\n\n  b', 'nova.conf:3', 'Unexpected continuation line'],
  ['a=1', 'nova.conf:1', 'Section must be started before assignment'],
  ['[a', 'nova.conf:1', 'Invalid section (must end with ])'],
  ['[]', 'nova.conf:1', 'Empty section name'],
  ['[a]\nword', 'nova.conf:2', "No ':' or '=' found in assignment"],
  ['[a]\n= x', 'nova.conf:2', 'Key cannot be empty'],
] as const) {
  test(`refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => read(text), { message: `Failed to parse ${place}: ${words}` })
  })
}
