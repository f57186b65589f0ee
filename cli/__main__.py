"""The entry of the command line: Ctrl-C ends it without a traceback also while its parts are being imported."""

import signal
import sys


def main() -> None:
    """Run a command. Ctrl-C is status 130 from here on."""
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    from cli.main import main as run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
