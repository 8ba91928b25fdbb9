import { guestName } from '#model'
import { type Wire, wire } from '../payloads/index.ts'
import type { About, AboutInstance, Desk } from './about.ts'
import { exceptionPayload } from './exception.ts'
import { flavorPayload } from './flavor.ts'
import { actionData, auditPayload, auditPeriod, instanceData, statePayload, statesOf } from './instance.ts'
import { type InstanceFacts, instanceFacts } from './instance-facts.ts'
import * as others from './others.ts'
import { requestSpecPayload } from './request-spec.ts'

/** What an event is about, for whoever keeps the order and for whoever may see it. */
export interface Subject {
  /** The server, where it is about one. */
  readonly instanceId: string | null
  readonly projectId: string | null
  /** On which it has happened; null: on this process's. */
  readonly host: string | null
}

export interface Described<N extends string = string> extends Subject {
  readonly payload: Wire<N>
  /** For unversioned notifications: of events about servers only. */
  readonly facts?: InstanceFacts
}

type Describe<N extends keyof About> = (desk: Desk, about: About[N]) => Promise<Described<N> | undefined>

const nobody: Subject = { instanceId: null, projectId: null, host: null }

/** About a server: its facts are read, then the payload is made of them. */
const ofInstance =
  <N extends keyof About>(
    needs: Parameters<typeof instanceFacts>[2],
    make: (desk: Desk, facts: InstanceFacts, about: About[N]) => Wire<N>,
  ): Describe<N> =>
  async (desk, about) => {
    const facts = await instanceFacts(desk, about as unknown as AboutInstance, needs)
    if (facts === undefined) return undefined
    const { id, projectId, host } = facts.instance
    return { payload: make(desk, facts, about), instanceId: id, projectId, host, facts }
  }

