//! One request of one client, over TCP as every client speaks it.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::{http, topology};

/// Where a connection comes from: with the virtual IP's port 80, this is what the NICs hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Tuple {
    /// Client address.
    pub address: Ipv4Addr,
    /// Client port.
    pub port: u16,
}

/// Why a request was not answered.
#[derive(Debug)]
pub enum Failure {
    /// No connection came about.
    Connect(io::Error),
    /// A connection came about, and broke or fell silent before the answer.
    Cut(io::Error),
}

/// What became of one request.
#[derive(Debug)]
pub struct Outcome {
    /// Where it came from.
    pub tuple: Tuple,
    /// Who answered.
    pub host: Result<u8, Failure>,
    /// From the first SYN to the answer.
    pub took: Duration,
}

/// How long a client waits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the handshake, SYN retransmissions included.
    pub connect: Duration,
    /// For the answer.
    pub answer: Duration,
}

impl Patience {
    /// That of a person: several SYN retransmissions, which come after 1, 3 and 7 s.
    pub const ORDINARY: Patience = Patience { connect: Duration::from_secs(5), answer: Duration::from_secs(5) };
}

/// Connects from `tuple`. Call it in the clients' namespace.
pub fn connect(tuple: Tuple, patience: Patience) -> Result<TcpStream, Failure> {
    let open = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddrV4::new(tuple.address, tuple.port).into())?;
        socket.connect_timeout(&topology::SERVICE.into(), patience.connect)?;
        Ok(socket)
    };
    let stream = TcpStream::from(open().map_err(Failure::Connect)?);
    let ready = stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(patience.answer)));
    ready.map_err(Failure::Cut)?;
    Ok(stream)
}

/// One request on a connection of its own.
pub fn request(tuple: Tuple, patience: Patience) -> Outcome {
    let since = Instant::now();
    let host = connect(tuple, patience).and_then(|mut stream| http::ask(&mut stream, false).map_err(Failure::Cut));
    Outcome { tuple, host, took: since.elapsed() }
}

/// One request that leaves no trace of its connection, so that the same tuple can be used again at once.
pub fn probe(tuple: Tuple, patience: Patience) -> Result<u8, Failure> {
    let mut stream = connect(tuple, patience)?;
    let answer = http::ask(&mut stream, true).map_err(Failure::Cut);
    // Closed by RST: a FIN would leave the tuple in TIME_WAIT on this side.
    let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    answer
}

/// Deals out tuples, none twice; the same seed deals the same ones, so that shares do not change from run to run.
#[derive(Debug)]
pub struct Tuples {
    dealt: u32,
    offset: u64,
}

impl Tuples {
    /// `seed` chooses the ports.
    pub fn new(seed: u64) -> Tuples {
        Tuples { dealt: 0, offset: seed }
    }
}

impl Iterator for Tuples {
    type Item = Tuple;

    /// The addresses in turn; ports walk through 10000..60000 by a stride without common factors, from an offset of each
    /// address's own.
    fn next(&mut self) -> Option<Tuple> {
        const PORTS: u64 = 50_000;
        const STRIDE: u64 = 30_011;
        let (round, index) = (self.dealt / u32::from(topology::CLIENTS), self.dealt % u32::from(topology::CLIENTS));
        if u64::from(round) >= PORTS {
            return None;
        }
        self.dealt += 1;
        let start = (self.offset.wrapping_add(u64::from(index)) << 1 | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let port = 10_000 + (start % PORTS + u64::from(round) * STRIDE) % PORTS;
        Some(Tuple { address: topology::client(index as u8), port: port as u16 })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_tuple_is_dealt_twice_and_all_addresses_come_in_turn() {
        let dealt: Vec<Tuple> = Tuples::new(1).take(40_000).collect();
        assert_eq!(dealt.iter().collect::<BTreeSet<_>>().len(), 40_000);
        let addresses: BTreeSet<_> = dealt[..40].iter().map(|tuple| tuple.address).collect();
        assert_eq!(addresses.len(), 40);
        assert!(dealt.iter().all(|tuple| (10_000..60_000).contains(&tuple.port)));
    }

    #[test]
    fn a_seed_deals_the_same_tuples_again() {
        assert!(Tuples::new(5).take(100).eq(Tuples::new(5).take(100)));
        assert!(!Tuples::new(5).take(100).eq(Tuples::new(6).take(100)));
    }
}
