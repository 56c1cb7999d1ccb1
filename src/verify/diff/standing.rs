//! Whether one version of a role's type can stand for the other, in words.
//!
//! Comes in: the two types. Goes out: a [`Standing`]. Synchronous subtyping is asked first, since its words are short and its places plain;
//! where it says no and queues are not bounded, asynchronous subtyping may still say yes: the type then only sends
//! ahead.

use super::{Version, pair};
use crate::{
    diag::Span,
    event::Limit,
    protocol::Local,
    verify::{
        Options,
        search::Poll,
        subtype::{Answer, Fit, Half, Letter, Meter, Pair, Refutation, Relation, Way, Why, decide, limit},
    },
};

/// Whether one version can stand for the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// It can.
    Yes,
    /// It cannot.
    No(Box<Parting>),
    /// It was not decided, and why.
    Unknown(String),
}

/// Where two types part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// What both do until then, a shortest word: `Shop!order(item: string)`.
    pub word: Vec<String>,
    /// What then goes wrong, in one line.
    pub sentence: String,
    /// Who of the others is hurt.
    pub peers: Vec<Box<str>>,
    /// Where the type that should stand is then, in its specification.
    pub sub: Span,
    /// Where the one that it should stand for is, in its own.
    pub sup: Span,
}

/// A standing, and what else is to be known of it.
pub(super) struct Found {
    pub(super) standing: Standing,
    /// It is a synchronous subtype.
    pub(super) same: bool,
    /// Whether some payloads fit is not known.
    pub(super) open: bool,
}

