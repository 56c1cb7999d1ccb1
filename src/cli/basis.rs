//! What a verdict rests on: for those who ask, and for programs.
//!
//! Every "holds" names the theorem or the enumeration behind it, for which queues it is meant, and which part of the
//! language it speaks of; "unknown" says what was exhausted.

use super::check::because;
use crate::{
    event::{Limit, Verdict},
    report::BasisRecord,
    verify::{Evidence, Outcome},
};

const COMPLETE: &str = "Li, Stutz, Wies, Zufferey: Complete multiparty session type projection with automata, CAV 2023; \
                        Characterizing implementability of global protocols with infinite states and data, OOPSLA 2025";
const FULL: &str = "Scalas, Yoshida: Less is more: multiparty session types revisited, POPL 2019; Deniélou, Yoshida: \
                    Multiparty session types meet communicating automata, ESOP 2012";
const PLAIN: &str = "Honda, Yoshida, Carbone: Multiparty asynchronous session types, POPL 2008";

const KMC: &str = "Lange, Yoshida: Verifying asynchronous interactions via communicating session automata, CAV 2019";
const SYNC: &str = "Gay, Hole: Subtyping for session types in the pi calculus, Acta Informatica 2005";
const PRECISE: &str = "Ghilezan, Pantović, Prokić, Scalas, Yoshida: Precise subtyping for asynchronous multiparty \
                       sessions, POPL 2021";
const FAIR: &str = "Bravetti, Lange, Zavattaro: Fair refinement for asynchronous session types, FoSSaCS 2021";

/// What a verdict rests on.
pub(super) fn of(outcome: &Outcome, check: &str, plain: bool, outline: bool) -> BasisRecord {
    let looked_at = looked_at(outcome);
    let kernel = if outline {
        "the flow of control alone: the rest has errors"
    } else if plain {
        "messages, choice, recursion and calls"
    } else {
        "data, time and scopes included"
    };
    let mut basis = BasisRecord {
        by: "exhaustive",
        theorem: "every reachable configuration was looked at".to_owned(),
        source: None,
        queues: queues(outcome),
        fragment: kernel.to_owned(),
        looked_at,
    };
    match &outcome.verdict {
        Verdict::Unknown(limit) => {
            basis.by = "limit";
            basis.theorem = because(limit);
            if let (Limit::Bound(bound), true) = (limit, outcome.bound.is_none()) {
                basis.queues = format!("queues up to {bound}");
            }
        }
        Verdict::Violated(_) if outcome.evidence.is_none() => {
            let (by, theorem) = match &outcome.detail {
                Some(crate::verify::Detail::NotImplementable { .. }) => {
                    ("runs", "two runs of the protocol, both replayed by the reference semantics")
                }
                Some(crate::verify::Detail::NotProjectable { .. }) => {
                    ("merge", "what a role would have to do in two arms does not merge")
                }
                Some(crate::verify::Detail::NotSubtype(_)) => {
                    ("words", "two words, the larger type's and the smaller's, checked a second time")
                }
                _ => ("run", "a run, replayed by the reference semantics"),
            };
            (basis.by, basis.theorem) = (by, theorem.to_owned());
            if by == "runs" {
                basis.source = Some(COMPLETE);
            }
            if matches!(by, "runs" | "words") {
                basis.queues = if check == "subtype sync" { "synchronous" } else { "of any length" }.to_owned();
            }
        }
        Verdict::Holds | Verdict::Violated(_) => evidence(outcome, check, &mut basis),
    }
    basis
}

fn evidence(outcome: &Outcome, check: &str, basis: &mut BasisRecord) {
    let any = "of any length, bounded and synchronous ones included";
    match &outcome.evidence {
        Some(Evidence::Exhaustive) | None => {}
        Some(Evidence::Bounded(bound)) => {
            basis.by = "bounded";
            basis.theorem = match bound {
                0 => "every configuration that synchronous messages allow was looked at, no others".to_owned(),
                bound => format!("every configuration that queues up to {bound} allow was looked at, no others"),
            };
        }
        Some(Evidence::Projection) => {
            basis.by = "projection";
            basis.theorem = if check == "projectable" {
                "every role projects by full merge; what is projected is safe and live".to_owned()
            } else {
                "what is projected by full merge is safe and live".to_owned()
            };
            basis.source = Some(FULL);
            basis.queues = any.to_owned();
        }
        Some(Evidence::Plain) => {
            basis.by = "projection";
            basis.theorem = "every role projects by plain merge; what is projected is safe and live".to_owned();
            basis.source = Some(PLAIN);
            basis.queues = any.to_owned();
        }
        Some(Evidence::Regions) => {
            basis.by = "projection";
            basis.theorem = "every role projects by full merge, in every part by itself".to_owned();
        }
        Some(Evidence::Conditions) => {
            basis.by = "conditions";
            basis.theorem =
                "Send Validity, Receive Validity and No Mixed Choice hold for every role, so the machines of \
                             the subset construction do together what the protocol says, and never get stuck"
                    .to_owned();
            basis.source = Some(COMPLETE);
            basis.queues = any.to_owned();
            if outcome.may_stop.is_empty() {
                basis.fragment.push_str("; choices of one sender");
            } else {
                let n = outcome.may_stop.len();
                let roles = if n == 1 { "1 role".to_owned() } else { format!("{n} roles") };
                basis.fragment.push_str(&format!(
                    "; choices of one sender; {roles} may stop where a message could still come (optional termination)"
                ));
            }
        }
        Some(Evidence::Compatible(found)) => {
            basis.by = "kmc";
            basis.theorem = super::check::compatible(*found);
            if !found.whole || found.reduced {
                basis.source = Some(KMC);
                basis.queues = "of any length".to_owned();
            }
        }
        Some(Evidence::Subtyping(by)) => {
            basis.by = "certificate";
            basis.theorem = by.clone();
            basis.source = Some(match check {
                "subtype sync" => SYNC,
                "subtype fair" => FAIR,
                _ => PRECISE,
            });
            basis.queues = if check == "subtype sync" { "synchronous" } else { "of any length" }.to_owned();
        }
        Some(Evidence::Unrolled(keys)) => {
            basis.by = "unrolled";
            basis.fragment = "scopes unrolled, data and time left out".to_owned();
            if let Some(keys) = *keys {
                basis.fragment.push_str(&format!(", at most {keys} keys for each family"));
            }
        }
    }
}

/// For which queues the verdict is meant.
fn queues(outcome: &Outcome) -> String {
    match (outcome.bound, outcome.exhaustive) {
        (Some(0), _) => "synchronous".to_owned(),
        (Some(bound), true) => format!("up to {bound}, and no run needs more"),
        (Some(bound), false) => format!("up to {bound}"),
        (None, true) => "as declared: no send was cut by a bound".to_owned(),
        (None, false) => "as declared".to_owned(),
    }
}

fn looked_at(outcome: &Outcome) -> String {
    let mut text = match outcome.configurations {
        0 => return String::new(),
        1 => "1 configuration".to_owned(),
        n => format!("{n} configurations"),
    };
    for (at, family) in outcome.families.iter().enumerate() {
        let what = if at == 0 { ", each for all orders of " } else { " and " };
        text.push_str(&format!("{what}{} roles that can be exchanged", family.len()));
    }
    text
}
