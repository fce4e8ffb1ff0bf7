"""python -m sql.server COMMAND

  run              everything `make run` does, on 127.0.0.1:$PORT (8000)
  start, stop      the private MySQL server; `stop` ends the API of `make run` too
  status           what runs, and where
  env              the project's environment variables, as `export` lines for a shell
  exec COMMAND…    start the server when it does not run, then become COMMAND with those variables
  client [WHO]     start the server when it does not run, then a mysql session as dba, api or admin
  programs         find or download the MySQL programs
  tools            the same of its clients alone: mysql, mysqldump, mysqlbinlog
  venv [EXTRA…]    make the virtual environment, with the dependencies of these extras of setup.cfg

With FLASHSALE_ADMIN_URL set, nothing is started: that server is used. A variable may be given as a file:
FLASHSALE_ADMIN_URL_FILE is the path of one that holds its value.
"""

import os
import shlex
import sys

from .client import become_client
from .environment import administrator, environment, has_own_server, private_server, variables
from .programs import find_programs, obtain_tool
from .run import port_of, run, stop_api
from .state import ROOT, STATE, Failure, private_folder, say
from .tools import TOOLS
from .venv import ensure_venv


def main(arguments: list[str]) -> int:
    """Carry out one command; the exit status. Raises Failure with what the user should know."""
    private_folder(STATE)
    match arguments:
        case ["run"]:
            run(port_of(os.environ))
        case ["start"]:
            _start()
        case ["stop"]:
            stop_api()
            if private_server().running():
                say("stopping MySQL; the data stays")
                private_server().stop()
        case ["status"]:
            return _status()
        case ["env"]:
            if not has_own_server() and not private_server().running():
                raise Failure("MySQL does not run yet: python -m sql.server start")
            for name, value in variables().items():
                print(f"export {name}={shlex.quote(value)}")
        case ["exec", program, *rest]:
            _start()
            os.chdir(ROOT)
            os.execvpe(program, [program, *rest], environment())
        case ["client"]:
            _start()
            become_client("dba")
        case ["client", ("dba" | "api" | "admin") as who]:
            _start()
            become_client(who)
        case ["client", who]:
            raise Failure(f"nobody is called {who!r} here: AS=dba, AS=api or AS=admin")
        case ["programs"]:
            programs = find_programs()
            say(f"MySQL {programs.version}, {programs.mysqld}")
        case ["tools"]:
            for name in TOOLS:
                obtain_tool(name)
        case ["venv", *extras]:
            ensure_venv(extras)
        case _:
            print(__doc__)
            return 0 if arguments in ([], ["help"]) else 2
    return 0


def _start() -> None:
    if not has_own_server():
        server = private_server()
        if server.start():
            say(f"MySQL answers on 127.0.0.1:{server.port}; `make stop` ends it")


def _status() -> int:
    if has_own_server():
        url = administrator()
        print(f"FLASHSALE_ADMIN_URL names a server at {url.place}")
        return 0
    server = private_server()
    running = server.running()
    print(f"MySQL runs on 127.0.0.1:{server.port}, process {server.pid}" if running else "MySQL does not run")
    return 0 if running else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        say(f"\n{failure}")
        sys.exit(1)
    except PermissionError as error:
        say(f"\n{error.filename}: permission denied. Was it made by another account? Run as that, or remove it.")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
