"""What the emitted top does, seen by drivers and a model that are not ours to share with the circuit."""

import ipaddress

import cocotb
from bench import CONSTANT, PUBLISHED_KEY, SLVERR, Bench, ClockCycles
from frames import Maker, long_header
from model import ADOPT, FOREIGN, NONE, OWN, PIN, RELEASE, Configuration, Packet, Rule, parse, signature
from registers import REGISTERS

FAR = 60_000_000
VIPS4, VIPS6 = ["203.0.113.1", "203.0.113.2"], ["2001:db8:ffff::1", "2001:db8:ffff::2"]
CLUSTER, OURS = bytes.fromhex("02bf0a000001"), bytes.fromhex("020100000001")
# Idle clocks that leave every header complete in time, at both widths.
GAPS = ["#", "#####.", "########.", "####.######."]


def configuration(random):
    """Rules of all kinds, over maps that are all states."""
    vips = [ipaddress.ip_address(text).packed for text in (VIPS4[0], VIPS6[0], VIPS4[1], VIPS6[1])]
    rules = [
        Rule(80, 80, 5, vip=0, udp=False),
        Rule(80, 80, 5, vip=1, udp=False, affinity=1),
        None,
        Rule(443, 8080, 5, affinity=2),
        Rule(53, 53, CONSTANT + OWN, tcp=False),
        Rule(5000, 5000, CONSTANT + RELEASE, vip=2),
        Rule(5000, 5000, CONSTANT + ADOPT, vip=3, affinity=1),
    ]
    echo = random.choice([None, 5])
    return Configuration(vips, rules, Rule(0, 0, 5, affinity=random.randrange(3)), PUBLISHED_KEY,
                         random.randbytes(40), echo, bool(echo))


async def configured(dut, back_pressure=False):
    """A NIC with a configuration in force, and a maker of frames for it."""
    bench = await Bench.start(dut, back_pressure)
    known = configuration(bench.random)
    states = [bench.random.choice([NONE, OWN, OWN, ADOPT, RELEASE]) for _ in range(bench.some(4096) & ~15)]
    await bench.write_map(5, states)
    await bench.write_shadow(known)
    await bench.commit(known, 7, FAR)
    return bench, known, Maker(bench.random, VIPS4, VIPS6)


@cocotb.test()
async def identity_and_scratch_are_read(dut):
    bench = await Bench.start(dut)
    assert await bench.read("ID.MAGIC") == 0x57454952
    caps = await bench.read("ID.CAPS")
    assert REGISTERS.field("ID.CAPS.width_bytes", caps) == bench.lanes
    assert REGISTERS.field("ID.CAPS.rules", caps) == 32
    for word in (0, 0xFFFFFFFF, 0x12345678):
        await bench.write("ID.SCRATCH", word)
        assert await bench.read("ID.SCRATCH") == word


@cocotb.test()
async def writes_of_part_of_a_word_are_refused_and_do_nothing(dut):
    bench = await Bench.start(dut, back_pressure=True)
    scratch = REGISTERS.at("ID.SCRATCH")
    await bench.write("ID.SCRATCH", 0xA5A5A5A5)
    before = await bench.read("ID.REFUSED_COUNT")
    for offset, count in ((0, 1), (0, 3), (1, 2), (2, 2), (3, 1)):
        answer = await bench.host.write(scratch + offset, b"\x00" * count)
        assert answer.resp == SLVERR, f"{count} bytes at {offset} were taken"
    assert await bench.read("ID.SCRATCH") == 0xA5A5A5A5
    assert await bench.read("ID.REFUSED_COUNT") == before + 5
    assert await bench.read("ID.REFUSED_ADDRESS") & ~3 == scratch


@cocotb.test()
async def addresses_that_are_no_register_read_zero_and_refuse(dut):
    bench = await Bench.start(dut)
    for address in (0x5C, 0xFFC, 0x100C, 0x2300, 0x2600, 0x3008):
        answer = await bench.host.read(address, 4)
        assert bytes(answer.data) == bytes(4), f"{address:#x} reads {bytes(answer.data).hex()}"
        answer = await bench.host.write(address, b"\xff" * 4)
        assert answer.resp == SLVERR, f"{address:#x} took a write"
        assert await bench.read("ID.REFUSED_ADDRESS") == address
    answer = await bench.host.write(REGISTERS.at("ID.MAGIC"), b"\xff" * 4)
    assert answer.resp == SLVERR, "a register that is only read took a write"


