"""ttRPC with Python's protobuf, which refuses a string that is not UTF-8.

Messages to send come from a second set of the same descriptors in which every string is bytes, so
that they may hold anything.
"""
import os
import socket
import struct
import subprocess
import tempfile
import threading

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

REQUEST, RESPONSE, DATA = 1, 2, 3
REMOTE_CLOSED, NO_DATA = 1, 4
FILES = ["ttrpc/ttrpc.proto", "vmreclaim/controller/v1/controller.proto"]


def file_set(source):
    """The project's .proto files as descriptors."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "set")
        subprocess.run(["protoc", "-I", source, "--include_imports", "--descriptor_set_out=" + path,
                        *FILES], check=True)
        with open(path, "rb") as file:
            return descriptor_pb2.FileDescriptorSet.FromString(file.read())


def loosen(message):
    """Every string of the message and of those inside it becomes bytes."""
    for field in message.field:
        if field.type == descriptor_pb2.FieldDescriptorProto.TYPE_STRING:
            field.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
    for nested in message.nested_type:
        loosen(nested)


class Messages:
    """Message classes by their full name."""

    def __init__(self, files):
        self.pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self.pool.Add(file)
        self.factory = message_factory.MessageFactory(self.pool)

    def __call__(self, name, /, **fields):
        return self.factory.GetPrototype(self.pool.FindMessageTypeByName(name))(**fields)

    def service(self, name):
        return self.pool.FindServiceByName(name)


def load(source):
    """Strict messages, to read with, and loose ones, to write with."""
    files = file_set(source)
    loose = descriptor_pb2.FileDescriptorSet.FromString(files.SerializeToString())
    for file in loose.file:
        for message in file.message_type:
            loosen(message)
    return Messages(files), Messages(loose)


def read_exactly(connection, length):
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_frame(connection):
    """Stream, type, flags, payload."""
    length, stream, kind, flags = struct.unpack(">IIBB", read_exactly(connection, 10))
    return stream, kind, flags, read_exactly(connection, length)


def write_frame(connection, stream, kind, flags, payload):
    connection.sendall(struct.pack(">IIBB", len(payload), stream, kind, flags) + payload)


class Refused(Exception):
    """The call was answered with an error."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class Client:
    """One call at a time on a connection of its own."""

    def __init__(self, path, strict):
        self.strict = strict
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(60)
        self.connection.connect(path)
        self.stream = -1

    def close(self):
        self.connection.close()

    def start(self, service, method, payload, streams):
        request = self.strict("ttrpc.Request", service=service, method=method, payload=payload)
        self.stream += 2
        write_frame(self.connection, self.stream, REQUEST, REMOTE_CLOSED if streams else 0,
                    request.SerializeToString())

    def answers(self, output):
        """What comes until the end, decoded as `output`; raises Refused at an error."""
        while True:
            stream, kind, flags, payload = read_frame(self.connection)
            assert stream == self.stream, (stream, self.stream)
            if kind == RESPONSE:
                response = self.strict("ttrpc.Response")
                response.ParseFromString(payload)
                if response.status.code != 0:
                    raise Refused(response.status.code, response.status.message)
                payload = response.payload
            if not flags & NO_DATA:
                message = self.strict(output)
                message.ParseFromString(payload)
                yield message
            if kind == RESPONSE or flags & REMOTE_CLOSED:
                return


class Listener:
    """Serves every connection to a UNIX socket in a thread."""

    def __init__(self, path, serve):
        self.serve = serve
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self.run, args=[connection], daemon=True).start()

    def run(self, connection):
        try:
            self.serve(connection)
        except (EOFError, OSError):
            connection.close()
