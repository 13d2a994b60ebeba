//! The TCP sockets of one host, as its kernel keeps them: it listens on every port, echoes what it is sent, closes when the
//! client closes, and resets what it knows nothing of.

use std::collections::{BTreeMap, BTreeSet};

use weir_cluster::Micros;

use crate::dice::Dice;
use crate::segment::{ACK, RST, SYN, Segment, Tuple};
use crate::tcp::{End, State, refusal};

/// A half-open socket gives up after so many answers to a SYN.
const SYN_ACKS: u32 = 5;
/// Data that is not acknowledged is given up after so many tries.
const TRIES: u32 = 15;
/// A connection without a word for so long is looked after, and found dead if its client is gone.
const KEEPALIVE: Micros = 75_000_000;

#[derive(Clone, Debug)]
struct Socket {
    end: End,
    heard: Micros,
}

impl Socket {
    fn deadline(&self) -> Micros {
        self.end.deadline.unwrap_or(self.heard + KEEPALIVE)
    }
}

/// The sockets of one host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kernel {
    sockets: BTreeMap<Tuple, Socket>,
    deadlines: BTreeSet<(Micros, Tuple)>,
    /// Ended since it was last asked.
    ended: Vec<Tuple>,
    /// A flood of SYNs fills its queue: it answers by cookies.
    pub(crate) flooded: bool,
    /// Cookies were sent since it was last asked.
    sent_cookies: bool,
    secret: u64,
}

impl Kernel {
    /// All connections that live: none in TIME_WAIT.
    pub(crate) fn alive(&self) -> impl Iterator<Item = Tuple> {
        self.sockets.iter().filter(|(_, socket)| socket.end.state != State::TimeWait).map(|(tuple, _)| *tuple)
    }

    /// Whether a connection lives here.
    pub(crate) fn has(&self, tuple: &Tuple) -> bool {
        self.sockets.get(tuple).is_some_and(|socket| socket.end.state != State::TimeWait)
    }

    /// When to call [`expire`](Kernel::expire).
    pub(crate) fn deadline(&self) -> Option<Micros> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// What has ended since this was last asked.
    pub(crate) fn take_ended(&mut self) -> Vec<Tuple> {
        std::mem::take(&mut self.ended)
    }

    /// A kernel whose cookies nobody guesses.
    pub(crate) fn with_secret(secret: u64) -> Kernel {
        Kernel { secret, ..Kernel::default() }
    }

    /// All sockets go with the power.
    pub(crate) fn restarted(&self) -> Kernel {
        Kernel::with_secret(self.secret.wrapping_add(1))
    }

    /// Whether SYN cookies were sent since this was last asked.
    pub(crate) fn take_sent_cookies(&mut self) -> bool {
        std::mem::take(&mut self.sent_cookies) | self.flooded
    }

    /// The flood begins, or ends.
    pub(crate) fn flood(&mut self, flooded: bool) {
        self.sent_cookies |= self.flooded;
        self.flooded = flooded;
    }

    /// The number of the answer to a SYN that nothing is kept of.
    fn cookie(&self, tuple: &Tuple, syn: u32) -> u32 {
        let words = [u64::from(tuple.client) << 16 | u64::from(tuple.client_port), u64::from(tuple.port), syn.into()];
        words.iter().fold(self.secret, |hash, word| Dice::new(hash ^ word).roll()) as u32
    }

    /// Whether a segment answers a cookie of this kernel's.
    fn is_recalled(&self, segment: &Segment) -> bool {
        let expected = self.cookie(&segment.tuple, segment.seq.wrapping_sub(1)).wrapping_add(1);
        segment.has(ACK) && !segment.has(SYN) && !segment.has(RST) && segment.ack == expected
    }

    fn put(&mut self, tuple: Tuple, socket: Socket) {
        self.deadlines.insert((socket.deadline(), tuple));
        self.sockets.insert(tuple, socket);
    }

    fn take(&mut self, tuple: &Tuple) -> Option<Socket> {
        let socket = self.sockets.remove(tuple)?;
        self.deadlines.remove(&(socket.deadline(), *tuple));
        Some(socket)
    }

    /// A segment came from the NIC. `first` is the number a new connection starts with.
    pub(crate) fn receive(&mut self, now: Micros, segment: &Segment, first: u32, out: &mut Vec<Segment>) {
        let tuple = segment.tuple;
        let is_syn = segment.has(SYN) && !segment.has(ACK) && !segment.has(RST);
        let known = self.take(&tuple).filter(|socket| !(is_syn && socket.end.state == State::TimeWait));
        let Some(mut socket) = known else {
            if is_syn && self.flooded {
                let seq = self.cookie(&tuple, segment.seq);
                out.push(Segment { flags: SYN | ACK, seq, ack: segment.seq.wrapping_add(1), len: 0, ..*segment });
                self.sent_cookies = true;
            } else if self.is_recalled(segment) {
                self.put(tuple, Socket { end: End::recall(segment), heard: now });
                self.receive(now, segment, first, out);
            } else if is_syn {
                let end = End::accept(segment, first, now, out);
                self.put(tuple, Socket { end, heard: now });
            } else {
                out.extend(refusal(segment));
            }
            return;
        };
        let lived = socket.end.state != State::TimeWait;
        let heard = socket.end.hear(segment, now, out);
        if heard.reset || heard.ended {
            self.ended.extend(lived.then_some(tuple));
            return;
        }
        if heard.data > 0 && matches!(socket.end.state, State::Established | State::CloseWait) {
            socket.end.send(heard.data as u16, now, out);
        }
        if heard.closes {
            socket.end.close(now, out);
        }
        if lived && socket.end.state == State::TimeWait {
            self.ended.push(tuple);
        }
        socket.heard = now;
        self.put(tuple, socket);
    }

