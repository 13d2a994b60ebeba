"""A board in the simulator: two PHYs that speak RGMII, clocks that differ, and a host that has control frames alone."""

import random
import struct
from collections import deque

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import Event, FallingEdge, RisingEdge, Timer, with_timeout
from cocotbext.eth import GmiiFrame, RgmiiSink, RgmiiSource
from bench import OKAY, SLVERR, Bench
from model import Nic
from registers import REGISTERS

PERIOD_PS = 8000
KEY = bytes(range(0x30, 0x40))
# Where the key is kept in the flash of the Versa.
KEY_BLOCK = 0x7E0000
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
            pin.value = says.popleft() if says else 1
            if not bits and (bit or ones < 32):
                ones = ones + 1 if bit else 0
                continue
            bits.append(bit)
            word = int("".join(map(str, bits)), 2)
            if len(bits) == 15 and word >> 11 == 0b0110 and word >> 6 & 31 == 1 and reset_n.value == 1:
                value = self.registers.get(word >> 1 & 31, 0)
                pin.value = 0
                says.extend(value >> place & 1 for place in range(15, -1, -1))
            if len(bits) == 32:
                if word >> 28 == 0b0101 and word >> 23 & 31 == 1:
                    self.registers[word >> 18 & 31] = word & 0xFFFF
                    self.written.append((word >> 18 & 31, word & 0xFFFF))
                ones, bits = 0, []