/// Whether the first can stand for the second; each with its version, and what to call that.
pub(super) fn of(
    sub: (&Version<'_>, &Local, &str),
    sup: (&Version<'_>, &Local, &str),
    ahead: bool,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Found {
    let mut meter = Meter::new(options, poll);
    let made = pair((sub.0, sub.1), (sup.0, sup.1), Relation::Sync, options, &mut meter);
    let pair = match made {
        Ok(pair) => pair,
        Err(why) => return Found { standing: Standing::Unknown(why), same: false, open: true },
    };
    let open = pair.shared().into_iter().any(|(a, b)| pair.fit(a, b) == Fit::Unknown);
    let refutation = match decide(&pair, Relation::Sync, &mut meter) {
        Answer::Yes(_) => return Found { standing: Standing::Yes, same: true, open },
        Answer::No(refutation) => refutation,
        Answer::Unknown(tried) => {
            return Found { standing: Standing::Unknown(words(&limit(&tried))), same: false, open };
        }
    };
    let no = || Standing::No(Box::new(parting(&pair, &refutation, sub.2, sup.2)));
    let standing = if ahead {
        // Sessions that are handed over settle less here.
        let pair = super::pair((sub.0, sub.1), (sup.0, sup.1), Relation::Async, options, &mut meter);
        match pair.map(|pair| decide(&pair, Relation::Async, &mut meter)) {
            Ok(Answer::Yes(_)) => Standing::Yes,
            Ok(Answer::No(_)) => no(),
            Ok(Answer::Unknown(tried)) => Standing::Unknown(words(&limit(&tried))),
            Err(why) => Standing::Unknown(why),
        }
    } else {
        no()
    };
    Found { standing, same: false, open }
}

pub(super) fn words(limit: &Limit) -> String {
    match limit {
        Limit::States(states) => format!("gave up after {states} steps"),
        Limit::Memory(bytes) => format!("gave up at {} MiB of memory", bytes >> 20),
        Limit::Time => "gave up when the time limit was reached".to_owned(),
        Limit::Interrupted => "interrupted".to_owned(),
        Limit::Bound(bound) => format!("queues up to {bound} do not tell"),
        Limit::NotSupported(code) => format!("it depends on something that has no meaning yet ({code})"),
        Limit::Undecided(why) => why.clone(),
    }
}

/// A synchronous refutation in words. `sub` and `sup` are what the two are called: `new`, `old`.
fn parting(pair: &Pair, refutation: &Refutation, sub: &str, sup: &str) -> Parting {
    let walk = |half: &Half, word: &[u32]| {
        word.iter().fold(half.initial(), |at, &letter| {
            half.arms(at).iter().find(|arm| arm.letter == letter).map_or(at, |arm| arm.then)
        })
    };
    let (s, t) = (walk(&pair.sub, &refutation.sub), walk(&pair.sup, &refutation.sup));
    let (own, theirs) = (does(pair, &pair.sub, s), does(pair, &pair.sup, t));
    let text = |letter: u32| Message::of(pair, letter).map_or_else(String::new, Message::text);
    // The message of the other side with this label, whose payload is another.
    let other = |letter: u32, half: &Half, at: u32| {
        half.arms(at).iter().map(|arm| arm.letter).find(|&known| pair.symbol(known) == pair.symbol(letter))
    };
    let sentence = match refutation.why {
        Why::Extra { letter, .. } => match other(letter, &pair.sup, t) {
            Some(known) => {
                let why = pair.why(letter, known).unwrap_or("the payloads do not fit");
                format!("the {sub} {}, the {sup} {}: {why}", text(letter), text(known))
            }
            None => format!("the {sub} {}, the {sup} {theirs}", text(letter)),
        },
        Why::Unhandled { letter, .. } => match other(letter, &pair.sub, s) {
            Some(known) => {
                let why = pair.why(known, letter).unwrap_or("the payloads do not fit");
                format!("the {sup} {}, the {sub} {}: {why}", text(letter), text(known))
            }
            None => format!("the {sup} {}, the {sub} {own}", text(letter)),
        },
        _ => format!("the {sub} {own}, the {sup} {theirs}"),
    };
    let letters = match refutation.why {
        Why::Extra { letter, .. } | Why::Unhandled { letter, .. } | Why::Dropped { letter, .. } => vec![letter],
        _ => pair.sub.arms(s).iter().chain(pair.sup.arms(t)).map(|arm| arm.letter).collect(),
    };
    let mut peers: Vec<Box<str>> = letters.iter().filter_map(|&letter| Message::of(pair, letter)?.peer).collect();
    peers.sort();
    peers.dedup();
    Parting {
        word: refutation.sub.iter().map(|&letter| pair.text(letter)).collect(),
        sentence,
        peers,
        sub: pair.sub.span(s),
        sup: pair.sup.span(t),
    }
}

/// A letter in words.
struct Message {
    way: Way,
    peer: Option<Box<str>>,
    text: String,
}

impl Message {
    fn of(pair: &Pair, letter: u32) -> Option<Self> {
        let Letter { way, peer, label, content } = pair.letter(letter)?;
        let peer = pair.peers().get(peer as usize).filter(|_| way != Way::Act).cloned();
        let label = pair.labels().get(label as usize)?;
        let payload = pair.content(content).and_then(|content| content.payload.as_ref());
        let payload = payload.map_or_else(String::new, ToString::to_string);
        Some(Self { way, peer, text: format!("{label}{payload}") })
    }

    fn text(self) -> String {
        let peer = self.peer.unwrap_or_default();
        match self.way {
            Way::Send => format!("may send `{}` to `{peer}`", self.text),
            Way::Receive => format!("takes `{}` from `{peer}`", self.text),
            Way::Act => format!("may do `{}`", self.text),
        }
    }
}

/// More labels than this are not listed.
const LISTED: usize = 4;

/// What a state does, in words.
fn does(pair: &Pair, half: &Half, state: u32) -> String {
    let all: Vec<Message> = half.arms(state).iter().filter_map(|arm| Message::of(pair, arm.letter)).collect();
    if all.is_empty() {
        return if half.may_stop(state) { "has ended".to_owned() } else { "can do nothing more".to_owned() };
    }
    let part = |way: Way, verb: &str, towards: &str| {
        let own: Vec<&Message> = all.iter().filter(|message| message.way == way).collect();
        let listed = own.iter().take(LISTED).map(|message| match (&message.peer, towards) {
            (Some(peer), towards) => format!("`{}` {towards} `{peer}`", message.text),
            (None, _) => format!("`{}`", message.text),
        });
        let more = if own.len() > LISTED { " and others" } else { "" };
        let list = listed.collect::<Vec<_>>().join(" or ");
        (!own.is_empty()).then(|| format!("{verb} {list}{more}"))
    };
    let parts = [
        part(Way::Send, "sends", "to"),
        part(Way::Receive, "waits for", "from"),
        part(Way::Act, "does", ""),
        half.may_stop(state).then(|| "may stop".to_owned()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", or ")
}
