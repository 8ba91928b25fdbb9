import { getAggregates, setAggregates } from './handlers/aggregates.ts'
import {
  deleteAllocations,
  getConsumerAllocations,
  getProviderAllocations,
  postAllocations,
  putAllocations,
  reshape,
} from './handlers/allocations.ts'
import { listCandidates } from './handlers/candidates.ts'
import * as inventories from './handlers/inventories.ts'
import * as providers from './handlers/providers.ts'
import * as classes from './handlers/resource-classes.ts'
import { showVersions } from './handlers/root.ts'
import * as traits from './handlers/traits.ts'
import { getProviderUsages, getUsages } from './handlers/usages.ts'
import type { Routes } from './route.ts'
import * as allocationForms from './schemas/allocations.ts'
import { candidatesQuery } from './schemas/candidates.ts'
import * as inventoryForms from './schemas/inventories.ts'
import * as forms from './schemas/providers.ts'

const root = { GET: { policy: 'placement:root', audience: 'open', answer: showVersions } } as const
const provider = '/resource_providers/:uuid'
const rule = (name: string) => ({ policy: `placement:${name}` })

/** The whole API on one screen. */
export const routes: Routes = {
  '/': root,
  '/resource_classes': {
    GET: { ...rule('resource_classes:list'), since: 2, answer: classes.list },
    POST: { ...rule('resource_classes:create'), since: 2, body: forms.classBody, answer: classes.create },
  },
  '/resource_classes/:name': {
    GET: { ...rule('resource_classes:show'), since: 2, answer: classes.show },
    PUT: { ...rule('resource_classes:update'), since: 2, body: forms.classBody, bodyUntil: 7, answer: classes.put },
    DELETE: { ...rule('resource_classes:delete'), since: 2, answer: classes.remove },
  },
  '/resource_providers': {
    GET: { ...rule('resource_providers:list'), query: forms.listProvidersQuery, answer: providers.list },
    POST: { ...rule('resource_providers:create'), body: forms.createProviderBody, answer: providers.create },
  },
  [provider]: {
    GET: { ...rule('resource_providers:show'), answer: providers.show },
    DELETE: { ...rule('resource_providers:delete'), answer: providers.remove },
    PUT: {
      ...rule('resource_providers:update'),
      providerFirst: true,
      body: forms.updateProviderBody,
      answer: providers.update,
    },
  },
  [`${provider}/inventories`]: {
    GET: { ...rule('resource_providers:inventories:list'), answer: inventories.list },
    POST: {
      ...rule('resource_providers:inventories:create'),
      providerFirst: true,
      body: inventoryForms.addInventoryBody,
      answer: inventories.add,
    },
    PUT: {
      ...rule('resource_providers:inventories:update'),
      providerFirst: true,
      body: inventoryForms.setInventoriesBody,
      answer: inventories.replace,
    },
    DELETE: { ...rule('resource_providers:inventories:delete'), since: 5, before: 405, answer: inventories.clear },
  },
  [`${provider}/inventories/:resource_class`]: {
    GET: { ...rule('resource_providers:inventories:show'), answer: inventories.show },
    PUT: {
      ...rule('resource_providers:inventories:update'),
      providerFirst: true,
      body: inventoryForms.putInventoryBody,
      answer: inventories.change,
    },
    DELETE: { ...rule('resource_providers:inventories:delete'), answer: inventories.remove },
  },
  [`${provider}/usages`]: { GET: { ...rule('resource_providers:usages'), answer: getProviderUsages } },
  [`${provider}/aggregates`]: {
    GET: { ...rule('resource_providers:aggregates:list'), since: 1, answer: getAggregates },
    PUT: {
      ...rule('resource_providers:aggregates:update'),
      providerFirst: true,
      since: 1,
      body: forms.aggregatesBody,
      answer: setAggregates,
    },
  },
  [`${provider}/allocations`]: {
    GET: { ...rule('resource_providers:allocations:list'), answer: getProviderAllocations },
  },
  [`${provider}/traits`]: {
    GET: { ...rule('resource_providers:traits:list'), since: 6, answer: traits.listOfProvider },
    PUT: {
      ...rule('resource_providers:traits:update'),
      since: 6,
      body: forms.providerTraitsBody,
      answer: traits.setOfProvider,
    },
    DELETE: { ...rule('resource_providers:traits:delete'), since: 6, answer: traits.clearOfProvider },
  },
  '/allocations': {
    POST: {
      ...rule('allocations:manage'),
      since: 13,
      body: allocationForms.postAllocationsBody,
      answer: postAllocations,
    },
  },
  '/allocations/:consumer_uuid': {
    GET: { ...rule('allocations:list'), answer: getConsumerAllocations },
    PUT: { ...rule('allocations:update'), body: allocationForms.putAllocationsBody, answer: putAllocations },
    DELETE: { ...rule('allocations:delete'), answer: deleteAllocations },
  },
  '/allocation_candidates': {
    GET: { ...rule('allocation_candidates:list'), since: 10, query: candidatesQuery, answer: listCandidates },
  },
  '/traits': { GET: { ...rule('traits:list'), since: 6, query: forms.listTraitsQuery, answer: traits.list } },
  '/traits/:name': {
    GET: { ...rule('traits:show'), since: 6, answer: traits.show },
    PUT: { ...rule('traits:update'), since: 6, answer: traits.put },
    DELETE: { ...rule('traits:delete'), since: 6, answer: traits.remove },
  },
  '/usages': {
    GET: {
      ...rule('usages'),
      audience: 'operators-and-project-readers',
      since: 9,
      query: allocationForms.usagesQuery,
      answer: getUsages,
    },
  },
  '/reshaper': {
    POST: { ...rule('reshaper:reshape'), since: 30, body: allocationForms.reshaperBody, answer: reshape },
  },
}
