//! One end of a TCP connection: as much of RFC 9293 and RFC 5961 as decides who answers what, and when.
//!
//! Left out are windows, congestion, options and reassembly: what is not in order is asked for again. Data has a length and
//! no meaning.

use weir_cluster::Micros;

use crate::segment::{ACK, FIN, RST, SYN, Segment, Tuple};

const SECOND: Micros = 1_000_000;
/// A closed connection is remembered for so long by who closed first.
const TIME_WAIT: Micros = 60 * SECOND;
/// Who waits for the other's FIN waits for so long.
const FIN_WAIT: Micros = 60 * SECOND;
/// First time-out of a SYN or its answer.
const SYN_AGAIN: Micros = SECOND;
/// First time-out of data.
const DATA_AGAIN: Micros = 300_000;
/// Time-outs double so often.
const DOUBLINGS: u32 = 4;

/// Where a connection is, by the names of RFC 9293.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)]
pub enum State {
    SynSent,
    SynReceived,
    Established,
    CloseWait,
    FinWait1,
    FinWait2,
    Closing,
    LastAck,
    TimeWait,
}

/// What a segment came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Heard {
    /// The handshake is over.
    pub established: bool,
    /// So many octets came in order.
    pub data: u32,
    /// The other side closes.
    pub closes: bool,
    /// There is no connection any more: the other side says so.
    pub reset: bool,
    /// It has ended as it should.
    pub ended: bool,
}

/// One end of a connection.
#[derive(Clone, Debug)]
pub struct End {
    /// Where it is.
    pub state: State,
    tuple: Tuple,
    unacknowledged: u32,
    next: u32,
    expected: u32,
    /// When to send again, or to forget.
    pub deadline: Option<Micros>,
    /// Time-outs without an answer.
    pub tries: u32,
}

fn before(a: u32, b: u32) -> bool {
    (b.wrapping_sub(a) as i32) > 0
}

/// The answer of a host that knows nothing of it; `None` to a reset.
pub fn refusal(segment: &Segment) -> Option<Segment> {
    if segment.has(RST) {
        return None;
    }
    let Segment { tuple, ack, seq, .. } = *segment;
    Some(match segment.has(ACK) {
        true => Segment { tuple, flags: RST, seq: ack, ack: 0, len: 0 },
        false => Segment { tuple, flags: RST | ACK, seq: 0, ack: seq.wrapping_add(segment.takes()), len: 0 },
    })
}

impl End {
    /// A client's: sends a SYN.
    pub fn connect(tuple: Tuple, first: u32, now: Micros, out: &mut Vec<Segment>) -> End {
        let mut end = End {
            state: State::SynSent,
            tuple,
            unacknowledged: first,
            next: first.wrapping_add(1),
            expected: 0,
            deadline: None,
            tries: 0,
        };
        end.again(now, out);
        end
    }

    /// A server's, made by a SYN.
    pub fn accept(syn: &Segment, first: u32, now: Micros, out: &mut Vec<Segment>) -> End {
        let mut end = End {
            state: State::SynReceived,
            tuple: syn.tuple,
            unacknowledged: first,
            next: first.wrapping_add(1),
            expected: syn.seq.wrapping_add(1),
            deadline: None,
            tries: 0,
        };
        end.again(now, out);
        end
    }

    /// A server's that has answered a SYN by a cookie, and kept nothing of it: made by the segment that brings that back.
    pub fn recall(ack: &Segment) -> End {
        End {
            state: State::SynReceived,
            tuple: ack.tuple,
            unacknowledged: ack.ack.wrapping_sub(1),
            next: ack.ack,
            expected: ack.seq,
            deadline: None,
            tries: 0,
        }
    }

    fn say(&self, flags: u8, seq: u32, len: u16) -> Segment {
        let ack = if flags & ACK == 0 { 0 } else { self.expected };
        Segment { tuple: self.tuple, flags, seq, ack, len }
    }

    fn acknowledge(&self, out: &mut Vec<Segment>) {
        out.push(self.say(ACK, self.next, 0));
    }

    fn sent_fin(&self) -> bool {
        matches!(self.state, State::FinWait1 | State::Closing | State::LastAck)
    }

