//! Any bytes as an HTTP answer, whole and piece by piece: no panic, no status that is none, and what was decided stays so.
#![no_main]

// The file itself: the agent around it would be instrumented as well, with all it is made of.
#[path = "../../../../host/agent/src/health/answer.rs"]
mod answer;

use answer::{Answer, MOST, read};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let whole = read(data);
    match whole {
        Answer::Status(status) => assert!((101..=999).contains(&status) && status != 102),
        Answer::Partial => assert!(data.len() < MOST),
        Answer::NotHttp => {}
    }
    let mut decided = Answer::Partial;
    for length in 0..=data.len().min(300) {
        let now = read(&data[..length]);
        assert!(decided == Answer::Partial || now == decided);
        decided = now;
    }
    assert!(decided == Answer::Partial || decided == whole);
});
