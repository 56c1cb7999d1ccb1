//! The second opinion: checks what the provers and refuters say, by other means and in few words.
//!
//! For a yes ([`check`]): the rows of a certificate contain the initial configuration, every move of a row leads to a row
//! that stands for what it leads to, no row goes wrong, and no cycle of rows starves a queue. Contents of queues are
//! words, or shapes (see [`Content`]).
//!
//! For a no ([`refutes`]): the two words are paths of the types, and no way to go on makes them related. This is done by
//! the definition, channel by channel: the i-th output to p of the one is the i-th of the other, and so for inputs; an
//! input is never in front of what the larger type sends first.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Refutation, Why,
    explore::{ahead, outside, passed},
    pair::{Fit, Half, Kind, Letter, Pair, Way},
};

/// What lies in a queue: the `len` cells up to `tail` of the tape; with `last`, these cells, any others by way of
/// [`Queues::neighbours`], and `last`, which may be the last of these cells itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// An index of [`Queues::tape`].
    pub tail: u32,
    /// How many; not 0.
    pub len: u32,
    /// The last cell of a shape.
    pub last: Option<u32>,
}

/// A closed set of configurations of the run of the smaller type against the larger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queues {
    /// It is about the dual types the other way round, which are related iff these are.
    pub dual: bool,
    /// The letter of each cell.
    pub cells: Vec<u32>,
    /// Cells with what is in front of them; the first is in front of all and no cell.
    pub tape: Vec<(u32, u32)>,
    /// Queue, cell, and a cell that may lie behind it; sorted.
    pub neighbours: Vec<(u32, u32, u32)>,
    /// The states of each row; the first is the initial configuration.
    pub rows: Vec<(u32, u32)>,
    /// Contents of queues of row `r` are `contents[first_content[r]..first_content[r + 1]]`, sorted by queue.
    pub contents: Vec<(u32, Content)>,
    /// See `contents`.
    pub first_content: Vec<u32>,
    /// Where the moves of row `r` lead: `next[first_next[r]..first_next[r + 1]]`.
    pub next: Vec<u32>,
    /// See `next`.
    pub first_next: Vec<u32>,
}

/// What is left in a queue: cells, and the last one of a shape.
type Rest = Option<(Vec<u32>, Option<u32>)>;

/// A configuration.
type State<'q> = (u32, u32, &'q [(u32, Content)]);

fn part<'v, T>(all: &'v [T], first: &[u32], at: u32) -> &'v [T] {
    match (first.get(at as usize), first.get((at as usize).saturating_add(1))) {
        (Some(&from), Some(&to)) => all.get(from as usize..to as usize).unwrap_or(&[]),
        _ => &[],
    }
}