@cocotb.test()
async def before_the_first_commit_no_transport_passes(dut):
    bench = await Bench.start(dut)
    maker = Maker(bench.random, VIPS4, VIPS6)
    assert REGISTERS.field("ID.STATUS.fenced", await bench.read("ID.STATUS")) == 1
    received = [maker.received() for _ in range(bench.some(20))]
    await bench.exchange(received, [maker.sent(bench.random.choice([CLUSTER, OURS])) for _ in range(bench.some(20))])


@cocotb.test()
async def frames_of_all_kinds_go_the_model_s_way_and_are_counted(dut):
    bench, _, maker = await configured(dut)
    for gaps in GAPS:
        bench.pause("rx", gaps)
        bench.pause("tx", gaps)
        await bench.exchange([maker.received() for _ in range(bench.some(70))], [maker.sent(OURS) for _ in range(bench.some(25))])
    counters = await bench.snapshot()
    wanted = {name: bench.counted.get(name, 0) for name in REGISTERS.counters}
    wrong = {name: (counters[name], wanted[name]) for name in wanted if counters[name] != wanted[name]}
    assert not wrong, f"counters and model: {wrong}"


@cocotb.test()
async def frames_of_every_size_leave_as_they_came(dut):
    bench, known, _ = await configured(dut)
    head = bytes.fromhex("020000000002" "020000000001" "88b5")
    sizes = sorted({60, 1514, *range(60, 74), *range(bench.lanes * 2 - 3, bench.lanes * 2 + 4), 255, 256, 257})
    sizes = [size for size in sizes if size >= 60]
    frames = [head + bench.random.randbytes(size - len(head)) for size in sizes]
    await bench.exchange(frames, frames[::-1])


@cocotb.test()
async def a_header_that_comes_too_late_is_dropped(dut):
    bench, known, maker = await configured(dut)
    bench.pause("rx", "#" + "." * (bench.bound + 1))
    frame = long_header(VIPS6[0])
    await bench.exchange([frame, frame], [], late=True)
    bench.pause("rx", "#")
    await bench.exchange([frame], [])


@cocotb.test()
async def a_commit_brings_all_into_force_and_nothing_before_it(dut):
    bench, known, maker = await configured(dut, back_pressure=True)
    frames = [maker.received() for _ in range(bench.some(30))]
    await bench.exchange(frames, [])
    other = configuration(bench.random)
    other.rules[0] = Rule(80, 80, CONSTANT + NONE)
    other.vips = other.vips[::-1]
    other.default = Rule(0, 0, CONSTANT + OWN)
    await bench.write_shadow(other)
    assert await bench.read("ID.EPOCH_ACTIVE") == 7
    await bench.exchange(frames, [])
    await bench.commit(other, 8, FAR)
    await bench.exchange(frames, [])


@cocotb.test()
async def past_its_deadline_a_nic_is_fenced_until_a_commit(dut):
    bench, known, maker = await configured(dut)
    frames, sent = [maker.received() for _ in range(bench.some(30))], [maker.sent(OURS) for _ in range(bench.some(30))]
    await bench.deadline(FAR + 4000)
    await bench.write("ID.RENEW", 1)
    dut.nic_time.value = FAR + 3999
    await ClockCycles(dut.clock, 20)
    await bench.exchange(frames, sent)
    dut.nic_time.value = FAR + 4000
    await ClockCycles(dut.clock, 20)
    assert dut.fenced.value == 1
    assert REGISTERS.field("ID.STATUS.fenced", await bench.read("ID.STATUS")) == 1
    bench.nic.fenced = True
    await bench.exchange(frames, sent)
    await bench.deadline(FAR + 5000)
    await bench.write("ID.RENEW", 1, refused=True)
    await bench.commit(known, 9, FAR + 5000)
    assert REGISTERS.field("ID.STATUS.fenced", await bench.read("ID.STATUS")) == 0
    await bench.exchange(frames, sent)


def tcp_to(known, frames):
    """Those that are TCP to a virtual IP."""
    return [frame for frame in frames if isinstance(packet := parse(frame), Packet) and packet.carries == "tcp"
            and packet.destination in known.vips]


