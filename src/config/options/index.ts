/** Every section of nova.conf that has typed options. Another option is one line in its file. */
import type { Section } from '../option.ts'
import { apiSection } from './api.ts'
import { cellsSection } from './cells.ts'
import { computeSection, conductorSection, workaroundsSection } from './compute.ts'
import * as consoles from './consoles.ts'
import { apiDatabaseSection, databaseSection } from './database.ts'
import { defaultSection } from './default.ts'
import * as hardware from './hardware.ts'
import { instanceHaSection } from './instance-ha.ts'
import {
  barbicanSection,
  barbicanServiceUserSection,
  ephemeralEncryptionSection,
  keyManagerSection,
} from './key-manager.ts'
import { imageCacheSection, libvirtSection } from './libvirt.ts'
import * as neighbours from './neighbours.ts'
import { linuxBridgeSection, sriovNicSection } from './network-capacity.ts'
import { quotaSection } from './quota.ts'
import { filterSchedulerSection, metricsSection, schedulerSection } from './scheduler.ts'

export const sections = {
  DEFAULT: defaultSection,
  api: apiSection,
  api_database: apiDatabaseSection,
  cells: cellsSection,
  cinder: neighbours.cinderSection,
  compute: computeSection,
  conductor: conductorSection,
  consoleauth: consoles.consoleauthSection,
  database: databaseSection,
  filter_scheduler: filterSchedulerSection,
  glance: neighbours.glanceSection,
  image_cache: imageCacheSection,
  instance_ha: instanceHaSection,
  key_manager: keyManagerSection,
  barbican: barbicanSection,
  barbican_service_user: barbicanServiceUserSection,
  ephemeral_storage_encryption: ephemeralEncryptionSection,
  keystone: neighbours.keystoneSection,
  keystone_authtoken: neighbours.keystoneAuthtokenSection,
  libvirt: libvirtSection,
  linux_bridge: linuxBridgeSection,
  metrics: metricsSection,
  manila: neighbours.manilaSection,
  mks: consoles.mksSection,
  neutron: neighbours.neutronSection,
  oslo_limit: neighbours.osloLimitSection,
  neutron_tunnel: hardware.neutronTunnelSection,
  pci: hardware.pciSection,
  placement: neighbours.placementSection,
  quota: quotaSection,
  scheduler: schedulerSection,
  serial_console: consoles.serialConsoleSection,
  service_user: neighbours.serviceUserSection,
  simulated_host: hardware.simulatedHostSection,
  spice: consoles.spiceSection,
  sriov_nic: sriovNicSection,
  vendordata_dynamic_auth: neighbours.vendordataDynamicAuthSection,
  vnc: consoles.vncSection,
  workarounds: workaroundsSection,
  ...neighbours.oslo,
} as const satisfies Readonly<Record<string, Section>>