impl Queues {
    fn row(&self, at: u32) -> Option<State<'_>> {
        let &(sub, sup) = self.rows.get(at as usize)?;
        Some((sub, sup, part(&self.contents, &self.first_content, at)))
    }

    /// The cells of a content, in order.
    fn word(&self, content: Content) -> Vec<u32> {
        let mut at = content.tail;
        let mut cells = Vec::with_capacity(content.len as usize);
        for _ in 0..content.len {
            let &(before, cell) = self.tape.get(at as usize).unwrap_or(&(0, u32::MAX));
            cells.push(cell);
            at = before;
        }
        cells.reverse();
        cells
    }

    fn letter(&self, cell: u32) -> Option<u32> {
        self.cells.get(cell as usize).copied()
    }

    fn behind(&self, queue: u32, cell: u32) -> impl Iterator<Item = u32> + '_ {
        let from = self.neighbours.partition_point(|&(q, c, _)| (q, c) < (queue, cell));
        let same = self.neighbours.get(from..).unwrap_or(&[]).iter();
        same.take_while(move |&&(q, c, _)| (q, c) == (queue, cell)).map(|&(.., next)| next)
    }

    /// Whether a cell is the other or leads to it.
    fn leads(&self, queue: u32, from: u32, to: u32) -> bool {
        let mut seen = FxHashSet::from_iter([from]);
        let mut todo = vec![from];
        while let Some(cell) = todo.pop() {
            if cell == to {
                return true;
            }
            todo.extend(self.behind(queue, cell).filter(|&next| seen.insert(next)));
        }
        false
    }

    fn has_neighbour(&self, queue: u32, cell: u32, next: u32) -> bool {
        self.neighbours.binary_search(&(queue, cell, next)).is_ok()
    }

    /// Whether `new` stands for every word of `old` with a letter behind it.
    fn pushed(&self, queue: u32, old: Option<Content>, letter: u32, new: Content) -> bool {
        let before = old.map_or_else(Vec::new, |old| self.word(old));
        let now = self.word(new);
        let Some(cell) = new.last.or(now.last().copied()) else { return false };
        if self.letter(cell) != Some(letter) {
            return false;
        }
        match (old.and_then(|old| old.last), new.last) {
            (Some(end), Some(_)) => before == now && self.has_neighbour(queue, end, cell),
            (Some(_), None) => false,
            (None, end) => {
                let all: Vec<u32> = before.into_iter().chain([cell]).collect();
                let Some((kept, _)) = all.split_at_checked(now.len()) else { return false };
                let rest = all.get(now.len().saturating_sub(1)..).unwrap_or(&[]);
                let follows = |pair: &[u32]| matches!(*pair, [a, b] if self.has_neighbour(queue, a, b));
                kept == now && if end.is_none() { all == now } else { !now.is_empty() && rest.windows(2).all(follows) }
            }
        }
    }

    /// All that a queue can begin with, and what is left then.
    fn popped(&self, queue: u32, content: Content) -> Vec<(Option<u32>, Rest)> {
        let word = self.word(content);
        let Some((&head, rest)) = word.split_first() else { return Vec::new() };
        let (letter, end) = (self.letter(head), word.last().copied());
        let mut found = Vec::new();
        if content.last.is_none() || content.last == end {
            found.push((letter, (!rest.is_empty()).then(|| (rest.to_vec(), None))));
        }
        if let (Some(last), Some(end)) = (content.last, end) {
            for next in self.behind(queue, end).filter(|&next| self.leads(queue, next, last)) {
                let cells = rest.iter().copied().chain([next]).collect();
                found.push((letter, Some((cells, Some(last)))));
            }
        }
        found
    }

    /// Whether two rows differ in one queue at most.
    fn others(
        mine: &[(u32, Content)],
        theirs: &[(u32, Content)],
        queue: Option<u32>,
        same: impl Fn(Content, Content) -> bool,
    ) -> bool {
        let mut a = mine.iter().filter(|(q, _)| Some(*q) != queue);
        let mut b = theirs.iter().filter(|(q, _)| Some(*q) != queue);
        loop {
            match (a.next(), b.next()) {
                (None, None) => return true,
                (Some(x), Some(y)) if x.0 == y.0 && same(x.1, y.1) => {}
                _ => return false,
            }
        }
    }

    fn same(&self, a: Content, b: Content) -> bool {
        a == b || a.len == b.len && a.last == b.last && self.word(a) == self.word(b)
    }
}

fn content(queues: &[(u32, Content)], queue: u32) -> Option<Content> {
    queues.iter().find(|(q, _)| *q == queue).map(|&(_, content)| content)
}

/// The arm of a state that answers a letter of the other side, and where it leads.
fn answer(pair: &Pair, half: &Half, state: u32, fits: impl Fn(u32) -> Fit) -> Option<u32> {
    let _ = pair;
    half.arms(state).iter().find(|arm| fits(arm.letter) == Fit::Yes).map(|arm| arm.then)
}

/// What changes on the way to another row.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) to: u32,
    pub(super) pops: Option<u32>,
    pub(super) pushes: Option<u32>,
}

/// Whether a certificate shows that the smaller type is a subtype of the larger. The error says what is wrong with it.
pub fn check(pair: &Pair, queues: &Queues) -> Result<(), String> {
    if let Some(why) = outside(pair) {
        return Err(why.to_owned());
    }
    let dual;
    let pair = if queues.dual {
        dual = pair.dual();
        &dual
    } else {
        pair
    };
    if queues.row(0) != Some((pair.sub.initial(), pair.sup.initial(), &[])) {
        return Err("the first row is not the initial configuration".to_owned());
    }
    let mut graph: Vec<Vec<Step>> = Vec::with_capacity(queues.rows.len());
    for (at, _) in (0u32..).zip(&queues.rows) {
        graph.push(moves(pair, queues, at).map_err(|why| format!("row {at}: {why}"))?);
    }
    let mut all: Vec<u32> = queues.contents.iter().map(|&(queue, _)| queue).collect();
    all.sort_unstable();
    all.dedup();
    let has = |at: u32, queue: u32| queues.row(at).is_some_and(|(.., mine)| content(mine, queue).is_some());
    match starved(&all, &has, &graph) {
        Some(queue) => Err(format!("queue {queue} starves")),
        None => Ok(()),
    }
}

