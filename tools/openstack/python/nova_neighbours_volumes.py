"""Volumes as sparse files of this machine, reached by path (connection type `gpfs`, which mounts nothing)."""
import os

from cinder import interface
from cinder.image import image_utils
from cinder.volume import driver
from oslo_concurrency import processutils
from oslo_config import cfg
from oslo_utils import units

options = [cfg.StrOpt('volumes_folder', help='Where the files lie.')]


def _grow(path, size_gb):
    """To that many GiB; a file that is larger stays as it is."""
    with open(path, 'ab') as file:
        if file.tell() < size_gb * units.Gi:
            file.truncate(size_gb * units.Gi)


def _remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


@interface.volumedriver
class FileDriver(driver.VolumeDriver):
    VERSION = '1.0'
    CI_WIKI_NAME = 'none'

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.configuration.append_config_values(options)

    @staticmethod
    def get_driver_options():
        return options

    def do_setup(self, context):
        pass

    def check_for_setup_error(self):
        os.makedirs(self.configuration.volumes_folder, exist_ok=True)

    def _at(self, name):
        return os.path.join(self.configuration.volumes_folder, name)

    def _copy(self, source, target, size_gb=0):
        processutils.execute('cp', '--sparse=always', self._at(source), self._at(target))
        _grow(self._at(target), size_gb)

    def local_path(self, volume):
        return self._at(volume.name)

    def create_volume(self, volume):
        _grow(self._at(volume.name), volume.size)

    def delete_volume(self, volume):
        _remove(self._at(volume.name))

    def extend_volume(self, volume, new_size):
        _grow(self._at(volume.name), new_size)

    def create_snapshot(self, snapshot):
        self._copy(snapshot.volume_name, snapshot.name)

    def delete_snapshot(self, snapshot):
        _remove(self._at(snapshot.name))

    def create_volume_from_snapshot(self, volume, snapshot):
        self._copy(snapshot.name, volume.name, volume.size)

    def create_cloned_volume(self, volume, src_vref):
        self._copy(src_vref.name, volume.name, volume.size)

    def revert_to_snapshot(self, context, volume, snapshot):
        self._copy(snapshot.name, volume.name, volume.size)

    def copy_image_to_volume(self, context, volume, image_service, image_id, disable_sparse=False):
        path = self._at(volume.name)
        image_utils.fetch_to_raw(
            context, image_service, image_id, path, '1M', size=volume.size, run_as_root=False)
        _grow(path, volume.size)

    def copy_volume_to_image(self, context, volume, image_service, image_meta):
        image_utils.upload_volume(
            context, image_service, image_meta, self._at(volume.name), volume, run_as_root=False)

    def initialize_connection(self, volume, connector):
        data = {'device_path': self._at(volume.name), 'volume_id': volume.id, 'name': volume.name}
        return {'driver_volume_type': 'gpfs', 'data': data}

    def terminate_connection(self, volume, connector, **kwargs):
        pass

    def create_export(self, context, volume, connector):
        pass

    def ensure_export(self, context, volume):
        pass

    def remove_export(self, context, volume):
        pass

    def _update_volume_stats(self):
        self._stats = {
            'volume_backend_name': self.configuration.safe_get('volume_backend_name'),
            'vendor_name': 'nova-ts', 'driver_version': self.VERSION, 'storage_protocol': 'file',
            'total_capacity_gb': 'infinite', 'free_capacity_gb': 'infinite',
            'reserved_percentage': 0, 'QoS_support': False, 'multiattach': True,
        }
