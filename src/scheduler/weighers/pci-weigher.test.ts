import { weigherTable } from '../testing.ts'
import { pciWeigher } from './pci-weigher.ts'

weigherTable(pciWeigher, [
  {
    when: 'hosts without devices first',
    hosts: [{ freePciDevices: 4 }, {}, { freePciDevices: 2 }],
    weights: [0, 1, 0.5],
  },
  {
    when: 'from 99 free devices on hosts are alike',
    hosts: [{ freePciDevices: 150 }, { freePciDevices: 99 }, {}],
    weights: [0, 0, 1],
  },
])