    /// Sends what is not acknowledged, once more or for the first time.
    fn again(&mut self, now: Micros, out: &mut Vec<Segment>) {
        let outstanding = self.next.wrapping_sub(self.unacknowledged);
        let (segment, first) = match self.state {
            State::SynSent => (self.say(SYN, self.unacknowledged, 0), SYN_AGAIN),
            State::SynReceived => (self.say(SYN | ACK, self.unacknowledged, 0), SYN_AGAIN),
            _ => {
                let fin = self.sent_fin();
                let flags = if fin { FIN | ACK } else { ACK };
                (self.say(flags, self.unacknowledged, (outstanding - u32::from(fin)) as u16), DATA_AGAIN)
            }
        };
        out.push(segment);
        self.deadline = Some(now + (first << self.tries.min(DOUBLINGS)));
    }

    /// Sends `len` octets.
    pub fn send(&mut self, len: u16, now: Micros, out: &mut Vec<Segment>) {
        let idle = self.unacknowledged == self.next;
        let segment = self.say(ACK, self.next, len);
        self.next = self.next.wrapping_add(len.into());
        if idle {
            self.tries = 0;
            self.again(now, out);
        } else {
            out.push(segment);
        }
    }

    /// Closes this side.
    pub fn close(&mut self, now: Micros, out: &mut Vec<Segment>) {
        self.state = match self.state {
            State::Established => State::FinWait1,
            State::CloseWait => State::LastAck,
            _ => return,
        };
        self.next = self.next.wrapping_add(1);
        self.tries = 0;
        self.again(now, out);
    }

    /// Ends it at once; the other side is told.
    pub fn abort(&self) -> Segment {
        self.say(RST | ACK, self.next, 0)
    }

    /// Everything sent was acknowledged.
    pub fn is_idle(&self) -> bool {
        self.unacknowledged == self.next
    }

    /// The deadline is over: sends again; true if it is to be forgotten.
    pub fn expire(&mut self, now: Micros, out: &mut Vec<Segment>) -> bool {
        self.deadline = None;
        if matches!(self.state, State::TimeWait | State::FinWait2) {
            return true;
        }
        if !self.is_idle() {
            self.tries += 1;
            self.again(now, out);
        }
        false
    }

    /// A segment came.
    pub fn hear(&mut self, segment: &Segment, now: Micros, out: &mut Vec<Segment>) -> Heard {
        let mut heard = Heard::default();
        if self.state == State::SynSent {
            self.hear_answer(segment, out, &mut heard);
            return heard;
        }
        if segment.has(RST) {
            // Only the exact number ends it (RFC 5961, section 3.2).
            heard.reset = segment.seq == self.expected;
            if !heard.reset && segment.seq.wrapping_sub(self.expected) < 1 << 16 {
                self.acknowledge(out);
            }
            return heard;
        }
        if segment.has(SYN) {
            let same = segment.seq.wrapping_add(1) == self.expected;
            if self.state == State::SynReceived && same && !segment.has(ACK) {
                out.push(self.say(SYN | ACK, self.unacknowledged, 0));
            } else {
                // A challenge (RFC 5961, section 4.2).
                self.acknowledge(out);
            }
            return heard;
        }
        if !segment.has(ACK) {
            return heard;
        }
        if self.state == State::SynReceived {
            if segment.ack != self.next {
                out.extend(refusal(segment));
                return heard;
            }
            self.state = State::Established;
            heard.established = true;
        }
        if before(self.next, segment.ack) {
            self.acknowledge(out);
            return heard;
        }
        if before(self.unacknowledged, segment.ack) {
            self.unacknowledged = segment.ack;
            self.tries = 0;
            self.deadline = (!self.is_idle()).then_some(now + DATA_AGAIN);
        }
        if self.is_idle() {
            match self.state {
                State::FinWait1 => {
                    self.state = State::FinWait2;
                    self.deadline = Some(now + FIN_WAIT);
                }
                State::Closing => self.wait(now),
                State::LastAck => heard.ended = true,
                _ => {}
            }
        }
        if segment.takes() > 0 {
            if segment.seq == self.expected {
                self.take(segment, now, &mut heard);
            }
            self.acknowledge(out);
        }
        heard
    }