/// The moves of a row, each with a row that stands for what it leads to.
fn moves(pair: &Pair, queues: &Queues, at: u32) -> Result<Vec<Step>, String> {
    let (sub, sup, mine) = queues.row(at).ok_or("it is not there")?;
    let next = part(&queues.next, &queues.first_next, at);
    let mut steps = Vec::new();
    let mut found = |state: (u32, u32), queue: Option<u32>, stands: &dyn Fn(Option<Content>) -> bool, pops: bool| {
        let covers = |&&to: &&u32| {
            let Some((s, q, theirs)) = queues.row(to) else { return false };
            (s, q) == state
                && Queues::others(mine, theirs, queue, |a, b| queues.same(a, b))
                && queue.is_none_or(|queue| stands(content(theirs, queue)))
        };
        let to = *next.iter().find(covers).ok_or_else(|| format!("a move to {state:?} leads nowhere"))?;
        steps.push(Step { to, pops: queue.filter(|_| pops), pushes: queue.filter(|_| !pops) });
        Ok::<(), String>(())
    };
    let peer_of = |letter: u32| pair.letter(letter).map_or(0, |letter: Letter| letter.peer);
    let exactly = |rest: &Rest, there: Option<Content>| there.map(|there| (queues.word(there), there.last)) == *rest;
    let (small, large) = (pair.sub.kind(sub), pair.sup.kind(sup));
    if let Kind::Select(peer) = large
        && let Some(word) = content(mine, ahead(peer))
    {
        for (letter, rest) in queues.popped(ahead(peer), word) {
            let letter = letter.ok_or("a cell without a letter")?;
            let then = answer(pair, &pair.sup, sup, |own| pair.fit(letter, own));
            let then = then.ok_or("the larger type does not send what was sent ahead")?;
            found((sub, then), Some(ahead(peer)), &|there| exactly(&rest, there), true)?;
        }
        return Ok(steps);
    }
    match (small, large) {
        (Kind::End, Kind::End) if mine.is_empty() => {}
        (Kind::End, _) | (Kind::Select(_) | Kind::SelectMany, Kind::End) => {
            return Err("one type has ended, the other has not".to_owned());
        }
        (Kind::Select(_) | Kind::SelectMany, _) => {
            for arm in pair.sub.arms(sub) {
                let queue = ahead(peer_of(arm.letter));
                let old = content(mine, queue);
                let stands =
                    |there: Option<Content>| there.is_some_and(|there| queues.pushed(queue, old, arm.letter, there));
                found((arm.then, sup), Some(queue), &stands, false)?;
            }
        }
        (Kind::Branch(peer), _) => {
            if let Some(word) = content(mine, passed(peer)) {
                for (letter, rest) in queues.popped(passed(peer), word) {
                    let letter = letter.ok_or("a cell without a letter")?;
                    let then = answer(pair, &pair.sub, sub, |own| pair.fit(own, letter));
                    let then = then.ok_or("the smaller type does not take what was passed over")?;
                    found((then, sup), Some(passed(peer)), &|there| exactly(&rest, there), true)?;
                }
                return Ok(steps);
            }
            if !matches!(large, Kind::Branch(_) | Kind::BranchMany) {
                return Err("an input overtakes an output".to_owned());
            }
            for arm in pair.sup.arms(sup) {
                if peer_of(arm.letter) == peer {
                    let then = answer(pair, &pair.sub, sub, |own| pair.fit(own, arm.letter));
                    let then = then.ok_or("the smaller type does not take what the larger takes")?;
                    found((then, arm.then), None, &|_| true, false)?;
                    continue;
                }
                let queue = passed(peer_of(arm.letter));
                let old = content(mine, queue);
                let stands =
                    |there: Option<Content>| there.is_some_and(|there| queues.pushed(queue, old, arm.letter, there));
                found((sub, arm.then), Some(queue), &stands, false)?;
            }
        }
        _ => return Err("a state is not of the class".to_owned()),
    }
    Ok(steps)
}

