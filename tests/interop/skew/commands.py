"""What people of either version type; each ends by itself."""

# Those that act come last but one: they settle for some seconds.
COMMANDS = [
    ["status"],
    ["vm", "list"],
    ["--json", "vm", "list"],
    ["vm", "show", "web"],
    ["explain", "web"],
    ["host"],
    ["plan"],
    ["doctor", "web"],
    ["history", "web", "--since", "1h"],
    ["actions"],
    ["ping", "web"],
    ["policy", "list"],
    ["halt", "web"],
    ["resume", "web"],
    ["reserve", "list"],
    ["reload"],
    ["debug", "dump"],
    ["balloon", "web", "900MiB"],
    ["release", "web"],
    ["compact", "web"],
    ["--json", "actions"],
]
