//! Where randomness comes from.

use fastrand::Rng;

/// The seed of this run.
pub(crate) fn base() -> u64 {
    std::env::var("WEIR_SEED").map_or(1, |seed| seed.parse().expect("WEIR_SEED is a number"))
}

/// The generator of round `round` of the test `name`: no round depends on how many there were before.
pub(crate) fn rng(name: &str, round: usize) -> Rng {
    let text = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    Rng::with_seed(
        text ^ base().wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (round as u64).wrapping_mul(0xd1b5_4a32_d192_ed03),
    )
}

/// Whether this run may take hours.
pub(crate) fn long() -> bool {
    std::env::var("WEIR_LONG").is_ok_and(|long| long == "1")
}

/// How many rounds, where a normal run has `normal`.
pub(crate) fn rounds(normal: usize) -> usize {
    if long() { normal * 20 } else { normal }
}

/// One of `choices`, each with its weight.
pub(crate) fn pick<T: Copy>(rng: &mut Rng, choices: &[(u32, T)]) -> T {
    let total: u32 = choices.iter().map(|(weight, _)| weight).sum();
    let mut left = rng.u32(..total);
    for (weight, choice) in choices {
        if left < *weight {
            return *choice;
        }
        left -= weight;
    }
    unreachable!("the draw is below the sum of the weights")
}

/// True in `percent` of a hundred draws.
pub(crate) fn chance(rng: &mut Rng, percent: u32) -> bool {
    rng.u32(..100) < percent
}