/// One of these queues that some endless run starves; `has` says where it is not empty. A cycle that pops a queue and never
/// pushes it is no endless run.
pub(super) fn starved(queues: &[u32], has: &dyn Fn(u32, u32) -> bool, graph: &[Vec<Step>]) -> Option<u32> {
    let rows = || (0u32..).zip(graph).map(|(at, _)| at);
    for &queue in queues {
        let has = |at: &u32| has(*at, queue);
        let mut open: Vec<(FxHashSet<u32>, Vec<u32>)> = vec![(rows().filter(has).collect(), vec![queue])];
        while let Some((nodes, unpopped)) = open.pop() {
            for part in strong(graph, &nodes, &unpopped) {
                let steps = || inner(graph, &part, &unpopped);
                let pushed: FxHashSet<u32> = steps().filter_map(|(_, step)| step.pushes).collect();
                let shrinking: Vec<u32> =
                    steps().filter_map(|(_, step)| step.pops).filter(|popped| !pushed.contains(popped)).collect();
                if steps().next().is_none() {
                    continue;
                }
                if shrinking.is_empty() {
                    return Some(queue);
                }
                let unpopped = unpopped.iter().copied().chain(shrinking).collect();
                open.push((part, unpopped));
            }
        }
    }
    None
}

/// The steps among some rows that do not pop some queues.
fn inner<'g>(
    graph: &'g [Vec<Step>],
    nodes: &'g FxHashSet<u32>,
    unpopped: &'g [u32],
) -> impl Iterator<Item = (u32, &'g Step)> + 'g {
    let of = move |&at: &u32| graph.get(at as usize).into_iter().flatten().map(move |step| (at, step));
    let counts =
        move |step: &Step| nodes.contains(&step.to) && !step.pops.is_some_and(|queue| unpopped.contains(&queue));
    nodes.iter().flat_map(of).filter(move |(_, step)| counts(step))
}

/// Strongly connected components (Kosaraju, 1978).
fn strong(graph: &[Vec<Step>], nodes: &FxHashSet<u32>, unpopped: &[u32]) -> Vec<FxHashSet<u32>> {
    let mut forth: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    let mut back: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    for (from, step) in inner(graph, nodes, unpopped) {
        forth.entry(from).or_default().push(step.to);
        back.entry(step.to).or_default().push(from);
    }
    let mut order = Vec::new();
    let mut seen: FxHashSet<u32> = FxHashSet::default();
    for &root in nodes {
        let mut todo = vec![(root, false)];
        while let Some((at, done)) = todo.pop() {
            if done {
                order.push(at);
            } else if seen.insert(at) {
                todo.push((at, true));
                todo.extend(forth.get(&at).into_iter().flatten().map(|&to| (to, false)));
            }
        }
    }
    let mut parts = Vec::new();
    let mut taken: FxHashSet<u32> = FxHashSet::default();
    for &root in order.iter().rev() {
        let mut part = FxHashSet::default();
        let mut todo = vec![root];
        while let Some(at) = todo.pop() {
            if taken.insert(at) {
                part.insert(at);
                todo.extend(back.get(&at).into_iter().flatten());
            }
        }
        if !part.is_empty() {
            parts.push(part);
        }
    }
    parts
}

/// A channel: which way, and with whom.
type Channel = (Way, u32);

/// A word of letters, walked.
struct Walk<'p> {
    pair: &'p Pair,
    word: &'p [u32],
    state: u32,
}

impl<'p> Walk<'p> {
    /// The state after a word; none if it is no path.
    fn of(pair: &'p Pair, half: &Half, from: u32, word: &'p [u32]) -> Option<Self> {
        let mut state = from;
        for letter in word {
            state = half.arms(state).iter().find(|arm| arm.letter == *letter)?.then;
        }
        Some(Self { pair, word, state })
    }

    fn channel(pair: &Pair, letter: u32) -> Channel {
        pair.letter(letter).map_or((Way::Act, 0), |letter| (letter.way, letter.peer))
    }

    /// The letters on a channel.
    fn on(&self, channel: Channel) -> Vec<u32> {
        self.word.iter().copied().filter(|&letter| Self::channel(self.pair, letter) == channel).collect()
    }

    fn count(&self, channel: Channel) -> usize {
        self.on(channel).len()
    }
}