class Nor:
    """A serial flash at its pins, mode 0: read, status, id, enable, program, erase."""

    def __init__(self, cs_n, clock, mosi, miso):
        self.octets = {}
        self.cs_n, self.clock, self.mosi, self.miso = cs_n, clock, mosi, miso
        self.heard, self.said, self.selected, self.enabled = [], deque(), False, False
        miso.value = 1
        for run in (self._select, self._hear, self._say, self._deselect):
            cocotb.start_soon(run())

    def put(self, at, octets):
        """Octets as they were programmed once."""
        self.octets.update(enumerate(octets, at))

    def _bits(self, octets):
        self.said.extend(octet >> place & 1 for octet in octets for place in range(7, -1, -1))

    async def _select(self):
        while True:
            await FallingEdge(self.cs_n)
            self.heard, self.selected = [], True
            self.said.clear()

    async def _hear(self):
        while True:
            await RisingEdge(self.clock)
            if self.selected:
                self.heard.append(int(self.mosi.value))
                if len(self.heard) % 8 == 0:
                    self._answer(self._octets())

    def _octets(self):
        whole = len(self.heard) // 8 * 8
        return [int("".join(map(str, self.heard[at : at + 8])), 2) for at in range(0, whole, 8)]

    def _answer(self, octets):
        if octets[0] == 0x05:
            self._bits([2 * self.enabled])
        elif octets[0] == 0x9F and len(octets) <= 3:
            self._bits([(0x20, 0xBA, 0x18)[len(octets) - 1]])
        elif octets[0] == 0x03 and len(octets) >= 4:
            at = int.from_bytes(octets[1:4], "big") + len(octets) - 4
            self._bits([self.octets.get(at, 0xFF)])

    async def _say(self):
        while True:
            await FallingEdge(self.clock)
            if self.selected:
                self.miso.value = self.said.popleft() if self.said else 1

    async def _deselect(self):
        while True:
            await RisingEdge(self.cs_n)
            octets, self.selected = self._octets(), False
            if octets and octets[0] == 0x06:
                self.enabled = True
            if octets and octets[0] in (0x02, 0x20, 0xD8) and self.enabled and len(octets) >= 4:
                self.enabled = False
                at = int.from_bytes(octets[1:4], "big")
                if octets[0] == 0x02:
                    for place, octet in enumerate(octets[4:]):
                        there = at & ~0xFF | at + place & 0xFF
                        self.octets[there] = self.octets.get(there, 0xFF) & octet
                else:
                    size = 0x1000 if octets[0] == 0x20 else 0x10000
                    self.octets = {there: octet for there, octet in self.octets.items() if there // size != at // size}


class Port:
    """One end of a wire: frames in at the pins, and what came out of them."""

    def __init__(self, dut, side):
        pin = {name: getattr(dut, f"{side}_{name}") for name in ("rx_data", "rx_ctl", "rx_clk", "tx_data", "tx_ctl", "tx_clk")}
        self.source = RgmiiSource(pin["rx_data"], pin["rx_ctl"], pin["rx_clk"])
        self.sink = RgmiiSink(pin["tx_data"], pin["tx_ctl"], pin["tx_clk"])
        for part in (self.source, self.sink):
            part.log.setLevel("WARNING")
        self.frames, self.answers, self.came = [], deque(), Event()
        cocotb.start_soon(self._listen())

    def send(self, frame):
        """With preamble and check sequence, behind the gap that is usual."""
        self.source.send_nowait(GmiiFrame.from_payload(frame))

    async def _listen(self):
        while True:
            frame = await self.sink.recv()
            assert not frame.error or not any(frame.error), "the PHY is told of an error"
            assert frame.get_preamble() == bytes([0x55] * 7 + [0xD5]), f"a preamble of {frame.get_preamble().hex()}"
            assert frame.check_fcs(), "a check sequence does not fit"
            payload = bytes(frame.get_payload())
            if payload[12:14] == b"\x88\xb5":
                self.answers.append(payload)
                self.came.set()
            else:
                self.frames.append(payload)


async def _clock(signal, period_ps, late_ps=0):
    """A clock, whose first edge is so late."""
    signal.value = 0
    if late_ps:
        await Timer(late_ps, "ps")
    half = round(period_ps * 50) / 100
    Clock(signal, 2 * half, "ps").start()


class BoardBench(Bench):
    """A board between a switch and a host, and the model of its NIC."""

    def __init__(self, dut):
        self.dut, self.nic = dut, Nic()
        self.random = random.Random(cocotb.RANDOM_SEED)
        self.small = True
        self.sequence, self.nonces = 0, bytes(16)
        self.gathered = None

    @classmethod
    async def start(cls, dut, key=KEY, ppm=(0, 0, 0)):
        """After reset, with both links up and the NIC identified; clocks of core, switch and host are off by so much."""
        self = cls(dut)
        core, switch, host = (PERIOD_PS * (1 - part / 1_000_000) for part in ppm)
        dut.ready.value = 0
        for signal, period, late in ((dut.core_clock, core, 0), (dut.switch_late_clock, core, 2000), (dut.host_late_clock, core, 2000),
                                     (dut.switch_rx_clk, switch, 1100), (dut.host_rx_clk, host, 3300)):
            cocotb.start_soon(_clock(signal, period, late))
        self.flash = Nor(dut.spi_cs_n, dut.spi_clock, dut.spi_mosi, dut.spi_miso)
        if key:
            self.flash.put(KEY_BLOCK, key + bytes(octet ^ 0xFF for octet in key))
        self.key = key or bytes(16)
        self.phy = {}
        for side in ("switch", "host"):
            wires = [getattr(dut, f"{side}_{name}") for name in ("mdc", "mdio_out", "mdio_drive", "mdio_in", "rst_n")]
            self.phy[side] = Phy(*wires, 0x01410DD1 if side == "switch" else 0x01410DD2)
            self.phy[side].link(True)
        self.switch, self.host = Port(dut, "switch"), Port(dut, "host")
        await Timer(200, "ns")
        dut.ready.value = 1
        await self.greet()
        return self

    async def greet(self):
        """A session with the board, as soon as it hears."""
        ours = self.random.randbytes(8)
        for _ in range(400):
            self.say(1, 0, ours + bytes(8), 0, 0, b"")
            answer = await self.hear(20_000)
            if answer:
                break
        assert answer, "the board does not greet"
        kind, _, _, _, theirs, _, _ = self.parse(answer)
        assert kind == 2 and theirs[:8] == ours, f"an answer of kind {kind}"
        self.nonces, self.sequence = theirs, 0

    def say(self, kind, sequence, nonces, words, address, data, key=None):
        """A control frame from the host."""
        head = BOARD + HOST + b"\x88\xb5" + bytes([1, kind, 0, words]) + struct.pack(">I", sequence) + nonces
        body = head + struct.pack(">II", address, 0) + data
        self.host.send(body + siphash128(key or self.key, body[14:]))

    async def hear(self, wait_ns):
        """The next answer, if one comes in time."""
        if not self.host.answers:
            self.host.came.clear()
            try:
                await with_timeout(self.host.came.wait(), wait_ns, "ns")
            except cocotb.triggers.SimTimeoutError:
                return None
        return self.host.answers.popleft()

    def parse(self, answer):
        """Kind, status, words, sequence, nonces, address, data."""
        assert answer[:6] == HOST and answer[6:12] == BOARD, "an answer goes from the board to who asked"
        words = answer[17]
        end = 46 + (4 * words if answer[15] == 6 and len(answer) > 62 else 0)
        assert answer[end:] == siphash128(self.key, answer[14:end]), "the tag of an answer"
        return answer[15], answer[16], words, struct.unpack(">I", answer[18:22])[0], answer[22:38], answer[38:42], answer[46:end]

    async def order(self, kind, address, words, data=b""):
        """A request and its answer: status, words done, what was read."""
        self.sequence += 1
        self.say(kind, self.sequence, self.nonces, words, address, data)
        answer = await self.hear(200_000)
        assert answer, f"no answer to request {self.sequence}"
        kind, status, done, sequence, nonces, _, read = self.parse(answer)
        assert (kind, sequence, nonces) == (6, self.sequence, self.nonces), "an answer is to what was asked"
        return status, done, read

    async def words(self, address, words):
        """Writes words to consecutive registers, all of them."""
        for at in range(0, len(words), 64):
            part = words[at : at + 64]
            data = b"".join(struct.pack(">I", word) for word in part)
            assert await self.order(4, address + 4 * at, len(part), data) == (0, len(part), b""), "a write is done"

    async def read(self, name, index=0):
        status, done, read = await self.order(3, REGISTERS.at(name, index), 1)
        assert (status, done) == (0, 1), f"reading {name} was refused"
        return int.from_bytes(read, "big")

    async def write(self, name, value, index=0, refused=False):
        if self.gathered is not None:
            self.gathered[REGISTERS.at(name, index)] = value
            return
        status, done, _ = await self.order(4, REGISTERS.at(name, index), 1, struct.pack(">I", value))
        assert (status, done) == ((1, 0) if refused else (0, 1)), f"writing {name} answered {status}"

    async def write_shadow(self, known):
        """As one register after the other, but neighbours share a frame."""
        self.gathered = {}
        await super().write_shadow(known)
        gathered, self.gathered = self.gathered, None
        run = []
        for address in sorted(gathered):
            if run and address != run[0] + 4 * len(run[1]):
                await self.words(*run)
                run = []
            run = run or [address, []]
            run[1].append(gathered[address])
        await self.words(*run)

    async def write_map(self, slot, states):
        bits = [sum(state << 2 * place for place, state in enumerate(states[at : at + 16])) for at in range(0, len(states), 16)]
        await self.words(REGISTERS.at("MAP.WORD", 256 * slot), bits)
        self.nic.maps[slot] = list(states) + [0] * (4096 - len(states))

    async def commit(self, known, epoch, until):
        await self.deadline(until)
        await self.write("ID.COMMIT", epoch)
        await self.until("ID.EPOCH_ACTIVE", lambda word: word == epoch, f"epoch {epoch}")
        self.nic.configuration = known
        self.nic.fenced = False

    async def rest(self):
        """Until everything that was sent has come out, or never will: the longest frame and a queue of them."""
        for port in (self.switch, self.host):
            await port.source.wait()
        await Timer(40, "us")

