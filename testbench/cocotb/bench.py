"""The circuit with its drivers and an eye on both streams; the width is the circuit's own."""

import os
import random
from collections import deque

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamSink, AxiStreamSource
from model import CONSTANT, Nic
from registers import REGISTERS

OKAY, SLVERR = 0, 2
# Clocks from the first beat of a frame within which its header has to be complete, and the longest way through.
BOUNDS = {8: (20, 48), 64: (6, 32)}
PUBLISHED_KEY = bytes.fromhex(
    "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa"
)


class Eye:
    """Counts clocks, and keeps the clock of every beat of a stream and every verdict."""

    def __init__(self, dut, side):
        self.valids = [getattr(dut, name) for name in (f"s_axis_{side}_tvalid", f"m_axis_{side}_tvalid")]
        self.lasts = [getattr(dut, name) for name in (f"s_axis_{side}_tlast", f"m_axis_{side}_tlast")]
        self.verdict, self.word = getattr(dut, f"{side}_verdict_valid"), getattr(dut, f"{side}_verdict_data")
        self.words, self.frames, self.begun = deque(), [[], []], [[], []]
        cocotb.start_soon(self._watch(dut.clock))

    async def _watch(self, clock):
        edge, now = RisingEdge(clock), 0
        while True:
            await edge
            now += 1
            for place in (0, 1):
                if self.valids[place].value == 1:
                    self.begun[place].append(now)
                    if self.lasts[place].value == 1:
                        self.frames[place].append(self.begun[place])
                        self.begun[place] = []
            if self.verdict.value == 1:
                self.words.append(int(self.word.value))


