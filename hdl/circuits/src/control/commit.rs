//! The commit token: it travels the header pipeline between two headers, and each stage loads its shadow as it passes.
//!
//! It may share its clock with a malformed header, which no configuration touches; so a flood of runts cannot hold it up.
//! Fixed way: `m_token` with the record, then `m_rules`, `m_policy` and `m_lease` where those are used, and `m_done` when
//! the gate has let go of every verdict before it.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Commit {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// No commit is under way any more.
    pub reset: Signal<In, Bit>,
    /// A commit was taken.
    pub request: Signal<In, Bit>,
    /// No header that depends on the configuration is at the head of the pipeline this clock.
    pub free: Signal<In, Bit>,
    /// The token enters: virtual IPs and key load.
    pub m_token: Signal<Out, Bit>,
    /// Two clocks later: the rules load.
    pub m_rules: Signal<Out, Bit>,
    /// Four clocks later: the policy loads.
    pub m_policy: Signal<Out, Bit>,
    /// Eight clocks later: the deadline comes into force.
    pub m_lease: Signal<Out, Bit>,
    /// The token has left the gate.
    pub m_done: Signal<Out, Bit>,
    /// A token has passed the verdict since reset; rises with the deadline it brings.
    pub m_configured: Signal<Out, Bit>,
    configured: DFF<Bit>,
    pending: DFF<Bit>,
    way: DFF<Bits<8>>,
    left: DFF<Bits<6>>,
    done: DFF<Bit>,
    token: Signal<Local, Bit>,
    moved: Signal<Local, Bits<8>>,
}

impl Logic for Commit {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, configured, pending, way, left, done);
        self.token.next = self.pending.q.val() & self.free.val();
        if self.request.val() {
            self.pending.d.next = true;
        }
        if self.token.val() {
            self.pending.d.next = false;
        }
        self.moved.next = self.way.q.val() << 1;
        self.way.d.next = self.moved.val().replace_bit(0, self.token.val());
        self.done.d.next = self.left.q.val() == 1;
        if self.left.q.val() != 0 {
            self.left.d.next = self.left.q.val() - 1;
        }
        if self.token.val() {
            self.left.d.next = 63.into();
        }
        if self.way.q.val().get_bit(7) {
            self.configured.d.next = true;
        }
        if self.reset.val() {
            self.configured.d.next = false;
            self.pending.d.next = false;
            self.way.d.next = 0.into();
            self.left.d.next = 0.into();
            self.done.d.next = false;
        }
        self.m_token.next = self.token.val();
        self.m_rules.next = self.way.q.val().get_bit(1);
        self.m_policy.next = self.way.q.val().get_bit(3);
        self.m_lease.next = self.way.q.val().get_bit(7);
        self.m_done.next = self.done.q.val();
        self.m_configured.next = self.configured.q.val();
    }
}
