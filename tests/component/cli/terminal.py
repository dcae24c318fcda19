#!/usr/bin/python3
"""A program on a terminal that is emulated: what a person sees of it.

usage: terminal.py COLUMNS COMMAND...
Prints the lines of the screen. Exits with 1 when the terminal had to break one, else as COMMAND.
"""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pyte

LINES = 200  # of a screen that nothing scrolls away from


def take_terminal():
    fcntl.ioctl(sys.stdin.fileno(), termios.TIOCSCTTY, 0)


class Terminal:
    """A program that runs on it; the screen is as far as read() came."""

    def __init__(self, arguments, columns=80, lines=LINES, environment=None, is_typed_at=False):
        """is_typed_at: it reads from the terminal, which also sends its signals."""
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.text = b""
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.program = subprocess.Popen(
            arguments, stdin=theirs if is_typed_at else subprocess.DEVNULL, stdout=theirs,
            stderr=theirs, start_new_session=is_typed_at,
            preexec_fn=take_terminal if is_typed_at else None,
            env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm", **(environment or {})})
        os.close(theirs)

    def type(self, text):
        os.write(self.ours, text.encode())

    def until(self, pattern):
        """Reads until a line of the screen is like that; returns the line."""
        while True:
            for line in self.screen.display:
                if re.search(pattern, line):
                    return line.rstrip()
            if not self.read():
                raise AssertionError(f"no line is like {pattern!r}:\n" +
                                     "\n".join(line for line in self.screen.display if line.strip()))

    def read(self):
        """What is written next. False: the program has ended."""
        try:
            text = os.read(self.ours, 65536)
        except OSError:
            text = b""
        self.stream.feed(text)
        self.text += text
        return text != b""

    def lines(self):
        return [line.rstrip() for line in self.screen.display[:self.screen.cursor.y]]

    def close(self):
        """Its exit status, after its end."""
        while self.read():
            pass
        os.close(self.ours)
        return self.program.wait()


def show(arguments, columns=80, environment=None):
    """The lines on the screen at the end; the command must succeed. None may be broken."""
    terminal = Terminal(arguments, columns, environment=environment)
    code = terminal.close()
    assert code == 0, (code, terminal.lines())
    assert terminal.text.count(b"\n") == len(terminal.lines()), "a line is wider than the terminal"
    return terminal.lines()


if __name__ == "__main__":
    print("\n".join(show(sys.argv[2:], int(sys.argv[1]))))
