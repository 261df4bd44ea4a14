"""isthmus serve: where it listens, what it says, and how it ends."""

import signal
import socket
import subprocess
import sys
import urllib.request

from click.testing import CliRunner

from isthmus.cli import main


def test_it_serves_until_ctrl_c() -> None:
    command = [sys.executable, "-m", "isthmus", "serve", "--port", "0", "--threads", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address, timeout=60) as page:
            assert "Drop a photograph" in page.read().decode()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert (rest, errors, process.returncode) == ("", "", 0)


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = CliRunner().invoke(main, ["serve", "--port", str(taken.getsockname()[1])])
    assert result.exit_code == 1
    assert result.stderr.startswith("isthmus: nothing can listen at 127.0.0.1:")
    assert "already in use" in result.stderr
    assert "Take another --port" in result.stderr