async def list_some(bench, known, frames):
    """Some connections become PIN or FOREIGN; how many."""
    ways = 0
    for frame in frames:
        packet = parse(frame)
        listed, vip = bench.random.choice([None, PIN, FOREIGN]), known.vips.index(packet.destination)
        if listed:
            # Some are another virtual IP's flow.
            vip = vip if bench.random.random() < 0.7 else vip ^ 1
            await bench.write_flow(signature(known.flow_key, packet.source, packet.ports), vip, listed, ways % 4)
            ways += 1
    assert await bench.read("FLOW.COUNT") == ways > 0
    return ways


@cocotb.test()
async def listed_flows_overrule_buckets_that_come_and_go(dut):
    bench, known, _ = await configured(dut)
    known.rules = [Rule(1, 40000, CONSTANT + RELEASE, udp=False), Rule(40001, 65535, CONSTANT + ADOPT, udp=False)]
    await bench.write_shadow(known)
    await bench.commit(known, 8, FAR)
    maker = Maker(bench.random, VIPS4, VIPS6)
    frames = tcp_to(known, [maker.received() for _ in range(bench.some(120))])
    await list_some(bench, known, frames)
    before = dict(bench.counted)
    await bench.exchange(frames + frames[::-1], [])
    hits = [bench.counted.get(name, 0) - before.get(name, 0) for name in ("pin_hits", "foreign_hits")]
    assert bench.small or all(hits), f"no frame met a flow: {hits}"
    await bench.write("FLOW.COMMAND", REGISTERS.pack("FLOW.COMMAND", operation=4))
    await bench.until("FLOW.STATUS", lambda word: not REGISTERS.field("FLOW.STATUS.busy", word), "a clear")
    bench.nic.flows.clear()
    await bench.exchange(frames, [])


@cocotb.test()
async def buckets_that_quiesce_take_no_new_connections_and_keep_the_others(dut):
    bench, known, _ = await configured(dut)
    known.rules = [Rule(1, 40000, CONSTANT + OWN), Rule(40001, 65535, CONSTANT + ADOPT)]
    known.quiesce = True
    await bench.write_shadow(known)
    await bench.commit(known, 8, FAR)
    maker = Maker(bench.random, VIPS4, VIPS6)
    frames = [maker.received() for _ in range(bench.some(120))]
    tcp = tcp_to(known, frames)
    await list_some(bench, known, tcp)
    before = dict(bench.counted)
    await bench.exchange(frames + tcp, [])
    hits = [bench.counted.get(name, 0) - before.get(name, 0) for name in ("pin_hits", "foreign_hits")]
    assert bench.small or all(hits), f"no frame met a flow: {hits}"
    # The same frames, when OWN is OWN again: no flow is looked up there.
    known.quiesce = False
    await bench.write_shadow(known)
    await bench.commit(known, 9, FAR)
    await bench.exchange(frames, [])


@cocotb.test()
async def heat_counts_the_frames_of_a_bucket(dut):
    bench, _, maker = await configured(dut)
    frames = [maker.received() for _ in range(bench.some(60))]
    buckets = [bench.nic.receive(frame).bucket for frame in frames]
    seen = sorted({place for place in buckets if place is not None})[:12]
    before = [await bench.read("HEAT.FRAMES", place) for place in seen]
    await bench.exchange(frames + frames[:5], [])
    for place, was in zip(seen, before):
        wanted = was + buckets.count(place) + buckets[:5].count(place)
        assert await bench.read("HEAT.FRAMES", place) == wanted & 0xFFFFFF, f"bucket {place}"


@cocotb.test()
async def the_cluster_mac_never_leaves_as_a_source(dut):
    bench, known, maker = await configured(dut)
    sent = [maker.sent(bench.random.choice([CLUSTER, OURS])) for _ in range(bench.some(30))]
    await bench.exchange([], sent)
    for name, mac, enable in (("MASKED_MAC", OURS, {}), ("CLUSTER_MAC", CLUSTER, {"enable": 1})):
        await bench.write(f"ID.{name}_LO", int.from_bytes(mac[:4], "little"))
        high = REGISTERS.pack(f"ID.{name}_HI", octets=int.from_bytes(mac[4:], "little"), **enable)
        await bench.write(f"ID.{name}_HI", high)
    await ClockCycles(dut.clock, 20)
    bench.nic.masking = (CLUSTER, OURS)
    await bench.exchange([maker.received() for _ in range(bench.some(10))], sent)
