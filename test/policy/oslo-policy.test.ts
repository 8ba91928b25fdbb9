import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ManualClock, silentLog } from '#base'
import { type Credentials, Enforcer, novaDefaults, type RuleDefault } from '#policy'

/**
 * The same questions to our enforcer and to the real oslo.policy (Debian: python3-oslo.policy).
 * Rules are generated from a fixed seed, so a failure can be repeated.
 */
const seed = 20260731

const roles = ['admin', 'manager', 'member', 'reader', 'service', 'Member']
const projects = ['p1', 'p2']
const words = `role:admin role:MEMBER role:reader role:%(role)s role:%(missing)s rule:a rule:b rule:unknown
  @ ! project_id:%(project_id)s user_id:%(user_id)s tenant:%(project_id)s is_admin:True True:%(flag)s
  'p1':%(project_id)s "u1":%(user_id)s None:%(nothing)s 1:%(one)s roles:member system_scope:all
  domain_id:None nonsense no_such:thing is_admin_project:True project_id:p1 user:%(user_id)s`
const word = fc.constantFrom(...words.split(/\s+/))
const glue = fc.constantFrom(' and ', ' or ', ' AND ', ' Or ')
const { rule } = fc.letrec<{ rule: string; group: string }>(tie => ({
  rule: fc.oneof(
    { maxDepth: 3 },
    word,
    word.map(w => `not ${w}`),
    fc.tuple(tie('rule'), glue, tie('rule')).map(([a, g, b]) => a + g + b),
    tie('group'),
  ),
  group: tie('rule').chain(r => fc.constantFrom(`(${r})`, `( ${r} )`, `not (${r})`, `((${r}))`)),
}))
const broken = fc.constantFrom(
  '',
  '(',
  'role:admin and',
  'and',
  'role:admin role:reader',
  '()',
  'not',
  "'x'",
  ' ',
  '(role:admin',
)
const listRule = fc.array(fc.oneof(word, fc.array(word, { maxLength: 3 })), { maxLength: 3 })
const anyRule: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: rule },
  { weight: 1, arbitrary: broken },
  { weight: 1, arbitrary: listRule },
)

const caller: fc.Arbitrary<Credentials> = fc.record({
  userId: fc.constantFrom('u1', 'u2'),
  userDomainId: fc.constant('default'),
  projectId: fc.constantFrom('p1', 'p2', null),
  projectDomainId: fc.constant('default'),
  domainId: fc.constantFrom(null, null, null, 'd1'),
  systemScope: fc.constantFrom(false, false, false, true),
  roles: fc.subarray(roles),
})
const target = fc.record({
  project_id: fc.constantFrom(...projects, null),
  user_id: fc.constantFrom('u1', 'u2'),
  role: fc.constantFrom('admin', 'reader'),
  flag: fc.boolean(),
  one: fc.constantFrom(1, '1'),
  nothing: fc.constant(null),
})

const credsOf = (c: Credentials) => ({
  user_id: c.userId,
  user: c.userId,
  user_domain_id: c.userDomainId,
  project_id: c.projectId,
  tenant: c.projectId,
  project_domain_id: c.projectDomainId,
  domain_id: c.domainId,
  system_scope: c.systemScope ? 'all' : null,
  roles: c.roles,
  is_admin_project: true,
})

/** Null: oslo.policy itself broke down (a lone `and` is a rule it cannot run). */
interface Real {
  readonly language: (boolean | null)[]
  readonly deployments: boolean[][]
}

const bare = (name: string): RuleDefault => ({
  name,
  check: '!',
  description: '',
  operations: [],
  scopes: [],
  old: undefined,
})

describe('verdicts are those of oslo.policy', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'policy-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  function enforcer(
    defaults: readonly RuleDefault[],
    rules: Record<string, unknown>,
    name: string,
    enforceNewDefaults = true,
  ) {
    const file = join(folder, `${name}.yaml`)
    writeFileSync(file, JSON.stringify(rules))
    return { file, it: new Enforcer({ defaults, file, enforceNewDefaults, log: silentLog, clock: new ManualClock() }) }
  }

  function realVerdicts(question: object): Real {
    const script = join(import.meta.dirname, 'oslo_verdicts.py')
    const run = spawnSync('/usr/bin/python3', [script], {
      input: JSON.stringify(question),
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    })
    assert.equal(run.status, 0, `needs Debian's python3-oslo.policy: ${run.stderr}`)
    return JSON.parse(run.stdout) as Real
  }

  test('for generated rules', () => {
    const cases = fc.sample(fc.record({ asked: anyRule, a: anyRule, b: rule, caller, target }), { numRuns: 1500, seed })
    const language = cases.map(c => ({
      // Circles end in Python's recursion limit, so b refers to nobody.
      rules: { asked: c.asked, a: noRules(c.a), b: noRules(c.b), context_is_admin: 'role:admin' },
      target: c.target,
      creds: { ...credsOf(c.caller), is_admin: c.caller.roles.includes('admin') },
    }))
    const { language: real } = realVerdicts({ language, deployments: [] })
    for (const [i, c] of cases.entries()) {
      const rules = language[i]?.rules ?? {}
      const ours = enforcer([bare('asked')], rules, 'language').it.allow('asked', c.caller, c.target)
      if (real[i] !== null) assert.equal(ours.ok, real[i], JSON.stringify({ ...c, rules }))
    }
    assert.ok(
      real.filter(v => v === true).length > 200 && real.filter(v => v === false).length > 200,
      'both occur often',
    )
  })

  test("for Nova's defaults with an operator's changes, old names included", () => {
    const names = novaDefaults.map(d => d.name)
    const oldNames = novaDefaults.flatMap(d => (d.old === undefined ? [] : [d.old.name.replace('rule:', '')]))
    const files = fc.sample(
      fc.record({
        changed: fc.dictionary(
          fc.constantFrom(...names, ...oldNames),
          fc.constantFrom('@', '!', 'role:reader', 'user_id:%(user_id)s'),
          { maxKeys: 8 },
        ),
        asks: fc.array(fc.record({ rule: fc.constantFrom(...names), caller, target }), {
          minLength: 60,
          maxLength: 60,
        }),
        enforceNewDefaults: fc.boolean(),
      }),
      { numRuns: 12, seed },
    )
    const ready = files.map((f, i) => ({
      ...f,
      ...enforcer(novaDefaults, f.changed, `nova-${i}`, f.enforceNewDefaults),
    }))
    const { deployments } = realVerdicts({
      language: [],
      deployments: ready.map(({ file, enforceNewDefaults, asks }) => ({
        file,
        enforceNewDefaults,
        defaults: novaDefaults,
        asks: asks.map(ask => ({ rule: ask.rule, target: ask.target, creds: credsOf(ask.caller) })),
      })),
    })
    for (const [i, { it, asks, changed, enforceNewDefaults }] of ready.entries()) {
      const ours = asks.map(ask => it.allow(ask.rule, ask.caller, ask.target).ok)
      assert.deepEqual(ours, deployments[i], JSON.stringify({ changed, enforceNewDefaults }))
    }
  })
})

/** Takes the references to other rules out. */
const noRules = (rule: unknown): unknown => JSON.parse(JSON.stringify(rule).replaceAll(/rule:\w+/g, 'role:reader'))
