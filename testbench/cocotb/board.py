"""A board in the simulator: two PHYs that speak RGMII, clocks that differ, and a host that has control frames alone."""

import struct
from collections import deque

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Edge, First, RisingEdge, Timer
from cocotbext.eth import GmiiFrame, RgmiiSink, RgmiiSource
from bench import OKAY, SLVERR, Bench
from model import Nic
from registers import REGISTERS

# Femtoseconds are lost on a simulator of 10 fs; a period is even.
PERIOD_FS = 8_000_000
BOARD, HOST = bytes.fromhex("020057454952"), bytes.fromhex("020000000007")
KIND = {"hello": 1, "greeting": 2, "read": 3, "write": 4, "set key": 5, "answer": 6}
MASK = (1 << 64) - 1


def siphash128(key, message):
    """SipHash-2-4 with 128 bits of output, after its paper."""
    low, high = struct.unpack("<QQ", key)
    state = [low ^ 0x736F6D6570736575, high ^ 0x646F72616E646F6D ^ 0xEE, low ^ 0x6C7967656E657261, high ^ 0x7465646279746573]

    def turn(word, by):
        return (word << by | word >> 64 - by) & MASK

    def rounds(count):
        a, b, c, d = state
        for _ in range(count):
            a, c = (a + b) & MASK, (c + d) & MASK
            b, d = turn(b, 13) ^ a, turn(d, 16) ^ c
            a = turn(a, 32)
            c, a = (c + b) & MASK, (a + d) & MASK
            b, d = turn(b, 17) ^ c, turn(d, 21) ^ a
            c = turn(c, 32)
        state[:] = a, b, c, d

    whole = message + bytes(7 - len(message) % 8) + bytes([len(message) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", whole):
        state[3] ^= word
        rounds(2)
        state[0] ^= word
    state[2] ^= 0xEE
    rounds(4)
    first = state[0] ^ state[1] ^ state[2] ^ state[3]
    state[1] ^= 0xDD
    rounds(4)
    return struct.pack("<QQ", first, state[0] ^ state[1] ^ state[2] ^ state[3])


assert siphash128(bytes(range(16)), b"").hex() == "a3817f04ba25a8e66df67214c7550293", "the published vector"


class Phy:
    """A PHY behind two wires, by clause 22: it looks at rising edges of MDC and speaks behind them."""

    def __init__(self, mdc, out, drive, pin, reset_n, identifier):
        self.registers = {1: 0x7949, 2: identifier >> 16, 3: identifier & 0xFFFF}
        self.written = []
        self.wires = (mdc, out, drive, pin, reset_n)
        pin.value = 1
        cocotb.start_soon(self._run())

    def link(self, has):
        """Whether the wire has a partner."""
        self.registers[1] = 0x7949 | int(has) << 2

    async def _run(self):
        mdc, out, drive, pin, reset_n = self.wires
        ones, bits, says = 0, [], deque()
        while True:
            await RisingEdge(mdc)
            bit = int(out.value) if drive.value == 1 else int(pin.value)
            await Timer(20, "ns")
            pin.value = says.popleft() if says else 1
            if not bits and (bit or ones < 32):
                ones = ones + 1 if bit else 0
                continue
            bits.append(bit)
            word = int("".join(map(str, bits)), 2)
            if len(bits) == 15 and word >> 11 == 0b0110 and word >> 6 & 31 == 1 and reset_n.value == 1:
                value = self.registers.get(word >> 1 & 31, 0)
                says.extend([0] + [value >> place & 1 for place in range(15, -1, -1)])
            if len(bits) == 32:
                if word >> 28 == 0b0101 and word >> 23 & 31 == 1:
                    self.registers[word >> 18 & 31] = word & 0xFFFF
                    self.written.append((word >> 18 & 31, word & 0xFFFF))
                ones, bits = 0, []
