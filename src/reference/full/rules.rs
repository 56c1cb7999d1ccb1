//! The rules by name, and how often each was used: a rule that no test fires is untested.

use std::cell::Cell;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// A rule of the semantics beyond the kernel; the module's documentation states each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name, as in the comments.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

rules! {
    /// `[both]`
    Both = "both";
    /// `[send]`
    Send = "send";
    /// `[receive]`
    Receive = "receive";
    /// `[act]`
    Act = "act";
    /// `[duplicate]`
    Duplicate = "duplicate";
    /// `[unique]`
    Unique = "unique";
    /// `[stale]`
    Stale = "stale";
    /// `[vanish]`
    Vanish = "vanish";
    /// `[crash]`
    Crash = "crash";
    /// `[step]`
    Step = "step";
    /// `[witness]`
    Witness = "witness";
    /// `[set]`
    Set = "set";
    /// `[bind]`
    Bind = "bind";
    /// `[assign]`
    Assign = "assign";
    /// `[within]`
    Within = "within";
    /// `[choice]`
    Choice = "choice";
    /// `[absent]`
    Absent = "absent";
    /// `[enter]`
    Enter = "enter";
    /// `[skip]`
    Skip = "skip";
    /// `[leave]`
    Leave = "leave";
    /// `[jump]`
    Jump = "jump";
    /// `[part]`
    Part = "part";
    /// `[main]`
    Main = "main";
    /// `[round]`
    Round = "round";
    /// `[begin]`
    Begin = "begin";
    /// `[finish]`
    Finish = "finish";
    /// `[late round]`
    LateRound = "late round";
    /// `[body]`
    Body = "body";
    /// `[interrupt]`
    Interrupt = "interrupt";
    /// `[timeout]`
    Timeout = "timeout";
    /// `[idle]`
    Idle = "idle";
    /// `[deadline]`
    Deadline = "deadline";
    /// `[detect]`
    Detect = "detect";
    /// `[told]`
    Told = "told";
    /// `[lose]`
    Lose = "lose";
    /// `[replace]`
    Replace = "replace";
    /// `[epoch]`
    Epoch = "epoch";
    /// `[retry]`
    Retry = "retry";
    /// `[every]`
    Every = "every";
    /// `[over]`
    Over = "over";
    /// `[open]`
    Open = "open";
    /// `[named]`
    Named = "named";
    /// `[late key]`
    LateKey = "late key";
    /// `[inner key]`
    InnerKey = "inner key";
    /// `[used]`
    Used = "used";
    /// `[close]`
    Close = "close";
}

/// How often each rule was used. It has no influence on any answer.
#[derive(Clone, Debug)]
pub struct Fired(Vec<Cell<u64>>);

impl Default for Fired {
    fn default() -> Self {
        Self(vec![Cell::new(0); Rule::ALL.len()])
    }
}

impl Fired {
    /// How often a rule was used.
    #[must_use]
    pub fn count(&self, rule: Rule) -> u64 {
        self.0.get(rule as usize).map_or(0, Cell::get)
    }

    /// Adds what another count has seen.
    pub fn absorb(&self, other: &Self) {
        for (mine, its) in self.0.iter().zip(&other.0) {
            mine.set(mine.get().saturating_add(its.get()));
        }
    }

    pub(super) fn note(&self, rule: Rule) {
        if let Some(count) = self.0.get(rule as usize) {
            count.set(count.get().saturating_add(1));
        }
    }
}
