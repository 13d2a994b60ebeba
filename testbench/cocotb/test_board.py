"""What a board does at its pins, seen by cocotbext-eth's RGMII and by models of a PHY and a flash."""

import struct

import cocotb
from cocotb.triggers import Timer
from cocotbext.eth import GmiiFrame
from board import KEY, BoardBench
from frames import Maker
from model import ADOPT, NONE, OWN, RELEASE
from registers import REGISTERS
from test_weir import FAR, OURS, VIPS4, VIPS6, configuration

# What IEEE 802.3 clause 22 and 45 call for: no 10 and 100, no pause; 1000 full; no EEE; negotiate anew.
BROUGHT_UP = [(4, 0x0001), (9, 0x0200), (13, 0x0007), (14, 0x003C), (13, 0x4007), (14, 0x0000), (0, 0x1200)]


async def configured(dut, ppm=(0, 0, 0)):
    """A board with a configuration in force, and a maker of frames for it."""
    bench = await BoardBench.start(dut, ppm=ppm)
    known = configuration(bench.random)
    await bench.write_map(5, [bench.random.choice([NONE, OWN, OWN, ADOPT, RELEASE]) for _ in range(4096)])
    await bench.write_shadow(known)
    await bench.commit(known, 7, FAR)
    return bench, known, Maker(bench.random, VIPS4, VIPS6)


def crosses(frame):
    """Whether a frame may cross a board at all, whatever the pipeline says of it."""
    return frame[12:14] not in (b"\x88\x08", b"\x88\xb5")


@cocotb.test()
async def phys_are_reset_found_and_told_to_do_1000_full_alone(dut):
    bench = await BoardBench.start(dut)
    for _ in range(100):
        if int(dut.lights.value) & 0x83 == 0x83:
            break
        await Timer(10, "us")
    assert int(dut.lights.value) & 0x83 == 0x83, "links and PHYs were found"
    for side in ("switch", "host"):
        assert bench.phy[side].written == BROUGHT_UP, f"{side}: {bench.phy[side].written}"
    # The loss of a link at one port shows at the other, and its return too.
    for lost, other in (("switch", "host"), ("host", "switch")):
        bench.phy[lost].link(False)
        for _ in range(100):
            if bench.phy[other].written[-1] == (0, 0x0800):
                break
            await Timer(10, "us")
        assert bench.phy[other].written[-1] == (0, 0x0800), f"the {other} is not told that the {lost} is lost"
        bench.phy[lost].link(True)
        for _ in range(100):
            if bench.phy[other].written[-1] == (0, 0x1200):
                break
            await Timer(10, "us")
        assert bench.phy[other].written[-1] == (0, 0x1200), f"the {other} stays down"


@cocotb.test()
async def frames_cross_as_the_model_says_with_commits_between_at_clocks_that_differ(dut):
    bench, _, maker = await configured(dut, (100, -100, -100))
    for epoch, other in enumerate([configuration(bench.random) for _ in range(2)], 8):
        received = [maker.received() for _ in range(120)]
        sent = [maker.sent(OURS) for _ in range(60)]
        bench.switch.frames.clear()
        bench.host.frames.clear()
        for frame in received:
            bench.switch.send(frame)
        for frame in sent[:30]:
            bench.host.send(frame)
        before = [bench.nic.receive(frame).accept for frame in received]
        # The whole of another configuration goes in by frames among these, and comes into force somewhere.
        await bench.write_shadow(other)
        await bench.commit(other, epoch, FAR)
        for frame in sent[30:]:
            bench.host.send(frame)
        await bench.rest()
        after = [bench.nic.receive(frame).accept for frame in received]
        passed = [frame for frame in received if crosses(frame)]
        accepted = [[accept for frame, accept in zip(received, way) if crosses(frame)] for way in (before, after)]
        explained = any(
            bench.host.frames == [frame for frame, accept in zip(passed, accepted[0][:cut] + accepted[1][cut:]) if accept]
            for cut in range(len(passed) + 1)
        )
        assert explained, f"{len(bench.host.frames)} of {len(received)} frames reached the host, at no commit the right ones"
        assert 10 < len(bench.host.frames) < len(passed), "some are accepted, and some are not"
        ways = [bench.nic.send(frame)[0] for frame in sent if crosses(frame)]
        assert bench.switch.frames == [left for left in ways if left is not None], "what the host sends leaves"