/// Whether a refutation shows that the smaller type is no subtype of the larger. The error says what is wrong with it.
pub fn refutes(pair: &Pair, refutation: &Refutation) -> Result<(), String> {
    if let Some(why) = outside(pair) {
        return Err(why.to_owned());
    }
    let sub = Walk::of(pair, &pair.sub, pair.sub.initial(), &refutation.sub).ok_or("no word of the smaller type")?;
    let sup = Walk::of(pair, &pair.sup, pair.sup.initial(), &refutation.sup).ok_or("no word of the larger type")?;
    if let Some(cycle) = refutation.cycle {
        return forgets(pair, refutation, cycle, (sub.state, sup.state));
    }
    agree(pair, &refutation.sub, &refutation.sup)?;
    let says = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    // Letters of the one for which the other has none yet.
    let ahead = |channel: Channel| sub.count(channel) > sup.count(channel);
    let behind = |channel: Channel| sup.count(channel) > sub.count(channel);
    // What the larger type does before anything on this channel of its own that the smaller has not done.
    let blocked = |peer: u32| {
        let mut done = sub.count((Way::Receive, peer));
        let mut sends: FxHashMap<u32, usize> = FxHashMap::default();
        for &letter in &refutation.sup {
            match Walk::channel(pair, letter) {
                (Way::Receive, from) if from == peer => match done.checked_sub(1) {
                    Some(left) => done = left,
                    None => return false,
                },
                (Way::Send, to) => {
                    let count = sends.entry(to).or_default();
                    *count = count.saturating_add(1);
                    if *count > sub.count((Way::Send, to)) {
                        return true;
                    }
                }
                _ => {}
            }
        }
        matches!(pair.sup.kind(sup.state), Kind::Select(to) if !ahead((Way::Send, to)))
    };
    match refutation.why {
        Why::Extra { letter, at } => {
            let channel = Walk::channel(pair, letter);
            let next = sub.on(channel).get(sup.count(channel)).copied();
            let stuck = match pair.sup.kind(at) {
                Kind::Select(peer) => {
                    channel == (Way::Send, peer)
                        && pair.sup.arms(at).iter().all(|arm| pair.fit(letter, arm.letter) == Fit::No)
                }
                Kind::End => channel.0 == Way::Send,
                _ => false,
            };
            says(at == sup.state && next == Some(letter) && stuck, "the larger type may well send it")
        }
        Why::Unhandled { letter, at } => {
            let channel = Walk::channel(pair, letter);
            let next = sup.on(channel).get(sub.count(channel)).copied();
            // The larger type may not have taken it yet, but offers it.
            let offered =
                next.is_none() && !behind(channel) && pair.sup.arms(sup.state).iter().any(|arm| arm.letter == letter);
            let stuck = pair.sub.kind(at) == Kind::Branch(channel.1)
                && pair.sub.arms(at).iter().all(|arm| pair.fit(arm.letter, letter) == Fit::No);
            let there = at == sub.state && (next == Some(letter) || offered);
            says(there && channel.0 == Way::Receive && stuck, "the smaller type may well take it")
        }
        Why::Overtakes { sub: s, sup: q } => {
            let waits = matches!(pair.sub.kind(s), Kind::Branch(peer) if blocked(peer));
            says((s, q) == (sub.state, sup.state) && waits, "nothing is overtaken")
        }
        Why::Ends { sub: s, sup: q } => {
            let ended = match (pair.sub.kind(s), pair.sup.kind(q)) {
                (Kind::End, Kind::Select(to)) => !ahead((Way::Send, to)),
                // What the smaller type has taken already the larger may well take behind it.
                (Kind::End, Kind::Branch(from)) => !ahead((Way::Receive, from)),
                (Kind::End, Kind::BranchMany) => {
                    let mut taken = refutation.sub.iter().map(|&letter| Walk::channel(pair, letter));
                    !taken.any(|channel| channel.0 == Way::Receive && ahead(channel))
                }
                (Kind::End, Kind::End) => {
                    let mut channels = refutation.sup.iter().map(|&letter| Walk::channel(pair, letter));
                    channels.any(behind)
                }
                (Kind::Branch(peer), Kind::End) => !behind((Way::Receive, peer)),
                _ => false,
            };
            says((s, q) == (sub.state, sup.state) && ended, "both may well go on")
        }
        Why::Dropped { .. } | Why::Endless { .. } => Err("the asynchronous relation allows that".to_owned()),
        Why::Forgotten { .. } => Err("what is forgotten is forgotten on a cycle".to_owned()),
    }
}

