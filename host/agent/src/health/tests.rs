use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use weir_spec::mac::Mac;

use super::*;
use crate::resolve;

const PATIENCE: Duration = Duration::from_secs(60);

fn config(rules: &str) -> (Config, Vec<ClusterRule>) {
    let text = format!(
        "[cluster]\nvips = [\"10.77.0.100\"]\n\
         key = \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"\n\
         [host]\npriority = 1\ninterface = \"eth0\"\nnic = \"sim\"\n{rules}"
    );
    let config = Config::parse(Path::new("weir.toml"), &text).expect("a good configuration");
    let slots = resolve::cluster(&config, 0, Mac::default()).slots();
    (config, slots)
}

/// Hears looks until a service turns.
async fn turned(health: &mut Health) {
    let turns = async {
        loop {
            let look = health.look().await;
            if health.hear(look) {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, turns).await.expect("a look in time");
}

fn tcp(port: u16, more: &str) -> String {
    format!("[rule.check]\nkind = \"tcp\"\nport = {port}\ninterval_ms = 100\n{more}\n")
}

#[tokio::test]
async fn a_service_is_unfit_until_it_is_seen_and_falls_and_rises() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    // The rules' slots are in the order of their ports.
    let rules = format!("[[rule]]\nports = 443\n{}[[rule]]\nports = 80\n", tcp(port, "none_fit = \"refuse\""));
    let (config, slots) = config(&rules);
    let mut health = Health::default();
    health.watch(&config, &slots, |_| Begin::Unknown);
    assert_eq!(health.fitness(), [Fitness::Fit, Fitness::Unfit, Fitness::Fit]);
    assert_eq!(health.display()[0].state, "not known yet");
    turned(&mut health).await;
    assert_eq!(health.fitness(), [Fitness::Fit; 3]);

    drop(listener);
    let looks = async {
        for fitness in [Fitness::Fit, Fitness::Fit, Fitness::Unfit] {
            while health.services[0].failed.is_none() {
                let look = health.look().await;
                health.hear(look);
            }
            health.services[0].failed = None;
            assert_eq!(health.fitness()[1], fitness, "three in a row");
        }
    };
    tokio::time::timeout(PATIENCE, looks).await.expect("looks in time");
    let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the same port");
    turned(&mut health).await;
    assert_eq!(health.fitness()[1], Fitness::Fit);
    health.end();
}

#[tokio::test]
async fn the_default_rule_has_a_check_of_its_own_and_unfit_ones_are_a_last_resort_by_default() {
    let (config, slots) =
        config("[[rule]]\nports = 80\n[default_rule.check]\nkind = \"command\"\ncommand = [\"/bin/false\"]\n");
    let mut health = Health::default();
    health.watch(&config, &slots, |_| Begin::Unknown);
    turned(&mut health).await;
    assert_eq!(health.fitness(), [Fitness::Fit, Fitness::LastResort]);
    let shown = &health.display()[0];
    assert_eq!((shown.rule.as_str(), shown.state.as_str()), ("default", "unfit"));
    assert_eq!(shown.failed.as_deref(), Some("the command ended with 1"));
}

#[tokio::test]
async fn a_reload_keeps_what_is_known_and_hears_no_check_that_was_replaced() {
    let rule = |more: &str| format!("[[rule]]\nports = 80\n[rule.check]\nkind = \"command\"\n{more}\n");
    let (first, slots) = config(&rule("command = [\"/bin/false\"]"));
    let mut health = Health::default();
    health.watch(&first, &slots, |_| Begin::Unknown);
    turned(&mut health).await;
    let number = health.services[0].number;
    health.watch(&first, &slots, |_| Begin::As(Fitness::Fit));
    assert_eq!((health.services[0].number, health.fitness()[0]), (number, Fitness::LastResort), "nothing has changed");

    let (second, _) = config(&rule("command = [\"/bin/true\"]\nrise = 3\ninterval_ms = 100"));
    health.watch(&second, &slots, |_| Begin::As(Fitness::Fit));
    assert_eq!(health.fitness()[0], Fitness::LastResort, "of the same rule the same is known");
    assert!(!health.hear(Look { number, failed: None }));
    turned(&mut health).await;
    assert_eq!(health.fitness()[0], Fitness::Fit);

    let (third, slots) = config("[[rule]]\nports = 80\n[[rule]]\nports = 22\n[rule.check]\nkind = \"tcp\"\nport = 1\n");
    health.watch(&third, &slots, |_| Begin::As(Fitness::Fit));
    assert_eq!((health.services.len(), health.services[0].slot), (1, 0), "the check of port 80 is gone");
    assert_eq!(health.fitness(), [Fitness::Fit; 3], "a host that serves is not taken for unfit at once");
}

#[tokio::test]
async fn a_check_that_does_not_come_back_fails() {
    let rules = "[[rule]]\nports = 80\n[rule.check]\nkind = \"command\"\ncommand = [\"/bin/sleep\", \"600\"]\ninterval_ms = 100\ntimeout_ms = 60000\nfall = 2\n";
    let (config, slots) = config(rules);
    let mut health = Health::default();
    health.watch(&config, &slots, |_| Begin::As(Fitness::Fit));
    assert!(!health.miss(), "it has time");
    for fell in [false, true] {
        health.services[0].heard =
            Instant::now().checked_sub(Duration::from_secs(62)).expect("the machine is up so long");
        assert_eq!(health.miss(), fell);
    }
    assert_eq!(health.display()[0].failed.as_deref(), Some("the check hangs"));
    health.end();
}
