//! What is asked about one rule, or all of them: the event it is, or the answer where there is none to be.

use weir_cluster::status::RuleStatus;
use weir_cluster::wire::codes;
use weir_cluster::{Event, Filtering, Load, Status};

use crate::config::Config;
use crate::control::{Answer, RuleName};
use crate::describe;
use crate::flows::Sorter;

/// What rules are named by.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) config: &'a Config,
    pub(super) sorter: &'a Sorter,
}

impl Asking<'_> {
    /// `None`: all rules.
    pub(super) fn drain(self, status: &Status, rule: Option<RuleName>) -> Result<Event, Answer> {
        let slot = self.slot(rule)?;
        if of(status, slot).all(|rule| is_drained(status, rule)) {
            return Err(Answer::Already { state: "draining".into() });
        }
        Ok(Event::SetDrain { slot, drain: true })
    }

    /// `None`: all rules, which takes back a drainstop. One rule alone does not: the host would own its buckets anew, and still
    /// be about to stop.
    pub(super) fn enable(self, status: &Status, rule: Option<RuleName>) -> Result<Event, Answer> {
        let slot = self.slot(rule)?;
        if slot.is_some() && status.draining {
            let message =
                "this host drains to stop, and takes no new connections of any rule: `weir start` takes that back";
            return Err(Answer::Refused { message: message.into() });
        }
        if !status.draining && !of(status, slot).any(|rule| is_drained(status, rule)) {
            return Err(Answer::Already { state: "enabled".into() });
        }
        Ok(Event::SetDrain { slot, drain: false })
    }

    pub(super) fn weigh(self, status: &Status, rule: RuleName, load: Load) -> Result<Event, Answer> {
        let slot = self.named(rule)?;
        let rule = &status.rules[slot];
        let name = describe::slot_name(self.config, rule.rule.as_ref());
        let why = match codes::decode_weight(rule.weight) {
            Some(Filtering::Multiple(before)) if before == load => {
                return Err(Answer::Already { state: "weighted".into() });
            }
            Some(Filtering::Multiple(_)) => return Ok(Event::SetLoad { slot, load }),
            Some(Filtering::Single(priority)) => format!(
                "mode single, in which one host takes all, by its handling priority (here {priority}; rule.priority in the file)"
            ),
            Some(Filtering::Disabled) | None => "mode disabled, in which no host takes any".into(),
        };
        let message = format!("rule {name} is of {why}: a load weight needs a rule of mode multiple");
        Err(Answer::Refused { message })
    }

    fn slot(self, rule: Option<RuleName>) -> Result<Option<usize>, Answer> {
        rule.map(|rule| self.named(rule)).transpose()
    }

    fn named(self, rule: RuleName) -> Result<usize, Answer> {
        self.sorter.named(rule).map_err(|message| Answer::Refused { message })
    }
}

/// One rule, or all of them with the default rule.
fn of(status: &Status, slot: Option<usize>) -> impl Iterator<Item = &RuleStatus> {
    let rules = status.rules.iter().enumerate();
    rules.filter(move |(index, _)| slot.is_none_or(|slot| slot == *index)).map(|(_, rule)| rule)
}

