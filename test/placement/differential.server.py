"""The Placement of Debian's python3-placement on a free port of 127.0.0.1, for differential.ts only.

Prints the port, then serves until its standard input is closed. State lives in the folder given as the argument.
"""
import os
import socketserver
import sys
import threading
from wsgiref import simple_server

folder = sys.argv[1]
with open(os.path.join(folder, 'placement.conf'), 'w') as conf:
    conf.write('[api]\nauth_strategy = noauth2\n'
               '[placement_database]\nsync_on_startup = True\n'
               f'connection = sqlite:///{folder}/real.sqlite\n')
os.environ['OS_PLACEMENT_CONFIG_DIR'] = folder
sys.argv = sys.argv[:1]

from placement import wsgi  # noqa: E402

application = wsgi.init_application()


class Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True


server = simple_server.make_server('127.0.0.1', 0, application, simple_server.WSGIServer, Quiet)
print(f'listening on {server.server_port}', flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve_forever()
