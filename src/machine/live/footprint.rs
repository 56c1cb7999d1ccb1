//! How much memory the instances of families take: for benchmarks, and for whoever sets caps.

use super::{Inside, Live, Parts, Round};

/// Bytes of a session's families, over all roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// How many instances are live.
    pub instances: usize,
    /// What they take beside their variables and what is open in their blocks: where they are, and how keys find them.
    pub bytes: usize,
    /// What their variables take, without the texts and collections that these hold.
    pub variables: usize,
}

impl Footprint {
    /// What one instance takes beside its variables.
    #[must_use]
    pub fn each(&self) -> usize {
        self.bytes.checked_div(self.instances).unwrap_or_default()
    }
}

impl Live {
    /// How much memory the instances of families take, room that is kept for more included.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let mut all = Footprint::default();
        for seat in self.seats.values() {
            seat.act.visit(&mut |inside: &Inside| {
                let Parts::During { rounds, .. } = &inside.parts else { return };
                for round in rounds {
                    if let Round::Family(family) = round {
                        family.measure(&mut all);
                    }
                }
            });
        }
        all
    }
}
