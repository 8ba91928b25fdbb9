import { resource } from '#api/kit'
import { add, listAccess, removeAccess } from './access.ts'
import { addSpecs, listSpecs, removeSpec, setSpec, showSpec } from './extra-specs.ts'
import { detailed, index } from './list.ts'
import { create, remove, show, update } from './one.ts'

/** Sizes of servers. Administrators make them, everybody reads them; a private one is for the projects with access. */
export const flavors = resource('/flavors', {
  'GET /': index,
  'GET /detail': detailed,
  'POST /': create,
  'GET /{id}': show,
  'PUT /{id}': update,
  'DELETE /{id}': remove,
  'POST /{id}/action addTenantAccess': add,
  'POST /{id}/action removeTenantAccess': removeAccess,
  'GET /{id}/os-flavor-access': listAccess,
  'GET /{id}/os-extra_specs': listSpecs,
  'POST /{id}/os-extra_specs': addSpecs,
  'GET /{id}/os-extra_specs/{key}': showSpec,
  'PUT /{id}/os-extra_specs/{key}': setSpec,
  'DELETE /{id}/os-extra_specs/{key}': removeSpec,
})