    /// A deadline is over.
    pub(crate) fn expire(&mut self, now: Micros, out: &mut Vec<Segment>) {
        while let Some(&(_, tuple)) = self.deadlines.first().filter(|(at, _)| *at <= now) {
            let Some(mut socket) = self.take(&tuple) else { return };
            let lived = socket.end.state != State::TimeWait;
            let silent = socket.end.deadline.is_none();
            let most = if socket.end.state == State::SynReceived { SYN_ACKS } else { TRIES };
            if silent || socket.end.expire(now, out) || socket.end.tries > most {
                self.ended.extend(lived.then_some(tuple));
            } else {
                self.put(tuple, socket);
            }
        }
    }

    /// Ends all half-open connections. Nobody is told.
    pub(crate) fn end_half_open(&mut self) {
        let half_open = |(tuple, socket): (&Tuple, &Socket)| (socket.end.state == State::SynReceived).then_some(*tuple);
        let doomed: Vec<Tuple> = self.sockets.iter().filter_map(half_open).collect();
        for tuple in doomed {
            self.take(&tuple);
            self.ended.push(tuple);
        }
    }

    /// Ends a connection by force, unless it is half-open; the client is told. True if there was one.
    pub(crate) fn destroy(&mut self, tuple: &Tuple, out: &mut Vec<Segment>) -> bool {
        let half_open = |socket: &Socket| socket.end.state == State::SynReceived;
        if self.sockets.get(tuple).is_none_or(half_open) {
            return false;
        }
        if let Some(socket) = self.take(tuple) {
            out.push(socket.end.abort());
            self.ended.push(*tuple);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::FIN;

    const TUPLE: Tuple = Tuple { client: 9, client_port: 8, vip: 0, port: 80 };

    fn segment(flags: u8, seq: u32, ack: u32, len: u16) -> Segment {
        Segment { tuple: TUPLE, flags, seq, ack, len }
    }

    #[test]
    fn a_connection_lives_from_its_syn_to_its_last_ack() {
        let (mut kernel, mut out) = (Kernel::default(), Vec::new());
        kernel.receive(0, &segment(SYN, 10, 0, 0), 100, &mut out);
        assert_eq!(out, [segment(SYN | ACK, 100, 11, 0)]);
        assert!(kernel.has(&TUPLE), "half-open is alive");
        out.clear();
        kernel.receive(0, &segment(ACK, 11, 101, 5), 0, &mut out);
        assert_eq!(out, [segment(ACK, 101, 16, 0), segment(ACK, 101, 16, 5)], "an echo");
        out.clear();
        kernel.receive(0, &segment(FIN | ACK, 16, 106, 0), 0, &mut out);
        assert_eq!(out.last(), Some(&segment(FIN | ACK, 106, 17, 0)));
        kernel.receive(0, &segment(ACK, 17, 107, 0), 0, &mut out);
        assert!(!kernel.has(&TUPLE));
        assert_eq!(kernel.take_ended(), [TUPLE]);
        assert_eq!(kernel.deadline(), None);
    }

    #[test]
    fn what_overtakes_the_answer_to_a_cookie_is_reset() {
        let (mut kernel, mut out) = (Kernel::with_secret(7), Vec::new());
        kernel.flood(true);
        kernel.receive(0, &segment(SYN, 10, 0, 0), 100, &mut out);
        let cookie = out[0].seq;
        out.clear();
        kernel.receive(0, &segment(ACK, 12, cookie.wrapping_add(1), 0), 0, &mut out);
        assert_eq!(out, [segment(RST, cookie.wrapping_add(1), 0, 0)]);
        assert!(!kernel.has(&TUPLE));
        kernel.receive(0, &segment(ACK, 11, cookie.wrapping_add(1), 0), 0, &mut out);
        assert!(kernel.has(&TUPLE), "the segment after the SYN brings it back");
    }

    #[test]
    fn what_belongs_to_no_socket_is_reset_but_not_a_reset() {
        let (mut kernel, mut out) = (Kernel::default(), Vec::new());
        kernel.receive(0, &segment(ACK, 11, 101, 5), 0, &mut out);
        assert_eq!(out, [segment(RST, 101, 0, 0)]);
        out.clear();
        kernel.receive(0, &segment(RST, 11, 0, 0), 0, &mut out);
        assert!(out.is_empty());
    }

    #[test]
    fn a_half_open_socket_answers_some_times_and_gives_up() {
        let (mut kernel, mut out) = (Kernel::default(), Vec::new());
        kernel.receive(0, &segment(SYN, 10, 0, 0), 100, &mut out);
        while let Some(deadline) = kernel.deadline() {
            kernel.expire(deadline, &mut out);
        }
        assert_eq!(out.len() as u32, 1 + SYN_ACKS + 1);
        assert_eq!(kernel.take_ended(), [TUPLE]);
    }
}
