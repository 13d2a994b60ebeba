"""What the pipeline does, written from its documentation alone: a frame, a configuration, a decision."""

from dataclasses import dataclass, field

WINDOW, SHORTEST = 128, 60
NONE, OWN, ADOPT, RELEASE = range(4)
CONSTANT = 64
DEFAULT_RULE = 32
(MALFORMED, NOT_IP, NOT_VIP, OTHER_PROTOCOL, ICMP, ECHO, LATER_FRAGMENT, BEYOND_WINDOW, TRANSPORT) = range(9)
BY_CLASS, BY_POLICY, BY_BUCKET, BY_FENCE, BY_PIN, BY_FOREIGN = range(6)
PIN, FOREIGN = 1, 2
CLASS_NAMES = ["malformed", "not_ip", "not_vip", "other_protocol", "icmp", "echo", "later_fragment", "beyond_window",
               "transport"]


@dataclass
class Rule:
    """One port rule; `vip` None is every virtual IP."""

    first: int
    last: int
    map: int
    vip: int | None = None
    tcp: bool = True
    udp: bool = True
    affinity: int = 0


@dataclass
class Configuration:
    """All that a commit brings into force."""

    vips: list = field(default_factory=list)  # bytes of 4 or 16
    rules: list = field(default_factory=list)
    default: Rule = field(default_factory=lambda: Rule(0, 0, CONSTANT + NONE))
    key: bytes = bytes(40)
    flow_key: bytes = bytes(40)
    echo_map: int | None = None
    drop_portless: bool = False
    quiesce: bool = False


@dataclass
class Decision:
    """What is to happen to a received frame."""

    accept: bool
    kind: int
    reason: int
    rule: int | None = None
    bucket: int | None = None
    state: int = NONE

    def word(self):
        """As the circuit shows it beside the frame."""
        word = int(self.accept) | self.kind << 1 | self.reason << 5
        if self.rule is not None:
            word |= self.rule << 11 | 1 << 29
        if self.bucket is not None:
            word |= self.state << 9 | self.bucket << 17 | 1 << 30
        return word

    def counters(self):
        """Names of the counters it moves."""
        names = [CLASS_NAMES[self.kind], "rx_passed" if self.accept else "rx_dropped"]
        if self.reason == BY_FENCE:
            names.append("fenced")
        if self.reason == BY_PIN:
            names.append("pin_hits")
        if self.reason == BY_FOREIGN:
            names.append("foreign_hits")
        if self.reason in (BY_BUCKET, BY_PIN, BY_FOREIGN) and self.rule is not None:
            names.append(f"rule_{self.rule}_{'accepted' if self.accept else 'dropped'}")
        return names


@dataclass
class Packet:
    """What the header window tells of an IP packet; `carries` is tcp, udp, icmp, later, beyond or other."""

    source: bytes
    destination: bytes
    carries: str
    protocol: str = ""
    ports: tuple = (0, 0)
    flags: int = 0
    echo: bool = False

    def opens(self):
        """A SYN that answers nothing and ends nothing."""
        fin, syn, rst, ack = (bool(self.flags & bit) for bit in (0x01, 0x02, 0x04, 0x10))
        return self.carries == "tcp" and syn and not (fin or rst or ack)


class Cut(Exception):
    """A header that is not there; the argument says whether the window ended, rather than the frame."""


def parse(frame):
    """A packet, or "malformed", or "not ip"."""
    if len(frame) < SHORTEST:
        return "malformed"
    seen = frame[:WINDOW]

    def have(at, count):
        if at + count > len(seen):
            raise Cut(len(seen) == WINDOW)
        return seen[at : at + count]

    try:
        at = 12
        for _ in range(2):
            if have(at, 2) in (b"\x81\x00", b"\x88\xa8"):
                at += 4
        kind = have(at, 2)
        if kind == b"\x08\x00":
            return _ipv4(have, at + 2)
        if kind == b"\x86\xdd":
            return _ipv6(have, at + 2)
        return "not ip"
    except Cut:
        return "malformed"


