import { declareFault } from '#base'
import {
  always,
  anything,
  bare,
  bool,
  either,
  int,
  keypairName,
  keypairNameWide,
  links,
  list,
  metadata,
  name,
  nonNegative,
  obj,
  oneOf,
  operation,
  query,
  reply,
  request,
  resource,
  since,
  str,
  tag,
  text,
  until,
  uuid,
} from './index.ts'

/** A small resource with the quirks of the big ones, for the kit's own tests. */
export interface Deps {
  readonly seen: unknown[]
}

export const WidgetNotFound = declareFault(
  'WidgetNotFound',
  'missing',
  (p: { id: string }) => `Widget ${p.id} could not be found.`,
)
export const WidgetBroken = declareFault('WidgetBroken', 'final', () => 'The widget broke.')

const network = obj({
  uuid: str.optional().from('2.37', uuid.optional()),
  // An off-by-one of the original: meant for 2.32 on, lost in 2.37, back in 2.42.
  tag: tag.optional().since('2.32').until('2.37').from('2.42', tag.optional()),
})

const widget = {
  id: str,
  name: str,
  type: oneOf('ssh', 'x509').since('2.2'),
  secret: str.optional().requires('widgets:secret'),
  flavor: obj({ id: str }).from('2.47', obj({ vcpus: int, ram: int })),
  links,
}

const view = (id: string) => ({
  id,
  name: `widget ${id}`,
  type: 'ssh' as const,
  secret: 'hidden',
  flavor: { id: '1', vcpus: 2, ram: 512 },
})

const op = operation<Deps>()

export const widgets = resource('/widgets', {
  'GET /': op({
    policy: 'widgets:index',
    query: query(
      { limit: nonNegative.optional(), marker: str.optional(), sort_key: oneOf('id', 'name').optional().many() },
      { strict: since('2.75') },
    ),
    reply: reply(obj({ widgets: list(obj(widget)), widgets_links: links.optional().since('2.35') })),
    handle({ allow, page, nextLinks, links, query }, { seen }) {
      allow()
      seen.push(query)
      const ids = Array.from({ length: Math.min(page().limit, 3) }, (_, i) => String(i))
      const items = ids.map(id => ({ ...view(id), links: links.both('widgets', id) }))
      return { widgets: items, widgets_links: nextLinks('widgets', items, item => item.id) }
    },
  }),

  'POST /': op({
    status: always(200).since('2.2', 201),
    policy: 'widgets:create',
    body: request(
      'widget',
      {
        name: keypairName.from('2.92', keypairNameWide),
        networks: list(network)
          .optional()
          .from('2.37', either(list(network), oneOf('auto', 'none'))),
        count: nonNegative.optional(),
        config_drive: bool.optional(),
        metadata: metadata.optional(),
        certificates: list(str, 2).optional().since('2.63').requires('widgets:certificates'),
        personality: list(obj({ path: str, contents: str }))
          .optional()
          .until('2.57'),
      },
      { hints: anything.optional() },
    ),
    reply: reply('widget', { ...widget, size: int.optional() }),
    behaviours: { keepsPersonality: until('2.57') },
    handle({ body, envelope, allow, behaves, links, header }, { seen }) {
      allow()
      seen.push({ body, hints: envelope.hints, keeps: behaves.keepsPersonality })
      header('location', links.self('widgets', '7'))
      return { ...view('7'), name: body.name, size: body.count, links: links.both('widgets', '7') }
    },
  }),

  'GET /{id}': op({
    policy: 'widgets:show',
    reply: reply('widget', widget),
    faults: { WidgetNotFound: 404 },
    async handle({ path, allow, links }) {
      if (path.id === 'none') throw WidgetNotFound({ id: path.id })
      if (path.id === 'broken') throw WidgetBroken({})
      if (path.id === 'bug') throw new TypeError('oops')
      if (path.id !== 'unasked') allow({ project_id: path.id === 'foreign' ? 'other' : undefined })
      return { ...view(path.id), links: links.both('widgets', path.id) }
    },
  }),

  'GET /special': op({ policy: null, reply: reply('special', anything), handle: () => ({ word: true }) }),

  'DELETE /{id}/parts/{part}': op({
    status: 204,
    policy: 'widgets:delete',
    handle({ path, allow }, { seen }) {
      allow()
      seen.push(`${path.id} ${path.part}`)
    },
  }),

  'POST /{id}/action reboot': op({
    status: 202,
    policy: 'widgets:reboot',
    body: bare(obj({ type: oneOf('HARD', 'SOFT') })),
    handle({ body, allow }, { seen }) {
      allow()
      seen.push(body.type)
    },
  }),

  'POST /{id}/action lock': op({
    status: 202,
    policy: 'widgets:lock',
    body: bare(anything.from('2.73', obj({ locked_reason: text({ min: 1, max: 255 }).optional() }).nullable())),
    handle({ allow, body }, { seen }) {
      allow()
      seen.push(body)
    },
  }),

  'POST /{id}/action dump': op({
    exists: since('2.17').until('2.44'),
    status: 202,
    policy: 'widgets:dump',
    handle: ({ allow }) => allow(),
  }),

  'PUT /{id}': op({
    policy: 'widgets:update',
    body: request('widget', { name, description: str.nullable().optional().since('2.19') }),
    reply: reply('widget', { name: str }),
    handle({ body, allow, isLegacy }) {
      allow()
      return { name: isLegacy ? body.name.trim() : body.name }
    },
  }),
})