const describe: { readonly [N in keyof About]: Describe<N> } = {
  AggregatePayload: async (_, { aggregate }) => ({ ...nobody, payload: others.aggregatePayload(aggregate) }),
  AggregateCachePayload: async (_, about) => ({ ...nobody, payload: others.cachePayload(about) }),
  ExceptionPayload: async ({ tx }, { failure, instanceId }) => {
    const instance = instanceId === null ? undefined : await tx.instances.find(instanceId, { withDeleted: true })
    return {
      instanceId,
      projectId: instance?.projectId ?? null,
      host: instance?.host ?? null,
      payload: exceptionPayload(failure),
    }
  },
  ComputeTaskPayload: async ({ tx }, { instanceId, spec: asked, state, failure }) => {
    const spec = asked ?? (await tx.requestSpecs.find(instanceId))
    return {
      ...nobody,
      instanceId,
      projectId: spec?.projectId ?? null,
      payload: wire('ComputeTaskPayload', {
        instance_uuid: instanceId,
        request_spec: spec === undefined ? null : requestSpecPayload(spec, instanceId, 1),
        state,
        reason: exceptionPayload(failure),
      }),
    }
  },
  FlavorPayload: async ({ tx }, { flavor }) => ({
    ...nobody,
    payload: flavorPayload(flavor, await tx.flavors.projects(flavor)),
  }),
  InstanceActionPayload: ofInstance({}, (desk, facts, about) =>
    wire('InstanceActionPayload', actionData(desk, facts, about)),
  ),
  InstanceActionRebuildPayload: ofInstance({}, (desk, facts, about) =>
    wire('InstanceActionRebuildPayload', {
      ...actionData(desk, facts, about),
      trusted_image_certificates: facts.instance.trustedImageCertificates,
    }),
  ),
  InstanceActionRescuePayload: ofInstance({}, (desk, facts, about) =>
    wire('InstanceActionRescuePayload', {
      ...actionData(desk, facts, about),
      rescue_image_ref: about.rescueImageId,
    }),
  ),
  InstanceActionResizePrepPayload: ofInstance({}, (desk, facts, about) =>
    wire('InstanceActionResizePrepPayload', {
      ...actionData(desk, facts, about),
      new_flavor: about.newFlavor === null ? null : flavorPayload(about.newFlavor),
    }),
  ),
  InstanceActionSharePayload: ofInstance({}, (desk, facts, about) =>
    wire('InstanceActionSharePayload', { ...actionData(desk, facts, about), share_id: about.shareId }),
  ),
  InstanceActionSnapshotPayload: ofInstance({}, (desk, facts, about) =>
    wire('InstanceActionSnapshotPayload', { ...actionData(desk, facts, about), snapshot_image_id: about.imageId }),
  ),
  InstanceActionVolumePayload: ofInstance({}, (desk, facts, about) =>
    wire('InstanceActionVolumePayload', { ...actionData(desk, facts, about), volume_id: about.volumeId }),
  ),
  InstanceActionVolumeSwapPayload: ofInstance({}, (desk, facts, about) =>
    wire('InstanceActionVolumeSwapPayload', {
      ...actionData(desk, facts, about),
      old_volume_id: about.oldVolumeId,
      new_volume_id: about.newVolumeId,
    }),
  ),
  InstanceCreatePayload: ofInstance({ tags: true, key: true }, (desk, facts, about) =>
    wire('InstanceCreatePayload', {
      ...actionData(desk, facts, about),
      instance_name: guestName(facts.instance.number),
      keypairs: facts.key === null ? [] : [others.keypairPayload(facts.key)],
      tags: facts.tags,
      trusted_image_certificates: facts.instance.trustedImageCertificates,
    }),
  ),
  InstanceExistsPayload: ofInstance({}, (desk, facts, { period }) =>
    wire('InstanceExistsPayload', {
      ...instanceData(desk, facts),
      audit_period: auditPayload(period ?? auditPeriod(desk, true)),
    }),
  ),
  InstanceUpdatePayload: ofInstance({ tags: true }, (desk, facts, { stateUpdate, oldDisplayName = null }) =>
    wire('InstanceUpdatePayload', {
      ...instanceData(desk, facts),
      audit_period: auditPayload(auditPeriod(desk, true)),
      old_display_name: oldDisplayName,
      state_update: statePayload(stateUpdate ?? statesOf(facts.instance)),
      tags: facts.tags,
    }),
  ),
  KeypairPayload: async (_, { keypair, projectId }) => ({
    ...nobody,
    projectId,
    payload: others.keypairPayload(keypair),
  }),
  LibvirtErrorPayload: async (_, { ip, failure }) => ({
    ...nobody,
    payload: wire('LibvirtErrorPayload', { ip, reason: exceptionPayload(failure) }),
  }),
  MetricsPayload: async (_, about) => ({ ...nobody, payload: others.metricsPayload(about) }),
  RequestSpecPayload: async (_, { spec, instanceId, count }) => ({
    ...nobody,
    instanceId,
    projectId: spec.projectId,
    payload: requestSpecPayload(spec, instanceId, count),
  }),
  ServerGroupPayload: async (_, { group }) => ({
    ...nobody,
    projectId: group.projectId,
    payload: others.groupPayload(group),
  }),
  ServiceStatusPayload: async ({ tx, settings }, { service }) => {
    const isHost = service.topic === 'compute'
    const zone = isHost ? ((await tx.aggregates.zones()).get(service.host) ?? settings.defaultZone) : null
    return { ...nobody, host: service.host, payload: others.servicePayload(service, zone) }
  },
  VolumeUsagePayload: async (_, about) => ({
    ...nobody,
    instanceId: about.usage.instanceId,
    projectId: about.usage.projectId,
    payload: others.volumeUsagePayload(about),
  }),
}

/** Undefined: what it is about is gone altogether. */
export const described = <N extends keyof About>(
  name: N,
  desk: Desk,
  about: About[N],
): Promise<Described<N> | undefined> => (describe[name] as Describe<N>)(desk, about)