def _ipv4(have, at):
    head = have(at, 20)
    size, total = (head[0] & 15) * 4, int.from_bytes(head[2:4], "big")
    if head[0] >> 4 != 4 or size < 20 or total < size:
        return "malformed"
    have(at + size, 0)
    protocol = {6: "tcp", 17: "udp", 1: "icmp"}.get(head[9])
    packet = Packet(head[12:16], head[16:20], "other", protocol or "")
    if protocol is None:
        return packet
    if int.from_bytes(head[6:8], "big") & 0x1FFF:
        packet.carries = "later"
        return packet
    return _transport(have, packet, at + size, total - size, 8)


def _ipv6(have, at):
    head = have(at, 40)
    if head[0] >> 4 != 6:
        return "malformed"
    packet = Packet(head[8:24], head[24:40], "other")
    end = at + 40 + int.from_bytes(head[4:6], "big")
    following, at = head[6], at + 40
    try:
        for _ in range(6):
            protocol = {6: "tcp", 17: "udp", 58: "icmp"}.get(following)
            if protocol:
                packet.protocol = protocol
                if at > end:
                    return "malformed"
                return _transport(have, packet, at, end - at, 128)
            if following not in (0, 43, 44, 60):
                return packet
            if _ == 5:
                break
            extension = have(at, 8)
            if following == 44 and int.from_bytes(extension[2:4], "big") >> 3:
                packet.protocol = {6: "tcp", 17: "udp", 58: "icmp"}.get(extension[0], "")
                packet.carries = "later" if packet.protocol else "other"
                return packet
            at += 8 if following == 44 else (extension[1] + 1) * 8
            following = extension[0]
    except Cut as cut:
        if not cut.args[0]:
            return "malformed"
    packet.carries = "beyond"
    return packet


def _transport(have, packet, at, left, echo):
    size = {"tcp": 20, "udp": 8, "icmp": 8}[packet.protocol]
    if left < size:
        return "malformed"
    head = have(at, size)
    packet.carries = packet.protocol
    if packet.protocol == "icmp":
        packet.echo = head[0] == echo
    else:
        packet.ports = (int.from_bytes(head[0:2], "big"), int.from_bytes(head[2:4], "big"))
        packet.flags = head[13] if packet.protocol == "tcp" else 0
    return packet


