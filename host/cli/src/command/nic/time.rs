//! Times as people write and read them.

use std::time::Duration;

use weir_spec::lease::LEASE_MAX;

/// A time with its unit: `250us`, `10ms`, `2s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let scale = match unit {
        "us" => 1,
        "ms" => 1000,
        "s" => 1_000_000,
        _ => return Err(format!("`{text}` is no time: a whole number with us, ms or s, as 10s")),
    };
    let count: u64 = digits.parse().map_err(|_| format!("`{text}` is no time: it begins with a whole number"))?;
    count.checked_mul(scale).map(Duration::from_micros).ok_or_else(|| format!("`{text}` is longer than anything lasts"))
}

/// A lease that a NIC takes and that is worth taking.
pub(super) fn lease(text: &str) -> Result<Duration, String> {
    const LEAST: Duration = Duration::from_millis(1);
    let most = Duration::from_micros(LEASE_MAX);
    let lease = duration(text)?;
    if lease < LEAST {
        return Err(format!("`{text}` is over before the NIC has it: 1ms to {}s", most.as_secs()));
    }
    if lease > most {
        return Err(format!("`{text}` is longer than a NIC takes: 1ms to {}s", most.as_secs()));
    }
    Ok(lease)
}

/// For people.
pub(super) fn seconds(time: Duration) -> String {
    format!("{}.{:03} s", time.as_secs(), time.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        assert_eq!(duration("250us"), Ok(Duration::from_micros(250)));
        assert_eq!(duration("10ms"), Ok(Duration::from_millis(10)));
        assert_eq!(duration("64s"), Ok(Duration::from_secs(64)));
        for wrong in ["", "5", "s", "1m", "-1s", "1.5s", "99999999999999999999s", "18446744073709551615s"] {
            duration(wrong).expect_err(wrong);
        }
    }

    #[test]
    fn a_lease_is_no_longer_than_a_nic_takes_and_not_over_at_once() {
        assert_eq!(lease("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(lease("64s"), Ok(Duration::from_secs(64)));
        for wrong in ["0s", "999us", "64001ms", "65s", "10"] {
            lease(wrong).expect_err(wrong);
        }
    }
}
