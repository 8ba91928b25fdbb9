"""Prints what a listener of oslo.messaging is told, one JSON object a line: transport_url exchange topic..."""
import json
import sys
import threading

from oslo_config import cfg
import oslo_messaging

lock = threading.Lock()


def say(thing):
    with lock:
        sys.stdout.write(json.dumps(thing) + '\n')
        sys.stdout.flush()


class Endpoint:
    def __getattr__(self, priority):
        if priority not in ('debug', 'audit', 'info', 'warn', 'error', 'critical'):
            raise AttributeError(priority)

        def told(context, publisher_id, event_type, payload, metadata):
            say(dict(priority=priority, context=context, publisher_id=publisher_id, event_type=event_type,
                     payload=payload, metadata=metadata))
        return told


url, exchange, *topics = sys.argv[1:]
conf = cfg.ConfigOpts()
conf([], project='listener', default_config_files=[], default_config_dirs=[])
transport = oslo_messaging.get_notification_transport(conf, url=url)
targets = [oslo_messaging.Target(exchange=exchange, topic=topic) for topic in topics]
listener = oslo_messaging.get_notification_listener(transport, targets, [Endpoint()], executor='threading')
# In the order of the queue: several threads would overtake each other.
conf.set_override('executor_thread_pool_size', 1)
listener.start()
say('ready')
listener.wait()
