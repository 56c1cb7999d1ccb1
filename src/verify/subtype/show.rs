//! Certificates and refutations in words.

use super::{
    Certificate, Refutation, Why,
    pair::{Half, Kind, Pair, Way},
};

/// A refutation with names instead of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What goes wrong, one line.
    pub text: String,
    /// What the smaller type does.
    pub smaller: Vec<String>,
    /// What the larger type makes of it.
    pub larger: Vec<String>,
    /// From these indices on the words are repeated for ever.
    pub cycle: Option<(usize, usize)>,
    /// What the smaller type does next, and the larger cannot match.
    pub blocked: Option<String>,
    /// What the larger type does next, and the smaller cannot match.
    pub missed: Option<String>,
}

/// More arms than these are not told.
const ARMS: usize = 6;

impl Shown {
    /// A refutation of a pair.
    #[must_use]
    pub fn of(pair: &Pair, refutation: &Refutation) -> Self {
        let text = |letter: u32| format!("`{}`", pair.text(letter));
        let arms = |half: &Half, state: u32| {
            let all = half.arms(state);
            let mut told: Vec<String> = all.iter().take(ARMS).map(|arm| text(arm.letter)).collect();
            if all.len() > ARMS {
                told.push(format!("{} more", all.len().saturating_sub(ARMS)));
            }
            told.join(", ")
        };
        // The letter with the same label whose payload is another.
        let other = |half: &Half, state: u32, letter: u32| {
            half.arms(state).iter().map(|arm| arm.letter).find(|&known| pair.symbol(known) == pair.symbol(letter))
        };
        let first = |half: &Half, state: u32| half.arms(state).first().map(|arm| pair.text(arm.letter));
        let (mut blocked, mut missed) = (None, None);
        let said = match refutation.why {
            Why::Extra { letter, at } => {
                blocked = Some(pair.text(letter));
                match (other(&pair.sup, at, letter), pair.sup.kind(at)) {
                    (Some(known), _) => {
                        let why = pair.why(letter, known).unwrap_or("the payloads do not fit");
                        format!("the smaller type sends {}, the larger {}: {why}", text(letter), text(known))
                    }
                    (None, Kind::Branch(_) | Kind::BranchMany) => {
                        let there = arms(&pair.sup, at);
                        format!("the smaller type sends {}, but the larger waits for {there} there", text(letter))
                    }
                    (None, Kind::End) => {
                        format!("the smaller type sends {}, but the larger has ended there", text(letter))
                    }
                    (None, _) => {
                        let there = arms(&pair.sup, at);
                        format!("the smaller type sends {}, but the larger sends only {there} there", text(letter))
                    }
                }
            }
            Why::Unhandled { letter, at } => {
                missed = Some(pair.text(letter));
                let there = arms(&pair.sub, at);
                match (other(&pair.sub, at, letter), pair.sub.kind(at)) {
                    (Some(known), _) => {
                        let why = pair.why(known, letter).unwrap_or("the payloads do not fit");
                        format!("the larger type takes {}, the smaller {}: {why}", text(letter), text(known))
                    }
                    (None, Kind::End) => {
                        format!("the larger type takes {}, but the smaller has ended there", text(letter))
                    }
                    (None, _) => {
                        format!("the larger type takes {}, but the smaller takes only {there} there", text(letter))
                    }
                }
            }
            Why::Dropped { letter, at } => {
                missed = Some(pair.text(letter));
                let there = arms(&pair.sub, at);
                format!(
                    "the larger type may send {}, but the smaller chooses among {there} alone: who waits for it may wait \
                     for ever",
                    text(letter)
                )
            }
            Why::Endless { .. } => {
                "nobody can lead the smaller type to its end from there, but the larger can be led to its own"
                    .to_owned()
            }
            Why::Overtakes { sub, sup } => {
                (blocked, missed) = (first(&pair.sub, sub), first(&pair.sup, sup));
                let (waits, sends) = (arms(&pair.sub, sub), arms(&pair.sup, sup));
                format!("the smaller type waits for {waits} where the larger first sends {sends}")
            }
            Why::Ends { sub, sup } => match (pair.sub.kind(sub), pair.sup.kind(sup)) {
                (Kind::End, Kind::End) => {
                    "the smaller type ends before it has taken all that the larger takes".to_owned()
                }
                (Kind::End, _) => {
                    missed = first(&pair.sup, sup);
                    format!("the smaller type ends where the larger goes on with {}", arms(&pair.sup, sup))
                }
                _ => {
                    blocked = first(&pair.sub, sub);
                    format!("the larger type ends where the smaller goes on with {}", arms(&pair.sub, sub))
                }
            },
            Why::Forgotten { letter } => forgotten(pair, refutation, letter),
        };
        let words = |letters: &[u32]| letters.iter().map(|&letter| pair.text(letter)).collect();
        let (smaller, larger) = (words(&refutation.sub), words(&refutation.sup));
        Self { text: said, smaller, larger, cycle: refutation.cycle, blocked, missed }
    }