/// On each channel the words go together as far as both go.
fn agree(pair: &Pair, sub: &[u32], sup: &[u32]) -> Result<(), String> {
    let mut channels: FxHashMap<Channel, (Vec<u32>, Vec<u32>)> = FxHashMap::default();
    for &letter in sub {
        channels.entry(Walk::channel(pair, letter)).or_default().0.push(letter);
    }
    for &letter in sup {
        channels.entry(Walk::channel(pair, letter)).or_default().1.push(letter);
    }
    let fits = |(mine, theirs): &(Vec<u32>, Vec<u32>)| {
        mine.iter().zip(theirs).all(|(&mine, &theirs)| pair.fit(mine, theirs) == Fit::Yes)
    };
    if channels.values().all(fits) { Ok(()) } else { Err("the two words do not go together".to_owned()) }
}

/// Whether, when both words are repeated from the cycle on, something stays pending for ever.
fn forgets(pair: &Pair, refutation: &Refutation, cycle: (usize, usize), ends: (u32, u32)) -> Result<(), String> {
    let split = |word: &[u32], at: usize| word.split_at_checked(at).map(|(x, y)| (x.to_vec(), y.to_vec()));
    let (x, y) = split(&refutation.sub, cycle.0).ok_or("the cycle begins behind the end")?;
    let (large_x, large_y) = split(&refutation.sup, cycle.1).ok_or("the cycle begins behind the end")?;
    let start = |half: &Half, word: &[u32]| Walk::of(pair, half, half.initial(), word).map(|walk| walk.state);
    if start(&pair.sub, &x) != Some(ends.0) || start(&pair.sup, &large_x) != Some(ends.1) {
        return Err("the words do not come back to where the cycle begins".to_owned());
    }
    if y.is_empty() && large_y.is_empty() {
        return Err("nothing happens on the cycle".to_owned());
    }
    let on = |word: &[u32], channel: Channel| -> Vec<u32> {
        word.iter().copied().filter(|&letter| Walk::channel(pair, letter) == channel).collect()
    };
    let letters = refutation.sub.iter().chain(&refutation.sup);
    let channels: FxHashSet<Channel> = letters.map(|&letter| Walk::channel(pair, letter)).collect();
    for &channel in &channels {
        let (a, b, c, d) = (on(&x, channel), on(&y, channel), on(&large_x, channel), on(&large_y, channel));
        let most = a.len().max(c.len()).saturating_add(b.len()).saturating_add(d.len());
        let mine = a.iter().chain(b.iter().cycle()).take(most);
        let theirs = c.iter().chain(d.iter().cycle()).take(most);
        if !mine.zip(theirs).all(|(&mine, &theirs)| pair.fit(mine, theirs) == Fit::Yes) {
            return Err("the two words do not go together".to_owned());
        }
    }
    let pending = |channel: Channel| {
        let (mine, theirs) = (on(&x, channel).len(), on(&large_x, channel).len());
        let (again, there) = (on(&y, channel).len(), on(&large_y, channel).len());
        // The larger type has done it and the smaller never will, or the other way round.
        (theirs.saturating_add(there) > mine && again == 0) || (mine.saturating_add(again) > theirs && there == 0)
    };
    // A type that stands still must be one that cannot go on: its next step waits for what never comes. Whoever is to
    // answer is not ahead on that channel, and never uses it again.
    let never = |channel: Channel, answers: (&[u32], &[u32]), own: &[u32]| {
        let (before, again) = answers;
        on(again, channel).is_empty() && on(before, channel).len() <= on(own, channel).len()
    };
    let smaller_stands = match pair.sub.kind(ends.0) {
        Kind::Branch(peer) => never((Way::Receive, peer), (&large_x, &large_y), &x),
        _ => false,
    };
    let larger_stands = match pair.sup.kind(ends.1) {
        Kind::Select(peer) => never((Way::Send, peer), (&x, &y), &large_x),
        Kind::Branch(peer) => never((Way::Receive, peer), (&x, &y), &large_x),
        Kind::BranchMany => {
            let inputs = channels.iter().filter(|channel| channel.0 == Way::Receive);
            inputs.copied().all(|channel| never(channel, (&x, &y), &large_x))
        }
        Kind::End => true,
        Kind::SelectMany | Kind::Mixed => false,
    };
    let forgotten = match refutation.why {
        Why::Forgotten { letter } => pending(Walk::channel(pair, letter)),
        _ => false,
    };
    let moves = (!y.is_empty() || smaller_stands) && (!large_y.is_empty() || larger_stands);
    if forgotten && moves { Ok(()) } else { Err("all that is pending may well be matched".to_owned()) }
}
