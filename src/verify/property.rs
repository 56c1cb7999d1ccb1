//! What can be claimed about a protocol or a system.

use crate::diag::{Diagnostic, Span, catalogue::verdict as codes};

/// A property by its published name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Property {
    /// Every role has a local type by full merge.
    Projectable,
    /// No unspecified reception, no orphan, no deadlock.
    Safe,
    /// No deadlock.
    DeadlockFree,
    /// Every run ends, and ends final.
    Terminating,
    /// From every reachable configuration each queued message can be received and each waiting role can be served.
    Live,
    /// The contents of all queues are bounded.
    Bounded,
    /// Some local types, one per role, do together what it says and no more.
    Implementable,
    /// No run ends.
    NeverTerminating,
    /// The stronger published liveness.
    LivePlus,
    /// The strongest published liveness.
    LivePlusPlus,
    /// k-multiparty compatibility.
    Kmc,
    /// From every reachable configuration, what somebody waits for comes about on every fair run.
    FairLive,
    /// Every fair run ends, and ends final.
    FairTerminating,
    /// Nobody is ever sent what he does not take from the one he waits for: the published safety of typing contexts.
    CommunicationSafe,
}

impl Property {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Projectable,
        Self::Safe,
        Self::DeadlockFree,
        Self::Terminating,
        Self::Live,
        Self::Bounded,
        Self::Implementable,
        Self::NeverTerminating,
        Self::LivePlus,
        Self::LivePlusPlus,
        Self::Kmc,
        Self::FairLive,
        Self::FairTerminating,
        Self::CommunicationSafe,
    ];

    /// Its name in a `check`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Projectable => "projectable",
            Self::Safe => "safe",
            Self::DeadlockFree => "deadlock_free",
            Self::Terminating => "terminating",
            Self::Live => "live",
            Self::Bounded => "bounded",
            Self::Implementable => "implementable",
            Self::NeverTerminating => "never_terminating",
            Self::LivePlus => "live_plus",
            Self::LivePlusPlus => "live_plus_plus",
            Self::Kmc => "kmc",
            Self::FairLive => "fair_live",
            Self::FairTerminating => "fair_terminating",
            Self::CommunicationSafe => "communication_safe",
        }
    }

    /// The property with this name; hyphens are as good as underscores.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let same = |property: &Self| {
            let mut ours = property.name().bytes();
            let mut theirs = name.bytes().map(|byte| if byte == b'-' { b'_' } else { byte });
            ours.by_ref().eq(theirs.by_ref())
        };
        Self::ALL.into_iter().find(same)
    }

    /// The property with this name, or what is wrong with the name.
    pub fn parse(name: &str, span: Span) -> Result<Self, Diagnostic> {
        Self::find(name).ok_or_else(|| {
            let found = Diagnostic::new(codes::UNKNOWN_CHECK, span, format!("there is no check `{name}`"));
            let near = Self::ALL.into_iter().map(|property| (distance(name, property.name()), property)).min();
            match near {
                Some((distance, property)) if distance <= name.len().div_ceil(3).max(1) => {
                    found.help(format!("did you mean `{}`?", property.name()))
                }
                _ => {
                    let names: Vec<String> =
                        Self::ALL.iter().map(|property| format!("`{}`", property.name())).collect();
                    found.help(format!("there are {}", names.join(", ")))
                }
            }
        })
    }
}

/// Edit distance by insertion, deletion, replacement; long names are far from everything.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 64 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i.saturating_add(1)];
        let mut left = i.saturating_add(1);
        for ((&y, &diagonal), &up) in b.iter().zip(&row).zip(row.iter().skip(1)) {
            let replace = diagonal.saturating_add(usize::from(x != y));
            left = replace.min(up.saturating_add(1)).min(left.saturating_add(1));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}