fn is_drained(status: &Status, rule: &RuleStatus) -> bool {
    rule.drained.contains(status.host)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use weir_cluster::{HostTime, NicTime, Node, Now};
    use weir_spec::mac::Mac;

    use super::*;
    use crate::resolve;

    const TEXT: &str = r#"
[cluster]
vips = ["10.77.0.100"]
key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
[host]
priority = 1
interface = "eth0"
nic = "sim"
[[rule]]
ports = 80
[[rule]]
ports = 443
mode = "single"
priority = 7
[[rule]]
ports = 9000
mode = "disabled"
"#;

    const NOW: Now = Now { host: HostTime(0), nic: NicTime(0) };

    struct Host {
        config: Config,
        sorter: Sorter,
        node: Node,
    }

    impl Host {
        fn new() -> Host {
            let config = Config::parse(Path::new("weir.toml"), TEXT).expect("a good configuration");
            let node = Node::new(resolve::cluster(&config, 7, Mac::default())).expect("a good configuration");
            Host { sorter: resolve::sorter(&config, node.config().slots()), config, node }
        }

        fn asked(&self) -> (Asking<'_>, Status) {
            (Asking { config: &self.config, sorter: &self.sorter }, self.node.status(NOW))
        }

        fn drain(&mut self, rule: Option<RuleName>) -> Result<(), Answer> {
            let (asking, status) = self.asked();
            let event = asking.drain(&status, rule)?;
            self.node.handle(NOW, event, &mut Vec::new());
            Ok(())
        }

        fn enable(&mut self, rule: Option<RuleName>) -> Result<(), Answer> {
            let (asking, status) = self.asked();
            let event = asking.enable(&status, rule)?;
            self.node.handle(NOW, event, &mut Vec::new());
            Ok(())
        }

        fn weigh(&mut self, rule: Option<RuleName>, load: Load) -> Result<(), Answer> {
            let (asking, status) = self.asked();
            let event = asking.weigh(&status, rule.expect("one"), load)?;
            self.node.handle(NOW, event, &mut Vec::new());
            Ok(())
        }
    }

    fn port(port: u16) -> Option<RuleName> {
        Some(RuleName::of_port(port))
    }

    fn already(state: &str) -> Result<(), Answer> {
        Err(Answer::Already { state: state.into() })
    }

    #[test]
    fn a_load_weight_is_only_for_what_hosts_share() {
        let mut host = Host::new();
        for (rule, mode, wanted) in
            [(443, "all 443 both", "mode single"), (9000, "all 9000 both", "mode disabled, in which no host")]
        {
            let Err(Answer::Refused { message }) = host.weigh(port(rule), Load::Weight(50)) else { panic!("weighed") };
            for wanted in [mode, wanted, "needs a rule of mode multiple"] {
                assert!(message.contains(wanted), "{message}\nlacks\n{wanted}");
            }
        }
        assert_eq!(host.weigh(port(80), Load::Weight(50)), Ok(()));
        assert_eq!(host.weigh(port(80), Load::Weight(50)), already("weighted"));
        assert_eq!(host.weigh(port(80), Load::Equal), Ok(()));
        assert_eq!(host.weigh(port(80), Load::Equal), already("weighted"));
    }

    #[test]
    fn what_is_drained_already_and_what_is_not_is_nothing_to_do() {
        let mut host = Host::new();
        assert_eq!(host.enable(port(80)), already("enabled"));
        assert_eq!(host.enable(None), already("enabled"));
        assert_eq!(host.drain(port(80)), Ok(()));
        assert_eq!(host.drain(port(80)), already("draining"));
        assert_eq!(host.enable(port(443)), already("enabled"), "another rule");
        assert_eq!(host.drain(None), Ok(()), "the others");
        assert_eq!(host.drain(None), already("draining"));
        assert_eq!(host.enable(port(80)), Ok(()));
        assert_eq!(host.enable(None), Ok(()), "the others");
        assert_eq!(host.enable(None), already("enabled"));
        assert!(matches!(host.drain(port(81)), Err(Answer::Refused { .. })), "no such rule");
    }

    #[test]
    fn a_host_that_drains_to_stop_takes_no_rule_alone_again() {
        let mut host = Host::new();
        assert_eq!(host.drain(None), Ok(()));
        let (asking, status) = host.asked();
        let status = Status { draining: true, ..status };
        let Err(Answer::Refused { message }) = asking.enable(&status, port(80)) else { panic!("taken") };
        assert!(message.contains("drains to stop") && message.contains("`weir start`"), "{message}");
        assert_eq!(asking.enable(&status, None), Ok(Event::SetDrain { slot: None, drain: false }));
        assert_eq!(asking.drain(&status, port(80)), Err(Answer::Already { state: "draining".into() }));
    }
}
