#!/usr/bin/python3
"""Every method and field of the operators' API, one a line, for the next version to keep.

usage: fields.py PROTO_DIRECTORY > recorded-fields.txt
"""
import sys

import world


def lines_of(proto):
    files = world.wire.file_set(proto)
    for file in files.file:
        if not file.package.startswith("vmreclaim"):
            continue
        for service in file.service:
            for method in service.method:
                yield (f"{file.package}.{service.name}.{method.name} {method.input_type} "
                       f"{method.output_type} {'stream' if method.server_streaming else 'one'}")
        for enum in file.enum_type:
            for value in enum.value:
                yield f"{file.package}.{enum.name}.{value.name} {value.number}"
        for message in file.message_type:
            for field in message.field:
                yield (f"{file.package}.{message.name}.{field.name} {field.number} {field.type} "
                       f"{field.label} {field.type_name}".rstrip())


if __name__ == "__main__":
    print("\n".join(lines_of(sys.argv[1])))