class Bench:
    """One NIC in the simulator, and the model of it."""

    def __init__(self, dut):
        self.dut, self.nic = dut, Nic()
        self.random = random.Random(cocotb.RANDOM_SEED)
        self.lanes = len(dut.s_axis_rx_tkeep)
        self.bound, self.longest = BOUNDS[self.lanes]
        self.counted = {}
        # A simulator that interprets gets a smaller load, by the same tests.
        self.small = "WEIR_SMALL" in os.environ

    def some(self, count):
        """So many frames, or a few."""
        return max(4, count // 6) if self.small else count

    @classmethod
    async def start(cls, dut, back_pressure=False):
        """After reset, with the drivers in place."""
        self = cls(dut)
        dut.aresetn.value = 0
        dut.nic_time.value = 1000
        dut.link_down.value = 0
        cocotb.start_soon(Clock(dut.clock, 10, "ns").start())

        def stream(kind, name):
            made = kind(AxiStreamBus.from_prefix(dut, name), dut.clock, dut.aresetn, reset_active_level=False)
            made.log.setLevel("WARNING")
            return made

        self.source = {side: stream(AxiStreamSource, f"s_axis_{side}") for side in ("rx", "tx")}
        self.sink = {side: stream(AxiStreamSink, f"m_axis_{side}") for side in ("rx", "tx")}
        self.host = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clock, dut.aresetn, reset_active_level=False)
        for part in (self.host.write_if, self.host.read_if):
            part.log.setLevel("WARNING")
        if back_pressure:
            for channel in (self.host.write_if.b_channel, self.host.read_if.r_channel, self.host.write_if.aw_channel,
                            self.host.write_if.w_channel, self.host.read_if.ar_channel):
                channel.set_pause_generator(iter(lambda: self.random.random() < 0.6, None))
        await ClockCycles(dut.clock, 20)
        dut.aresetn.value = 1
        await ClockCycles(dut.clock, 200)
        self.eye = {side: Eye(dut, side) for side in ("rx", "tx")}
        return self

    async def read(self, name, index=0):
        """A register that may be read."""
        answer = await self.host.read(REGISTERS.at(name, index), 4)
        assert answer.resp == OKAY, f"reading {name} was refused"
        return int.from_bytes(answer.data, "little")

    async def write(self, name, value, index=0, refused=False):
        """A register; whether it takes the word is part of what is tested."""
        answer = await self.host.write(REGISTERS.at(name, index), value.to_bytes(4, "little"))
        assert answer.resp == (SLVERR if refused else OKAY), f"writing {name} answered {answer.resp}"

    async def until(self, name, wanted, what):
        """Reads a register until it is as wanted."""
        for _ in range(2000):
            if wanted(await self.read(name)):
                return
        raise AssertionError(f"{what} did not come")

    async def write_map(self, slot, states):
        """One slot of the map pool, from bucket 0."""
        for word in range(len(states) // 16):
            bits = sum(state << 2 * place for place, state in enumerate(states[16 * word : 16 * word + 16]))
            await self.write("MAP.WORD", bits, 256 * slot + word)
        self.nic.maps[slot] = list(states) + [0] * (4096 - len(states))

    async def write_shadow(self, known):
        """A whole configuration, not in force before the next commit."""
        for index in range(len(known.vips) if self.small else 16):
            vip = known.vips[index] if index < len(known.vips) else b""
            control = REGISTERS.pack("VIP.CONTROL", valid=int(bool(vip)), ipv6=int(len(vip) == 16))
            await self.write("VIP.CONTROL", control, index)
            if vip:
                padded = vip + bytes(16 - len(vip))
                for part in range(4):
                    word = int.from_bytes(padded[4 * part : 4 * part + 4], "big")
                    await self.write(f"VIP.ADDRESS{part}", word, index)
        rules = known.rules + [None] * (32 - len(known.rules)) + [known.default]
        for index, rule in enumerate(rules):
            if rule is None:
                if not self.small:
                    await self.write("RULE.MATCH", 0, index)
                continue
            match = REGISTERS.pack("RULE.MATCH", valid=1, any_vip=int(rule.vip is None), vip=rule.vip or 0,
                                   tcp=int(rule.tcp), udp=int(rule.udp), affinity=rule.affinity)
            await self.write("RULE.PORTS", REGISTERS.pack("RULE.PORTS", first=rule.first, last=rule.last), index)
            await self.write("RULE.MATCH", match, index)
            await self.write("RULE.MAP", rule.map, index)
        for index in range(10):
            await self.write("HASH_KEY.WORD", int.from_bytes(known.key[4 * index : 4 * index + 4], "big"), index)
            await self.write("FLOW_KEY.WORD", int.from_bytes(known.flow_key[4 * index : 4 * index + 4], "big"), index)
        policy = REGISTERS.pack("POLICY.POLICY", echo_hash=int(known.echo_map is not None),
                                echo_map=known.echo_map or 0, drop_portless_fragments=int(known.drop_portless),
                                quiesce=int(known.quiesce))
        await self.write("POLICY.POLICY", policy)

    async def commit(self, known, epoch, until):
        """What was written comes into force, with a deadline."""
        await self.deadline(until)
        await self.write("ID.COMMIT", epoch)
        await self.until("ID.EPOCH_ACTIVE", lambda word: word == epoch, f"epoch {epoch}")
        self.nic.configuration = known
        self.nic.fenced = int(self.dut.nic_time.value) >= until

    async def write_flow(self, named, vip, kind, way):
        """One entry of the flow table; in force at once."""
        await self.until("FLOW.STATUS", lambda word: not REGISTERS.field("FLOW.STATUS.busy", word), "the flow table")
        await self.write("FLOW.SIGNATURE_LO", named & 0xFFFFFFFF)
        await self.write("FLOW.SIGNATURE_HI", named >> 32)
        await self.write("FLOW.INDEX", named >> 10 * way & 1023)
        await self.write("FLOW.COMMAND", REGISTERS.pack("FLOW.COMMAND", operation=1, way=way, vip=vip, kind=kind))
        await self.until("FLOW.STATUS", lambda word: not REGISTERS.field("FLOW.STATUS.busy", word), "a flow")
        assert not REGISTERS.field("FLOW.STATUS.occupied", await self.read("FLOW.STATUS")), "two flows at one place"
        self.nic.flows.add((named, vip, kind))

    async def deadline(self, until):
        """LEASE_NEXT."""
        await self.write("ID.LEASE_NEXT_LO", until & 0xFFFFFFFF)
        await self.write("ID.LEASE_NEXT_HI", until >> 32)

    def pause(self, side, pattern):
        """Idle clocks between beats: a beat where the pattern says so, round and round."""
        def turns():
            while True:
                yield from (mark == "." for mark in pattern)

        self.source[side].set_pause_generator(turns())

    async def exchange(self, received, sent, late=False):
        """Frames both ways at once; everything that leaves is compared, and every verdict."""
        for eye in self.eye.values():
            eye.words.clear()
            eye.frames = [[], []]
        for side, frames in (("rx", received), ("tx", sent)):
            for frame in frames:
                self.source[side].send_nowait(frame)
        for side in ("rx", "tx"):
            await self.source[side].wait()
        await ClockCycles(self.dut.clock, 2 * self.longest + 2 * self.bound)
        self._compare_received(received, late)
        self._compare_sent(sent)
        for side, frames in (("rx", received), ("tx", sent)):
            await self._drained(side, len(frames))

    def _count(self, names):
        for name in names:
            self.counted[name] = self.counted.get(name, 0) + 1

    def _compare_received(self, frames, late):
        decisions = [self.nic.receive(frame, late) for frame in frames]
        words = list(self.eye["rx"].words)
        assert len(words) == len(frames), f"{len(words)} verdicts for {len(frames)} frames"
        for frame, decision, word in zip(frames, decisions, words):
            assert word == decision.word(), f"{frame.hex()}: {word:#010x}, not {decision.word():#010x} {decision}"
            self._count(decision.counters())
        self._compare("rx", [frame for frame, decision in zip(frames, decisions) if decision.accept])
        self._compare_ways("rx", [decision.accept for decision in decisions])

    def _compare_sent(self, frames):
        ways = [self.nic.send(frame) for frame in frames]
        for left, masked in ways:
            self._count(["tx_fenced" if left is None else "tx_passed"] + ["tx_masked"] * masked)
        self._compare("tx", [left for left, _ in ways if left is not None])
        self._compare_ways("tx", [left is not None for left, _ in ways])

    def _compare(self, side, wanted):
        for place, frame in enumerate(wanted):
            assert not self.sink[side].empty(), f"{side}: frame {place} of {len(wanted)} did not leave"
            left = bytes(self.sink[side].recv_nowait().tdata)
            assert left == frame, f"{side}: frame {place} left as {left.hex()}, not {frame.hex()}"
        assert self.sink[side].empty(), f"{side}: a frame left that should not"

    def _compare_ways(self, side, passed):
        """Every beat that passes takes the same time, gaps and all."""
        entered, left = self.eye[side].frames
        kept = [clocks for clocks, through in zip(entered, passed) if through]
        ways = {out - into for begun, ended in zip(kept, left) for into, out in zip(begun, ended)}
        assert len(ways) <= 1, f"{side}: beats took {sorted(ways)} clocks"
        assert all(0 < way <= self.longest for way in ways), f"{side}: {ways} clocks"

    async def _drained(self, side, count):
        assert len(self.eye[side].frames[0]) == count, f"{side}: the driver sent {len(self.eye[side].frames[0])}"

    async def snapshot(self):
        """All counters, frozen at one clock."""
        before = await self.read("SNAP.SNAP_SEQ")
        await self.write("SNAP.SNAPSHOT", 1)
        await self.until("SNAP.SNAP_SEQ", lambda word: word == (before + 1) & 0xFFFFFFFF, "a snapshot")
        counters = {}
        for name, index in REGISTERS.counters.items():
            low, high = await self.read("COUNTER.LO", index), await self.read("COUNTER.HI", index)
            counters[name] = high << 32 | low
        return counters


__all__ = ["CONSTANT", "OKAY", "PUBLISHED_KEY", "SLVERR", "Bench", "ClockCycles"]
