//! What a failure says: enough to replay it and to see what is wrong.

use weir_rtl::Side;
use weir_spec::egress::Egress;
use weir_spec::verdict::Decision;

use crate::seed;
use crate::shot::Shot;

/// The first frame on which circuit and spec differ.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    pub(crate) side: Side,
    /// Place of the frame among those of its side in this batch.
    pub(crate) index: usize,
    pub(crate) shot: Shot,
    pub(crate) what: String,
}

fn verdict(side: Side, word: u32) -> String {
    let meaning = match side {
        Side::Rx => Decision::decode(word).map_or("no decision".into(), |decision| format!("{decision:?}")),
        Side::Tx => format!("{:?}", Egress { pass: word & 1 == 1, masked: word & 2 == 2 }),
    };
    format!("{word:#010x} {meaning}")
}

/// Words that differ.
pub(crate) fn verdicts(side: Side, expected: impl Iterator<Item = u32>, got: u32) -> String {
    let expected: Vec<String> = expected.map(|word| verdict(side, word)).collect();
    format!("verdict\n    spec    {}\n    circuit {}", expected.join("\n         or "), verdict(side, got))
}

/// Bytes that differ.
pub(crate) fn bytes(expected: &[u8], got: &[u8]) -> String {
    let at = expected.iter().zip(got).position(|(a, b)| a != b).unwrap_or(expected.len().min(got.len()));
    format!("bytes differ from byte {at} on\n    spec    {}\n    circuit {}", hex(expected), hex(got))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn frame(difference: &Difference) -> String {
    let Difference { side, shot, what, .. } = difference;
    let bytes = hex(&shot.bytes);
    format!(
        "{side:?} frame of {} bytes {bytes}\n  waits {:?}\n  {:?}\n  {what}",
        shot.bytes.len(),
        shot.waits,
        shot.made
    )
}

/// The report. `alone`: what became of the frame when it was sent alone, if that was tried.
pub(crate) fn text(label: &str, difference: &Difference, alone: Option<Option<&Difference>>) -> String {
    let alone = match alone {
        None => String::new(),
        Some(None) => "\nalone in the pipeline it does not differ".into(),
        Some(Some(smallest)) => format!("\nsmallest that differs alone:\n  {}", frame(smallest)),
    };
    let (seed, index) = (seed::base(), difference.index);
    format!("{label}, frame {index}, replay with WEIR_SEED={seed}\n  {}{alone}", frame(difference))
}
