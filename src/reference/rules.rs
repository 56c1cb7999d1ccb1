//! The rules by name, and how often each was used: a rule that no test fires is untested.

use std::cell::Cell;

/// A rule of the reference semantics; the module's documentation states each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// `[send]`
    Send,
    /// `[lose]`
    Lose,
    /// `[replace]`
    Replace,
    /// `[receive]`
    Receive,
    /// `[sync]`
    Sync,
    /// `[act]`
    Act,
    /// `[choice]`
    Choice,
    /// `[rec]`
    Rec,
    /// `[states]`
    States,
    /// `[continue]`
    Continue,
    /// `[call]`
    Call,
    /// `[end]`
    End,
    /// `[g-msg]`
    GlobalMessage,
    /// `[g-multi]`
    GlobalMulticast,
    /// `[g-act]`
    GlobalAct,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Send,
        Self::Lose,
        Self::Replace,
        Self::Receive,
        Self::Sync,
        Self::Act,
        Self::Choice,
        Self::Rec,
        Self::States,
        Self::Continue,
        Self::Call,
        Self::End,
        Self::GlobalMessage,
        Self::GlobalMulticast,
        Self::GlobalAct,
    ];

    /// Its name, as in the comments.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Lose => "lose",
            Self::Replace => "replace",
            Self::Receive => "receive",
            Self::Sync => "sync",
            Self::Act => "act",
            Self::Choice => "choice",
            Self::Rec => "rec",
            Self::States => "states",
            Self::Continue => "continue",
            Self::Call => "call",
            Self::End => "end",
            Self::GlobalMessage => "g-msg",
            Self::GlobalMulticast => "g-multi",
            Self::GlobalAct => "g-act",
        }
    }
}

/// How often each rule was used. It has no influence on any answer.
#[derive(Clone, Debug, Default)]
pub struct Fired {
    counts: [Cell<u64>; Rule::ALL.len()],
}

impl Fired {
    /// How often a rule was used.
    #[must_use]
    pub fn count(&self, rule: Rule) -> u64 {
        self.counts.get(rule as usize).map_or(0, Cell::get)
    }

    /// The rules that were never used.
    pub fn silent(&self) -> impl Iterator<Item = Rule> + '_ {
        Rule::ALL.into_iter().filter(|&rule| self.count(rule) == 0)
    }

    /// Adds what another count has seen.
    pub fn absorb(&self, other: &Self) {
        for (mine, its) in self.counts.iter().zip(&other.counts) {
            mine.set(mine.get().saturating_add(its.get()));
        }
    }

    pub(super) fn note(&self, rule: Rule) {
        if let Some(count) = self.counts.get(rule as usize) {
            count.set(count.get().saturating_add(1));
        }
    }
}