def toeplitz(key, data, width=32):
    """The sum of the key's windows of `width` bits under the bits of `data` that are set."""
    bits = int.from_bytes(key, "big")
    total = 0
    for index in range(8 * len(data)):
        if data[index // 8] >> (7 - index % 8) & 1:
            total ^= bits >> (8 * len(key) - width - index) & (1 << width) - 1
    return total


def bucket(key, source, port, affinity):
    """12 bits of the hash of the client, as affinity lets it be seen."""
    kept = len(source) if affinity < 2 else (3 if len(source) == 4 else 8)
    address = source[:kept] + bytes(len(source) - kept)
    ports = (port if affinity == 0 else 0).to_bytes(2, "big") + bytes(2)
    return toeplitz(key, address + bytes(len(source)) + ports) & 0xFFF


def signature(key, source, ports):
    """64 bits of a connection: two octets of its source and four bits of its ports at a time, eight times."""
    address, both = source + bytes(16 - len(source)), ports[0] << 16 | ports[1]
    mixed = 0
    for turn in range(8):
        octets = int.from_bytes(address[2 * turn : 2 * turn + 2], "big")
        mixed = mixed << 20 | octets << 4 | both >> (28 - 4 * turn) & 15
    return toeplitz(key, mixed.to_bytes(20, "big"), 64)


class Nic:
    """The state of one NIC: configuration, maps, fence, masking."""

    def __init__(self):
        self.configuration = None
        self.fenced = True
        self.maps = {}  # slot: list of 4096 states
        self.masking = None  # (cluster MAC, masked MAC)
        self.flows = set()  # (signature, index of the virtual IP, kind)

    def receive(self, frame, late=False):
        """The decision on a frame from the wire; `late`: its header was not complete in time."""
        packet = "malformed" if late else parse(frame)
        if packet == "malformed":
            return Decision(False, MALFORMED, BY_CLASS)
        if packet == "not ip":
            return Decision(True, NOT_IP, BY_CLASS)
        if self.configuration is None:
            held = self._balanced(packet)
            return Decision(not held, NOT_VIP, BY_FENCE if held else BY_CLASS)
        known = self.configuration
        if packet.destination not in known.vips:
            return Decision(True, NOT_VIP, BY_CLASS)
        vip = known.vips.index(packet.destination)
        if packet.carries == "other":
            return Decision(True, OTHER_PROTOCOL, BY_CLASS)
        if packet.carries == "icmp" and not packet.echo:
            return Decision(True, ICMP, BY_CLASS)
        if packet.protocol == "icmp" and packet.carries != "beyond":
            if known.echo_map is None:
                return Decision(True, ECHO, BY_POLICY)
            return self._look_up(packet, known.echo_map, ECHO, None, 1, "datagram")
        if packet.carries == "beyond":
            return self._look_up(packet, known.default.map, BEYOND_WINDOW, DEFAULT_RULE, 1, "tcp")
        if packet.carries == "later":
            index, rule = self._rule(vip, packet.protocol, None)
            if rule.affinity == 0:
                return Decision(not known.drop_portless, LATER_FRAGMENT, BY_POLICY, index)
            return self._look_up(packet, rule.map, LATER_FRAGMENT, index, rule.affinity, "fragment")
        index, rule = self._rule(vip, packet.protocol, packet.ports[1])
        what = "datagram" if packet.protocol == "udp" else "tcp"
        decision = self._look_up(packet, rule.map, TRANSPORT, index, rule.affinity, what)
        if packet.protocol == "tcp" and not self.fenced:
            passes, drops = {RELEASE}, {ADOPT}
            if known.quiesce:
                decision.accept &= not (decision.state == OWN and packet.opens())
                (passes if packet.opens() else drops).add(OWN)
            for states, listed, accept, reason in ((passes, PIN, True, BY_PIN), (drops, FOREIGN, False, BY_FOREIGN)):
                named = signature(known.flow_key, packet.source, packet.ports)
                if decision.state in states and (named, vip, listed) in self.flows:
                    decision.accept, decision.reason = accept, reason
        return decision

    def send(self, frame):
        """A frame to the wire as it leaves, or None; and whether its source was replaced."""
        source = frame[6:12]
        if self.masking is None and source[:2] == b"\x02\xbf":
            return None, False
        packet = parse(frame)
        if isinstance(packet, Packet) and self._balanced(packet):
            known = self.configuration
            if known is None or (self.fenced and packet.source in known.vips):
                return None, False
        if self.masking and source == self.masking[0]:
            return frame[:6] + self.masking[1] + frame[12:], True
        return frame, False

    @staticmethod
    def _balanced(packet):
        return packet.carries in ("tcp", "udp", "beyond") or (packet.carries == "later" and packet.protocol != "icmp")

    def _rule(self, vip, protocol, port):
        for index, rule in enumerate(self.configuration.rules):
            if rule is None or rule.vip not in (None, vip) or not getattr(rule, protocol):
                continue
            if port is None or rule.first <= port <= rule.last:
                return index, rule
        return DEFAULT_RULE, self.configuration.default

    def _look_up(self, packet, chosen, kind, rule, affinity, what):
        place = bucket(self.configuration.key, packet.source, packet.ports[0], affinity)
        state = chosen & 3 if chosen >= CONSTANT else self.maps[chosen][place]
        if self.fenced:
            return Decision(False, kind, BY_FENCE, rule, place, state)
        accept = {NONE: False, OWN: True, ADOPT: True, RELEASE: what == "fragment"}[state]
        return Decision(accept, kind, BY_BUCKET, rule, place, state)
