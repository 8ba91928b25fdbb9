import type { Endpoint, Resource } from '#api/kit'
import { Span } from '#api/kit'
import type { ApiDeps } from '../../deps.ts'

/** Actions of servers that Nova has under the alias; its other actions were added to servers alone. */
const actions: ReadonlySet<string> = new Set([
  'confirmResize',
  'createImage',
  'os-start',
  'os-stop',
  'reboot',
  'rebuild',
  'resize',
  'revertResize',
  'trigger_crash_dump',
])

const servers = '/servers'
const firstWithout = 103

/** Where it exists as an operation of servers, until the version that ended the alias. */
const untilTheEnd = (exists: { readonly steps: Span['steps'] }): Span =>
  new Span([...exists.steps.filter(step => step.at < firstWithout), { at: firstWithout, value: false }])

type Handled = Endpoint<ApiDeps>['operation']

/** The same operation; it asks for the rule of the one it stands for, and has none of its own. */
function alias(operation: Handled): Handled {
  const { policy, exists } = operation
  return {
    ...operation,
    exists: untilTheEnd(exists),
    policy: null,
    alsoPolicies: policy === null ? operation.alsoPolicies : [policy, ...operation.alsoPolicies],
    handle: (context, deps) => operation.handle(asking(context, policy) as never, deps),
  }
}

/** The context with `allow` meaning the rule of the operation that is aliased. */
function asking(context: object, policy: string | null): object {
  const { allow } = context as { allow: (target?: unknown, rule?: string) => void }
  const own = policy === null ? allow : (target?: unknown, rule: string = policy) => allow(target, rule)
  return new Proxy(context, { get: (of, name) => (name === 'allow' ? own : Reflect.get(of, name, of)) })
}

const hasAlias = ({ path, action, method }: Endpoint<ApiDeps>): boolean => {
  if (action !== undefined) return path === `${servers}/{id}/action` && method === 'POST' && actions.has(action)
  return path === servers || path === `${servers}/detail` || path === `${servers}/{id}`
}

/** `/os-volumes_boot`: another address of servers, from when booting from a volume was an extension. */
export const volumesBoot = (resources: readonly Resource<ApiDeps>[]): Resource<ApiDeps> => ({
  endpoints: resources
    .flatMap(resource => resource.endpoints)
    .filter(hasAlias)
    .map(endpoint => ({
      ...endpoint,
      path: `/os-volumes_boot${endpoint.path.slice(servers.length)}`,
      operation: alias(endpoint.operation),
    })),
})