@cocotb.test()
async def the_smallest_frames_at_the_smallest_gaps_all_cross_though_the_core_is_slower(dut):
    bench, _, _ = await configured(dut, (-100, 100, 100))
    # Not IP: it passes on every host.
    frames = [b"\xff" * 6 + OURS + b"\x08\x06" + struct.pack(">I", number) + bytes(42) for number in range(600)]
    bench.host.frames.clear()
    for frame in frames:
        bench.switch.send(frame)
        bench.host.send(frame)
    await bench.rest()
    assert bench.host.frames == frames and bench.switch.frames == frames, (
        f"{len(bench.host.frames)} and {len(bench.switch.frames)} of {len(frames)}"
    )


@cocotb.test()
async def what_is_wrong_on_a_wire_ends_there_and_the_next_frame_crosses(dut):
    bench, _, _ = await configured(dut)
    good = [b"\xff" * 6 + OURS + b"\x08\x06" + bytes([number]) * (46 + number) for number in range(12)]
    jumbo = b"\xff" * 6 + OURS + b"\x08\x06" + bench.random.randbytes(9216 - 14)
    pause = b"\x01\x80\xc2\x00\x00\x01" + OURS + b"\x88\x08" + bytes(46)
    control = b"\x02\x00\x57\x45\x49\x52" + OURS + b"\x88\xb5" + bytes(48)
    flipped = GmiiFrame.from_payload(good[0])
    flipped.data[30] ^= 1
    short = GmiiFrame.from_payload(good[0])
    short.data = short.data[:40]
    signalled = GmiiFrame.from_payload(good[0])
    signalled.error = [int(place == 20) for place in range(len(signalled.data))]
    bad = [flipped, short, signalled, *(GmiiFrame.from_payload(frame) for frame in (pause, control, jumbo + b"x"))]
    for port, other in ((bench.switch, bench.host), (bench.host, bench.switch)):
        other.frames.clear()
        wanted = []
        for place, frame in enumerate(bad):
            port.send(good[2 * place])
            port.source.send_nowait(GmiiFrame(frame.data, frame.error))
            port.send(good[2 * place + 1])
            wanted += good[2 * place : 2 * place + 2]
        port.send(jumbo)
        await bench.rest()
        await Timer(100, "us")
        assert other.frames == [*wanted, jumbo], f"{len(other.frames)} of {len(wanted) + 1} frames"
    assert not bench.host.answers, "a control frame without a tag is answered by nobody"


@cocotb.test()
async def who_has_not_the_key_moves_nothing_and_a_repeat_is_not_done_twice(dut):
    bench = await BoardBench.start(dut)
    await bench.write("ID.SCRATCH", 0x12345678)
    bench.say(4, bench.sequence + 1, bench.nonces, 1, 0, bytes(4), key=bytes(16))
    assert await bench.hear(60_000) is None, "a forged frame is answered"
    assert await bench.read("ID.SCRATCH") == 0x12345678
    # The same request again: the same answer, octet by octet.
    scratch = scratch_at()
    bench.sequence += 1
    answers = []
    for _ in range(3):
        bench.say(4, bench.sequence, bench.nonces, 1, scratch, struct.pack(">I", 0x55))
        answers.append(await bench.hear(100_000))
    assert answers[0] and answers.count(answers[0]) == 3
    await bench.write("ID.SCRATCH", 0x66)
    bench.say(4, bench.sequence - 1, bench.nonces, 1, scratch, struct.pack(">I", 0x55))
    assert await bench.hear(60_000) is None, "an earlier request is answered"
    assert await bench.read("ID.SCRATCH") == 0x66


@cocotb.test()
async def a_board_without_a_key_tells_who_it_is_and_takes_one_once(dut):
    bench = await BoardBench.start(dut, key=None)
    assert await bench.read("ID.MAGIC") == 0x57454952
    status, done, _ = await bench.order(4, scratch_at(), 1, bytes(4))
    assert (status, done) == (2, 0), "without a key nothing is written"
    await bench.order(5, 0, 4, KEY)
    assert bytes(bench.flash.octets.get(0x7E0000 + place, 0xFF) for place in range(16)) == KEY, "the flash keeps it"
    bench.key = KEY
    await bench.greet()
    await bench.write("ID.SCRATCH", 7)
    assert await bench.read("ID.SCRATCH") == 7
    status, _, _ = await bench.order(5, 0, 4, bytes(16))
    assert status == 3, "there is a key"


def scratch_at():
    """Offset of the register that does nothing."""
    return REGISTERS.at("ID.SCRATCH")
