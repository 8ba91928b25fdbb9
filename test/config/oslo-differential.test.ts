import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { loadConfig } from '#config'

/** oslo.config itself as the oracle: the same generated files, read by both. */
const oracle = `
import json, sys
from oslo_config import cfg
answers = []
for path in json.load(sys.stdin):
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.StrOpt('host'), cfg.StrOpt('my_ip'), cfg.BoolOpt('debug', default=False),
        cfg.IntOpt('report_interval', default=10, min=1), cfg.ListOpt('enabled_apis', default=[]),
        cfg.FloatOpt('cpu_allocation_ratio', min=0), cfg.MultiStrOpt('virt_mkfs', default=[])])
    try:
        conf(['--config-file', path], project='nova', default_config_files=[], default_config_dirs=[], use_env=False)
        answers.append({name: conf[name] for name in ('host', 'my_ip', 'debug', 'report_interval', 'enabled_apis',
            'cpu_allocation_ratio', 'virt_mkfs')})
    except Exception as error:
        answers.append('refused')
json.dump(answers, sys.stdout)
`

const text = fc.oneof(
  fc.constantFrom(
    'a',
    '$my_ip',
    '$\x7bmy_ip}',
    '$$x',
    '\\$y',
    '$ z',
    '"q"',
    "'",
    'a;b',
    'x # y',
    'p:q=r',
    ' ',
    ',',
    '1,2, 3,',
    '%(x)s',
  ),
  fc.string({ unit: fc.constantFrom(...'ab=:;#\'" ,$'), maxLength: 8 }),
)
const line = fc.oneof(
  fc
    .tuple(fc.constantFrom('host', 'virt_mkfs', 'enabled_apis'), fc.constantFrom('=', ' = ', ':', ' : '), text)
    .map(parts => parts.join('')),
  fc.tuple(fc.constant('my_ip = '), fc.constantFrom('10.0.0.1', '', '"x"')).map(parts => parts.join('')),
  fc.constantFrom(
    'debug = on',
    'debug = False',
    'debug = 2',
    'report_interval = 5',
    'report_interval = 0',
    'report_interval = +7',
  ),
  fc.constantFrom(
    'cpu_allocation_ratio = 1.5',
    'cpu_allocation_ratio = 1e2',
    'cpu_allocation_ratio = .5',
    'cpu_allocation_ratio =',
  ),
  fc.constantFrom(
    '  more',
    '\tmore, 2',
    '# note',
    '; note',
    '',
    '   ',
    '[DEFAULT]',
    '[other]',
    '[broken',
    'word',
    '= x',
  ),
)
const file = fc.array(line, { maxLength: 8 }).map(lines => ['[DEFAULT]', ...lines, ''].join('\n'))

function ours(path: string): unknown {
  try {
    // host and my_ip have defaults of the machine here and none in the oracle.
    const { DEFAULT: d } = loadConfig({ files: [path], env: {} })
    const { host, my_ip, debug, report_interval, enabled_apis, cpu_allocation_ratio, virt_mkfs } = d
    return { host, my_ip, debug, report_interval, enabled_apis, cpu_allocation_ratio, virt_mkfs }
  } catch {
    return 'refused'
  }
}

test('generated files read as oslo.config reads them', t => {
  const folder = mkdtempSync(join(tmpdir(), 'oslo-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const samples = fc.sample(file, { numRuns: 400, seed }).map((body, index) => {
    const path = join(folder, `${index}.conf`)
    // Both always set, so that no default of the machine shows.
    const whole = `[DEFAULT]\nhost = h\nmy_ip = 10.9.9.9\nenabled_apis =\n${body}`
    writeFileSync(path, whole)
    return { path, whole }
  })
  const run = spawnSync('/usr/bin/python3', ['-c', oracle], {
    input: JSON.stringify(samples.map(sample => sample.path)),
    encoding: 'utf8',
  })
  assert.equal(run.status, 0, run.stderr)
  const answers = JSON.parse(run.stdout) as unknown[]
  assert.ok(answers.some(answer => answer === 'refused') && answers.some(answer => answer !== 'refused'))
  for (const [index, { path, whole }] of samples.entries()) {
    assert.deepEqual(ours(path), answers[index], `seed ${seed}:\n${whole}`)
  }
})
