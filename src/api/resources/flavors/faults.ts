import { declareFault } from '#base'

export const BadFlavor = declareFault('InvalidInput', 'refused', (p: { text: string }) => p.text)
export const FlavorAccessExists = declareFault(
  'FlavorAccessExists',
  'conflict',
  (p: { id: string; projectId: string }) =>
    `Flavor access already exists for flavor ${p.id} and project ${p.projectId} combination.`,
)
export const FlavorAccessNotFound = declareFault(
  'FlavorAccessNotFound',
  'missing',
  (p: { id: string; projectId: string }) => `Flavor access not found for ${p.id} / ${p.projectId} combination.`,
)
export const PublicFlavorAccess = declareFault(
  'PublicFlavorAccess',
  'conflict',
  () => 'Can not add access to a public flavor.',
)
export const PublicFlavorList = declareFault(
  'PublicFlavorList',
  'missing',
  () => 'Access list not available for public flavors.',
)
export const ExtraSpecNotFound = declareFault(
  'FlavorExtraSpecsNotFound',
  'missing',
  (p: { id: string; key: string }) => `Flavor ${p.id} has no extra specs with key ${p.key}.`,
)
export const FlavorMarkerNotFound = declareFault(
  'MarkerNotFound',
  'refused',
  (p: { marker: string }) => `marker [${p.marker}] not found`,
)
