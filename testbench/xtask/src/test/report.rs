//! The end of a run: a table of the parts, what failed or was skipped, and the plain closing line.

use super::Tally;

/// One part in the table.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) tally: Tally,
    pub(super) seconds: f64,
}

/// Prints table and closing line; whether nothing failed and something ran.
pub(super) fn print(rows: &[Row]) -> bool {
    let mut total = Tally::default();
    println!("\n{:<8} {:>7} {:>7} {:>8} {:>9}", "part", "passed", "failed", "skipped", "seconds");
    for Row { name, tally, seconds } in rows {
        let (passed, failed, skipped) = (tally.passed(), tally.failed(), tally.skipped());
        println!("{name:<8} {passed:>7} {failed:>7} {skipped:>8} {seconds:>9.1}");
        total.add(tally.clone());
    }
    for Row { name, tally, .. } in rows {
        for remark in tally.remarks() {
            println!("{name}: {remark}");
        }
    }
    println!("\n{}", total.line());
    total.failed() == 0 && total.passed() + total.skipped() > 0
}
