"""The register map, read from its page of the documentation: the bench shares no code with the circuit's side."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/src/reference/registers.md"

_HEADING = re.compile(r"^## (\w+)$")
_REGISTER = re.compile(r"^\| `0x([0-9a-f]+)(?: \+ (\d+) i)?` \| (\w+) \|")
_FIELDS = re.compile(r"^\*\*(\w+)\*\*$")
_FIELD = re.compile(r"^\| (\d+)(?::(\d+))? \| (\w+) \|")
_COUNTER = re.compile(r"^\| (\d+) \| (\w+) \|$")


class Map:
    """Addresses by `BLOCK.REGISTER`, fields by `BLOCK.REGISTER.field`, counters by name."""

    def __init__(self, text):
        self.registers, self.fields, self.counters = {}, {}, {}
        block = register = None
        for line in text.splitlines():
            if found := _HEADING.match(line):
                block, register = found[1], None
            elif found := _REGISTER.match(line):
                self.registers[f"{block}.{found[3]}"] = (int(found[1], 16), int(found[2] or 0))
            elif found := _FIELDS.match(line):
                register = found[1]
            elif register and (found := _FIELD.match(line)):
                high, low = int(found[1]), int(found[2] or found[1])
                self.fields[f"{block}.{register}.{found[3]}"] = (low, high - low + 1)
            elif register is None and (found := _COUNTER.match(line)):
                self.counters[found[2]] = int(found[1])

    def at(self, name, index=0):
        """Address of a register, of one entry of its block."""
        address, stride = self.registers[name]
        assert index == 0 or stride, f"{name} has one entry"
        return address + stride * index

    def pack(self, name, **fields):
        """A register word of named fields."""
        word = 0
        for field, value in fields.items():
            low, width = self.fields[f"{name}.{field}"]
            assert 0 <= value < 1 << width, f"{name}.{field} cannot hold {value}"
            word |= value << low
        return word

    def field(self, name, word):
        """One field of a register word."""
        low, width = self.fields[name]
        return word >> low & (1 << width) - 1


REGISTERS = Map(PAGE.read_text())
