import assert from 'node:assert/strict'
import type { IdentityService } from '#embedded/identity'

export interface Person {
  readonly token: string
  readonly userId: string
  readonly projectId: string
}

type Face = IdentityService['face']

async function call(face: Face, method: 'POST' | 'PUT', url: string, token?: string, payload?: unknown) {
  const answer = await face.inject({
    method,
    url: `/v3${url}`,
    headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { 'x-auth-token': token }) },
    ...(payload === undefined ? {} : { payload: JSON.stringify(payload) }),
  })
  assert.ok(answer.statusCode < 300, `${method} ${url}: ${answer.body}`)
  return answer
}

const idOf = (answer: { json(): { [key: string]: { id: string } } }, key: string): string => {
  const id = answer.json()[key]?.id
  assert.ok(id !== undefined)
  return id
}

async function login(face: Face, name: string, password: string, projectId: string): Promise<string> {
  const user = { name, domain: { id: 'default' }, password }
  const auth = { identity: { methods: ['password'], password: { user } }, scope: { project: { id: projectId } } }
  const token = (await call(face, 'POST', '/auth/tokens', undefined, { auth })).headers['x-subject-token']
  assert.equal(typeof token, 'string')
  return String(token)
}

/** Who the tests speak as: an administrator, a member and a reader of one project, a member of another one. */
export interface People {
  readonly admin: Person
  readonly member: Person
  readonly reader: Person
  readonly stranger: Person
  /** One more user, in a project of his own or in a known one. */
  add(name: string, role: string, projectId?: string): Promise<Person>
}

export async function introduce(identity: IdentityService, adminPassword: string): Promise<People> {
  const { face, bootstrapped } = identity
  const { adminProjectId, adminUserId, roleIds } = bootstrapped
  const token = await login(face, 'admin', adminPassword, adminProjectId)
  const add = async (name: string, role: string, given?: string): Promise<Person> => {
    const password = `password of ${name}`
    const project = { project: { name: `project of ${name}` } }
    const projectId = given ?? idOf(await call(face, 'POST', '/projects', token, project), 'project')
    const userId = idOf(await call(face, 'POST', '/users', token, { user: { name, password } }), 'user')
    await call(face, 'PUT', `/projects/${projectId}/users/${userId}/roles/${roleIds[role]}`, token)
    return { token: await login(face, name, password, projectId), userId, projectId }
  }
  const member = await add('member', 'member')
  const reader = await add('reader', 'reader', member.projectId)
  const stranger = await add('stranger', 'member')
  return { admin: { token, userId: adminUserId, projectId: adminProjectId }, member, reader, stranger, add }
}
