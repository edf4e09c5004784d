//! Philox4x32-10: random numbers as a function of a counter and a key.
//!
//! Salmon, Moraes, Dror & Shaw 2011, *Parallel random numbers: as easy as 1, 2, 3*. There is no state,
//! so any element of any stream can be computed alone, in any order and on any machine.

/// What two of the four words are multiplied by in each round.
pub const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What is added to the key between rounds.
pub const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
/// How many rounds there are.
pub const ROUNDS: usize = 10;

/// The four words at `counter` of the stream of `key`.
fn philox4x32(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..ROUNDS {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let products =
            [MULTIPLIERS[0] * u64::from(counter[0]), MULTIPLIERS[1] * u64::from(counter[2])];
        let high = products.map(|p| (p >> 32) as u32);
        let low = products.map(|p| p as u32);
        counter = [high[1] ^ counter[1] ^ key[0], low[1], high[0] ^ counter[3] ^ key[1], low[0]];
    }
    counter
}

/// Two words of 64 bits for a key of 128 bits, of which one half is the cipher's key and the other
/// the upper half of the counter.
fn block(key: [i64; 2], lower: u64, cipher_tweak: u64) -> [u64; 2] {
    let halves = |w: u64| [w as u32, (w >> 32) as u32];
    let [c0, c1] = halves(lower);
    let [c2, c3] = halves(key[1] as u64);
    let out = philox4x32([c0, c1, c2, c3], halves(key[0] as u64 ^ cipher_tweak));
    [0, 2].map(|i| u64::from(out[i]) | u64::from(out[i + 1]) << 32)
}

/// The first `n` words of a key's stream.
pub fn words(key: [i64; 2], n: usize) -> impl Iterator<Item = u64> {
    (0..n.div_ceil(2) as u64).flat_map(move |i| block(key, i, 0)).take(n)
}

/// Another key for each `data`. The cipher's key is changed, so that new keys are never the words that
/// the old key draws.
pub fn fold(key: [i64; 2], data: i64) -> [i64; 2] {
    const TWEAK: u64 = 0x5269_6573_7A66_6F6C;
    block(key, data as u64, TWEAK).map(|w| w as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that are published with the authors' Random123 library.
    #[test]
    fn agrees_with_the_published_vectors() {
        let ones = u32::MAX;
        for (counter, key, expected) in [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([ones; 4], [ones; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ] {
            assert_eq!(philox4x32(counter, key), expected);
        }
    }
}