    fn hear_answer(&mut self, segment: &Segment, out: &mut Vec<Segment>, heard: &mut Heard) {
        if !segment.has(ACK) {
            return;
        }
        if segment.ack != self.next {
            out.extend(refusal(segment));
            return;
        }
        if segment.has(RST) {
            heard.reset = true;
        } else if segment.has(SYN) {
            self.state = State::Established;
            self.unacknowledged = segment.ack;
            self.expected = segment.seq.wrapping_add(1);
            self.deadline = None;
            self.tries = 0;
            heard.established = true;
            self.acknowledge(out);
        }
    }

    fn take(&mut self, segment: &Segment, now: Micros, heard: &mut Heard) {
        self.expected = self.expected.wrapping_add(segment.takes());
        heard.data = segment.len.into();
        if !segment.has(FIN) {
            return;
        }
        heard.closes = true;
        match self.state {
            State::Established => self.state = State::CloseWait,
            State::FinWait1 => self.state = State::Closing,
            State::FinWait2 => self.wait(now),
            _ => {}
        }
    }

    fn wait(&mut self, now: Micros) {
        self.state = State::TimeWait;
        self.deadline = Some(now + TIME_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TUPLE: Tuple = Tuple { client: 1, client_port: 2, vip: 0, port: 80 };

    /// Two ends, and what is under way between them.
    fn connected() -> (End, End) {
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        let mut client = End::connect(TUPLE, u32::MAX, 0, &mut to_server);
        let mut server = End::accept(&to_server[0], 500, 0, &mut to_client);
        to_server.clear();
        assert!(client.hear(&to_client[0], 0, &mut to_server).established);
        assert!(server.hear(&to_server[0], 0, &mut Vec::new()).established);
        (client, server)
    }

    #[test]
    fn data_that_was_lost_is_sent_again_and_counts_once() {
        let (mut client, mut server) = connected();
        let (mut out, mut answers) = (Vec::new(), Vec::new());
        client.send(100, 10, &mut out);
        let deadline = client.deadline.expect("unacknowledged");
        out.clear();
        assert!(!client.expire(deadline, &mut out));
        assert_eq!(server.hear(&out[0], deadline, &mut answers).data, 100);
        assert_eq!(server.hear(&out[0], deadline, &mut answers).data, 0);
        client.hear(&answers[0], deadline, &mut Vec::new());
        assert!(client.is_idle() && client.deadline.is_none());
    }

    #[test]
    fn both_sides_close_and_who_closed_first_remembers() {
        let (mut client, mut server) = connected();
        let (mut out, mut answers) = (Vec::new(), Vec::new());
        client.close(0, &mut out);
        assert!(server.hear(&out[0], 0, &mut answers).closes);
        server.close(0, &mut answers);
        out.clear();
        answers.iter().for_each(|segment| {
            client.hear(segment, 0, &mut out);
        });
        assert_eq!(client.state, State::TimeWait);
        assert!(server.hear(out.last().expect("an ACK"), 0, &mut Vec::new()).ended);
        assert!(client.expire(TIME_WAIT, &mut Vec::new()));
    }

    #[test]
    fn a_syn_on_a_live_connection_is_challenged_and_a_client_that_forgot_clears_it() {
        let (_, mut server) = connected();
        let (mut out, mut answers) = (Vec::new(), Vec::new());
        let mut forgetful = End::connect(TUPLE, 9_000, 0, &mut out);
        assert_eq!(server.hear(&out[0], 0, &mut answers), Heard::default());
        out.clear();
        assert_eq!(forgetful.hear(&answers[0], 0, &mut out), Heard::default());
        assert!(server.hear(&out[0], 0, &mut Vec::new()).reset);
    }

    #[test]
    fn a_reset_with_any_other_number_ends_nothing() {
        let (client, mut server) = connected();
        let good = client.abort();
        for seq in [good.seq.wrapping_add(1), good.seq.wrapping_sub(1), good.seq ^ 1 << 31] {
            assert!(!server.hear(&Segment { seq, ..good }, 0, &mut Vec::new()).reset);
        }
        assert!(server.hear(&good, 0, &mut Vec::new()).reset);
    }
}
