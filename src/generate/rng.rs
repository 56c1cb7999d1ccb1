//! A small generator of pseudo-random numbers (splitmix64): fast, seedable, the same on every platform.

/// Draws numbers from a seed, or from bytes while they last.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
    /// What to draw first, last one first.
    fed: Vec<u8>,
}

impl Rng {
    /// The generator of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed, fed: Vec::new() }
    }

    /// Draws one of the bytes each time, in order, and what follows from their number when they are used up: whoever
    /// changes a byte changes one decision.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { state: bytes.len() as u64, fed: bytes.iter().rev().copied().collect() }
    }

    /// The next 64 bits; the next byte, while there are any.
    pub fn bits(&mut self) -> u64 {
        if let Some(byte) = self.fed.pop() {
            return u64::from(byte);
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 if there is none.
    pub fn below(&mut self, n: usize) -> usize {
        // The bias is below n / 2^64.
        let drawn = self.bits().checked_rem(n as u64).unwrap_or(0);
        usize::try_from(drawn).unwrap_or(0)
    }

    /// A number in `from..=to`.
    pub fn between(&mut self, from: usize, to: usize) -> usize {
        from.saturating_add(self.below(to.saturating_sub(from).saturating_add(1)))
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of a slice's entries.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// Puts a slice into random order.
    pub fn shuffle<T>(&mut self, entries: &mut [T]) {
        for at in (1..entries.len()).rev() {
            entries.swap(at, self.below(at.saturating_add(1)));
        }
    }
}
