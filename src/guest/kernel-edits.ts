/** A change to the kernel source: `find` must stand in the file exactly once. */
export interface KernelEdit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/**
 * Remembers the interrupt routing table of the last bridge. QEMU's `pc` machine computes its table in a loop of ACPI
 * byte code, which costs 110 ms under emulation, and Linux asks anew for every PCI device: a usual server has six.
 */
const cachedRoutingTable = `static acpi_status cached_routing_table(acpi_handle handle, struct acpi_buffer *out)
{
	static DEFINE_MUTEX(lock);
	static acpi_handle owner;
	static struct acpi_buffer last;
	acpi_status status = AE_OK;

	mutex_lock(&lock);
	if (handle != owner) {
		kfree(last.pointer);
		last.pointer = NULL;
		last.length = ACPI_ALLOCATE_BUFFER;
		owner = NULL;
		status = acpi_get_irq_routing_table(handle, &last);
		if (ACPI_SUCCESS(status))
			owner = handle;
	}
	if (ACPI_SUCCESS(status)) {
		out->pointer = kmemdup(last.pointer, last.length, GFP_KERNEL);
		if (!out->pointer)
			status = AE_NO_MEMORY;
	}
	mutex_unlock(&lock);
	return status;
}

`

export const kernelEdits: readonly KernelEdit[] = [
  {
    file: 'drivers/acpi/pci_irq.c',
    find: '	status = acpi_get_irq_routing_table(handle, &buffer);',
    replace: '	status = cached_routing_table(handle, &buffer);',
  },
  {
    file: 'drivers/acpi/pci_irq.c',
    find: 'static int acpi_pci_irq_find_prt_entry(struct pci_dev *dev,\n',
    replace: `${cachedRoutingTable}static int acpi_pci_irq_find_prt_entry(struct pci_dev *dev,\n`,
  },
]
