//! What the frames of a test have reached, and what they must have.

use std::collections::BTreeMap;

use weir_spec::egress::Egress;
use weir_spec::verdict::{Class, Decision, Reason};

use crate::frames::Made;

/// How often each cell was hit.
#[derive(Default, Debug)]
pub(crate) struct Coverage {
    cells: BTreeMap<String, u64>,
}

impl Coverage {
    fn hit(&mut self, cell: String) {
        *self.cells.entry(cell).or_default() += 1;
    }

    /// Notes a received frame.
    pub(crate) fn received(&mut self, made: &Made, decision: &Decision) {
        let state = decision.bucket.map(|(_, state)| state);
        self.hit(verdict(decision.class, decision.reason, state.map(|state| state as u32), decision.accept));
        if let Some(rule) = decision.rule {
            self.hit(format!("rule {rule}"));
        }
        if decision.class > Class::NotVip {
            let Made { vlans, family, ihl, extensions, .. } = made;
            self.hit(format!("{vlans} tags, IPv{family}"));
            match family {
                4 => self.hit(format!("IPv4 header of {ihl} words, {:?}", decision.class)),
                6 => self.hit(format!("{extensions} extensions, {:?}", decision.class)),
                _ => {}
            }
        }
        if made.cut {
            self.hit(format!("cut, {:?}", decision.class));
        }
    }

    /// Notes a frame that left, or not.
    pub(crate) fn sent(&mut self, egress: &Egress) {
        self.hit(format!("{egress:?}"));
    }

    /// Panics unless every cell was hit that can be.
    pub(crate) fn demand_all(&self) {
        let missing: Vec<String> = required().into_iter().filter(|cell| !self.cells.contains_key(cell)).collect();
        let hit = self.cells.iter().map(|(cell, hits)| format!("{hits:>8} {cell}")).collect::<Vec<_>>().join("\n");
        assert!(missing.is_empty(), "never reached:\n{}\nreached:\n{hit}", missing.join("\n"));
    }
}

fn verdict(class: Class, reason: Reason, state: Option<u32>, accept: bool) -> String {
    let state = state.map_or("no bucket".into(), |state| format!("state {state}"));
    format!("{class:?} by {reason:?}, {state}, {}", if accept { "passed" } else { "dropped" })
}

fn required() -> Vec<String> {
    use weir_spec::map::BucketState::{Adopt, None as Nothing, Own, Release};
    let mut cells = vec![
        verdict(Class::Malformed, Reason::Class, None, false),
        verdict(Class::NotIp, Reason::Class, None, true),
        verdict(Class::NotVip, Reason::Class, None, true),
        verdict(Class::OtherProtocol, Reason::Class, None, true),
        verdict(Class::Icmp, Reason::Class, None, true),
        verdict(Class::Echo, Reason::Policy, None, true),
        verdict(Class::LaterFragment, Reason::Policy, None, true),
        verdict(Class::LaterFragment, Reason::Policy, None, false),
        verdict(Class::LaterFragment, Reason::Bucket, Some(Release as u32), true),
        "cut, Malformed".into(),
        format!("{:?}", Egress { pass: true, masked: false }),
        format!("{:?}", Egress { pass: true, masked: true }),
        format!("{:?}", Egress { pass: false, masked: false }),
    ];
    for class in [Class::Echo, Class::LaterFragment, Class::BeyondWindow, Class::Transport] {
        for (state, accept) in [(Nothing, false), (Own, true), (Adopt, true)] {
            cells.push(verdict(class, Reason::Bucket, Some(state as u32), accept));
        }
        if class != Class::LaterFragment {
            cells.push(verdict(class, Reason::Bucket, Some(Release as u32), false));
        }
        for state in 0..4 {
            cells.push(verdict(class, Reason::Fenced, Some(state), false));
        }
    }
    cells.extend((0..=32).map(|rule| format!("rule {rule}")));
    for vlans in 0..=2 {
        cells.extend([4, 6].map(|family| format!("{vlans} tags, IPv{family}")));
    }
    let classes = [Class::OtherProtocol, Class::Icmp, Class::Echo, Class::LaterFragment, Class::Transport];
    for class in classes {
        cells.extend((5..=15).map(|ihl| format!("IPv4 header of {ihl} words, {class:?}")));
        // A fragment header is an extension of its own.
        let least = u8::from(class == Class::LaterFragment);
        cells.extend((least..=5).map(|count| format!("{count} extensions, {class:?}")));
    }
    cells.extend((1..=7).map(|count| format!("{count} extensions, {:?}", Class::BeyondWindow)));
    cells
}
