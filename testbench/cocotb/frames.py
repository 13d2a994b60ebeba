"""Frames made by scapy: what a cluster sees, and what a parser may stumble over."""

from scapy.all import (ARP, ICMP, IP, IPv6, TCP, UDP, Dot1AD, Dot1Q, Ether, ICMPv6EchoRequest, ICMPv6ND_NS, IPOption_NOP,
                       IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, raw)

CLIENT_MAC, OUR_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"


def padded(packet, size=60):
    """Bytes of a frame of at least `size`, its lengths and checksums filled in."""
    data = raw(packet)
    return data + bytes(max(0, size - len(data)))


class Maker:
    """Random frames between clients and the virtual IPs."""

    def __init__(self, random, vips4, vips6):
        self.random, self.vips4, self.vips6 = random, vips4, vips6

    def received(self):
        """A frame from the wire."""
        return self._frame(towards=True)

    def sent(self, mac):
        """A frame from the host, from `mac`."""
        frame = self._frame(towards=False)
        return frame[:6] + mac + frame[12:]

    def _frame(self, towards):
        random = self.random
        draw = random.random()
        if draw < 0.04:
            return padded(Ether(src=CLIENT_MAC, dst="ff:ff:ff:ff:ff:ff") / ARP(pdst="192.0.2.1"))
        if draw < 0.07:
            return random.randbytes(random.randrange(60, 200))
        link = Ether(src=CLIENT_MAC, dst=OUR_MAC)
        for _ in range(random.choice([0, 0, 0, 1, 2])):
            link = link / random.choice([Dot1Q, Dot1AD])(vlan=random.randrange(1, 4094))
        whole = link / (self._ipv4(towards) if random.random() < 0.5 else self._ipv6(towards))
        frame = padded(whole)
        # Now and then a byte of the header is wrong, or the frame is cut.
        if random.random() < 0.08:
            at = random.randrange(12, min(len(frame), 80))
            frame = frame[:at] + bytes([random.randrange(256)]) + frame[at + 1 :]
        if random.random() < 0.04:
            frame = frame[: max(60, random.randrange(len(frame)))]
        return frame

    def _ends(self, clients, vips, stranger, towards):
        random = self.random
        vip = random.choice(vips) if random.random() < 0.85 else stranger
        ends = (clients, vip)
        return ends if towards else ends[::-1]

    def _ipv4(self, towards):
        random = self.random
        client = f"198.51.{random.randrange(256)}.{random.randrange(1, 255)}"
        source, destination = self._ends(client, self.vips4, "203.0.113.99", towards)
        options = [IPOption_NOP()] * random.choice([0, 0, 0, 4, 40])
        fields = {"flags": random.choice([0, 0, 0, 1])}
        if random.random() < 0.1:
            fields["frag"] = random.randrange(1, 8191)
        body = self._transport(six=False)
        if random.random() < 0.05:
            fields["proto"] = random.choice([47, 50, 89, 2])
        return IP(src=source, dst=destination, options=options, **fields) / body

    def _ipv6(self, towards):
        random = self.random
        client = f"2001:db8:{random.randrange(65536):x}::{random.randrange(1, 65536):x}"
        source, destination = self._ends(client, self.vips6, "2001:db8::99", towards)
        packet = IPv6(src=source, dst=destination)
        for _ in range(random.choice([0, 0, 0, 1, 2, 3, 5, 6])):
            filler = PadN(optdata=bytes(random.choice([4, 4, 4, 12, 20])))
            packet = packet / random.choice([
                lambda: IPv6ExtHdrHopByHop(options=[filler]),
                lambda: IPv6ExtHdrDestOpt(options=[filler]),
                lambda: IPv6ExtHdrRouting(addresses=[]),
                lambda: IPv6ExtHdrFragment(offset=random.choice([0, 0, 0, 7]), m=1),
            ])()
        return packet / self._transport(six=True)

    def _transport(self, six):
        random = self.random
        load = random.randbytes(random.choice([0, 6, 18, 40, 63, 64, 65, 200]))
        ports = {"sport": random.randrange(1, 65536), "dport": random.choice([80, 443, 8080, 53, 5000, 65535])}
        draw = random.random()
        if draw < 0.5:
            return TCP(flags=random.choice(["S", "A", "SA", "FA", "R", "PA", "SE"]), **ports) / load
        if draw < 0.8:
            return UDP(**ports) / load
        if draw < 0.9:
            return (ICMPv6EchoRequest(data=load) if six else ICMP(type=8) / load)
        return (ICMPv6ND_NS(tgt="2001:db8::1") if six else ICMP(type=3) / load)


def long_header(vip):
    """A frame whose transport header lies beyond byte 64, so that it takes several beats at every width."""
    packet = IPv6(src="2001:db8::5", dst=vip)
    packet = packet / IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(12))]) / TCP(sport=1, dport=80, flags="A")
    return padded(Ether(src=CLIENT_MAC, dst=OUR_MAC) / packet, 100)