    /// Both words, a line each, what blocks in brackets.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |who: &str, word: &[String], cycle: Option<usize>, next: Option<&String>| {
            let (once, again) = word.split_at_checked(cycle.unwrap_or(word.len())).unwrap_or((word, &[]));
            let mut parts: Vec<String> = once.to_vec();
            if !again.is_empty() {
                parts.push(format!("and for ever: {}", again.join(" ")));
            }
            if let Some(next) = next {
                parts.push(format!("[{next}]"));
            }
            if parts.is_empty() {
                parts.push("nothing yet".to_owned());
            }
            format!("{who}: {}", parts.join(" "))
        };
        vec![
            line("smaller", &self.smaller, self.cycle.map(|(at, _)| at), self.blocked.as_ref()),
            line("larger ", &self.larger, self.cycle.map(|(_, at)| at), self.missed.as_ref()),
        ]
    }
}

/// What is pending for ever. If the larger type waits for ever, then for that.
fn forgotten(pair: &Pair, refutation: &Refutation, letter: u32) -> String {
    let walk = |half: &Half, word: &[u32]| {
        word.iter().try_fold(half.initial(), |state, letter| {
            half.arms(state).iter().find(|arm| arm.letter == *letter).map(|arm| arm.then)
        })
    };
    let stands = refutation.cycle.is_some_and(|(_, at)| refutation.sup.len() == at);
    let at = walk(&pair.sup, &refutation.sup).filter(|_| stands);
    if let Some(arm) = at.and_then(|at| pair.sup.arms(at).first()) {
        let does =
            if pair.letter(arm.letter).is_some_and(|letter| letter.way == Way::Send) { "sending" } else { "taking" };
        return format!(
            "the smaller type goes on for ever without {does} `{}`, with which the larger goes on",
            pair.text(arm.letter)
        );
    }
    match pair.letter(letter).map(|letter| letter.way) {
        Some(Way::Receive) => {
            format!("the smaller type goes on for ever and never takes `{}`, which the larger takes", pair.text(letter))
        }
        _ => format!("the smaller type sends `{}`, and the larger goes on for ever without it", pair.text(letter)),
    }
}

impl Certificate {
    /// What it is, in a few words.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Relation(pairs) => format!("a simulation of {} pairs of states", pairs.len()),
            Self::Ahead(sets) => format!("regular sets of what is sent ahead at {} pairs of states", sets.len()),
            Self::Regular(regular) => {
                let rows = regular.rows.len();
                let dual = if regular.dual { ", of the dual types" } else { "" };
                format!("regular sets of what lies in the queues at {rows} pairs of states{dual}")
            }
            Self::Uncontrollable => {
                "nobody can lead the larger type to its end, so anything can stand for it".to_owned()
            }
            Self::Queues(queues) => {
                let rows = queues.rows.len();
                let exactly = if queues.neighbours.is_empty() {
                    "all configurations of the two types with what is sent ahead"
                } else {
                    "an invariant of the two types with whatever is sent ahead"
                };
                let dual = if queues.dual { ", of the dual types" } else { "" };
                format!("{exactly}: {rows} of them{dual}")
            }
        }
    }
}
