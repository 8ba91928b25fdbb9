import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadDatabaseUrl, nameOfDatabase, readDatabaseUrl } from './index.ts'

const plain = { kind: 'mysql', host: 'controller', port: 3306, database: 'nova' } as const

test('forms of nova.conf are read as SQLAlchemy reads them', () => {
  const cases: readonly [string, unknown][] = [
    ['sqlite://', { kind: 'sqlite', path: ':memory:' }],
    ['sqlite:///nova.sqlite', { kind: 'sqlite', path: 'nova.sqlite' }],
    ['sqlite:////var/lib/nova/nova.sqlite', { kind: 'sqlite', path: '/var/lib/nova/nova.sqlite' }],
    ['mysql+pymysql://nova:secret@controller/nova', { ...plain, user: 'nova', password: 'secret' }],
    ['mysql://nova:secret@controller/nova?charset=utf8', { ...plain, user: 'nova', password: 'secret' }],
    ['mariadb+pymysql://nova@controller:3307/nova', { ...plain, port: 3307, user: 'nova' }],
    ['mysql+mysqldb://controller/nova', plain],
    ['mysql+pymysql://nova:@controller/nova', { ...plain, user: 'nova', password: '' }],
    ['mysql+pymysql://nova:p%40ss%2Fw%3Ard%25@controller/nova', { ...plain, user: 'nova', password: 'p@ss/w:rd%' }],
    ['mysql+pymysql://nova:a:b/c#d?e@controller/nova', { ...plain, user: 'nova', password: 'a:b/c#d?e' }],
    ['mysql+pymysql://nova:100%@controller/nova', { ...plain, user: 'nova', password: '100%' }],
    ['mysql+pymysql://n@[fd00::1]:3306/nova', { ...plain, host: 'fd00::1', user: 'n' }],
    [
      'mysql+pymysql://root@localhost/nova?unix_socket=/run/mysqld/mysqld.sock',
      { ...plain, host: 'localhost', user: 'root', socketPath: '/run/mysqld/mysqld.sock' },
    ],
  ]
  for (const [url, expected] of cases) assert.deepEqual(readDatabaseUrl(url), expected, url)
})

test('an authority given means that the server must prove itself by name, as with PyMySQL', () => {
  const tls = (query: string) => {
    const address = readDatabaseUrl(`mysql+pymysql://controller/nova?${query}`)
    return address.kind === 'mysql' ? address.tls : undefined
  }
  assert.equal(tls('charset=utf8'), undefined)
  assert.deepEqual(tls('ssl_ca=/etc/ca.pem'), { ca: '/etc/ca.pem', isVerified: true, checksName: true })
  assert.deepEqual(tls('ssl_ca=/etc/ca.pem&ssl_check_hostname=false'), {
    ca: '/etc/ca.pem',
    isVerified: true,
    checksName: false,
  })
  assert.deepEqual(tls('ssl_cert=/c.pem&ssl_key=/k.pem'), {
    cert: '/c.pem',
    key: '/k.pem',
    isVerified: false,
    checksName: false,
  })
})

test('connection_parameters add to the URL, whose own win', () => {
  const read = (url: string) => readDatabaseUrl(url, 'unix_socket=/a&connect_timeout=5')
  assert.deepEqual(read('mysql://controller/nova'), { ...plain, socketPath: '/a', connectTimeoutMs: 5000 })
  assert.deepEqual(read('mysql://controller/nova?unix_socket=/b'), {
    ...plain,
    socketPath: '/b',
    connectTimeoutMs: 5000,
  })
})

test('what is no database of ours is named, without its password', () => {
  for (const url of [
    'postgresql://nova:secret@controller/nova',
    'nova:secret@controller',
    'mysql+pymysql://nova:secret@controller',
    'mysql+pymysql://nova:secret@controller/',
    'mysql:nova',
    'sqlite://secret@host/nova',
    '',
  ])
    assert.throws(
      () => readDatabaseUrl(url),
      (error: unknown) => BadDatabaseUrl.is(error) && !error.message.includes('secret@'),
      url,
    )
  const address = readDatabaseUrl('mysql+pymysql://nova:secret@controller:3307/nova')
  assert.equal(nameOfDatabase(address), 'mysql://controller:3307/nova')
})
