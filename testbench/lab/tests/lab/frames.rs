//! NICs that are boards in the wire: every agent drives its own by control frames, over the interface that its connections use, and by
//! nothing else.

use std::collections::BTreeSet;
use std::fs;

use weir_lab::client::{Tuple, Tuples};
use weir_lab::{Lab, Options, traffic};

use crate::stage::{PATIENCE, Watch, converged, weir_binary};

/// Hosts that answered so many requests, each of which was answered.
fn answerers(lab: &Lab, seed: u64) -> BTreeSet<u8> {
    let tuples: Vec<Tuple> = Tuples::new(seed).take(100).collect();
    let outcomes = traffic::wave(lab.clients(), &tuples, &|| false).expect("clients");
    assert_eq!(outcomes.len(), tuples.len());
    outcomes.into_iter().map(|outcome| outcome.host.expect("an answer")).collect()
}

#[test]
fn a_cluster_whose_nics_are_driven_by_control_frames_alone_takes_over_and_takes_back() {
    let program = Some(weir_binary());
    let options =
        Options { hosts: 3, name: "t-frames".into(), period_ms: 200, by_frames: true, program, ..Options::default() };
    let mut lab = Lab::build(&options, Default::default()).expect("this scenario needs root");
    let first = converged(&mut lab, &[1, 2, 3]);
    assert_eq!(first.buckets.values().sum::<u32>(), 4096);
    assert_eq!(answerers(&lab, 41), BTreeSet::from([1, 2, 3]));

    let watch = Watch::start(&lab, 42);
    lab.crash(2).expect("a crash");
    let second = lab.converge(&[1, 3], &first.epoch, PATIENCE, &mut |_| {}).expect("the others go on");
    assert_eq!((second.buckets.get(&2), second.buckets.values().sum::<u32>()), (None, 4096));
    assert_eq!(answerers(&lab, 43), BTreeSet::from([1, 3]));
    lab.boot(2).expect("a boot");
    let third = lab.converge(&[1, 2, 3], &second.epoch, PATIENCE, &mut |_| {}).expect("host 2 returns");
    assert!(third.buckets[&2] > 1000, "{:?}", third.buckets);
    assert_eq!(answerers(&lab, 44), BTreeSet::from([1, 2, 3]));
    let outcomes = watch.stop();
    assert!(outcomes.iter().filter(|outcome| outcome.host.is_ok()).count() > 200, "{}", outcomes.len());

    // Nobody came by the socket, and yet each NIC was given its epochs.
    for host in 1..=3 {
        let trace = fs::read_to_string(lab.host(host).trace()).expect("a trace");
        assert!(trace.contains("\"event\":\"commit\"") && !trace.contains("\"event\":\"attach\""), "{trace}");
    }
}
