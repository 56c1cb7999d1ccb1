//! Guarded channels between tasks of one tokio process: each endpoint has its own monitor, and shares nothing but the
//! queues themselves.
//!
//! A message counts as sent when it is in the queue: [`Endpoint::send`] waits for room first, then judges and puts the
//! message there in one go, without waiting in between. So a send or receive that is dropped while it waits has changed
//! nothing, neither in the queue nor in the monitor. An endpoint in quarantine lets go of its queues, so that nobody waits
//! for it: the others are told [`Error::Gone`].
//!
//! ```
//! use polylogue::guard::{Options, channel::{self, Message}};
//! use polylogue::session::{Compat, PlanOptions};
//!
//! enum Greeting { Hello, Bye }
//!
//! impl Message for Greeting {
//!     const LABELS: &'static [&'static str] = &["hello", "bye"];
//!     fn label(&self) -> usize {
//!         match self { Self::Hello => 0, Self::Bye => 1 }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let spec = polylogue::parse("protocol Greet(role A, role B) { A -> B: hello(); B -> A: bye(); }")?;
//! let plan = spec.plan_with("Greet", &Compat::Unchecked, PlanOptions::default())?;
//! let mut ends = channel::network::<Greeting>(&plan, 8, &Options::default())?.into_iter();
//! let (mut a, mut b) = (ends.next().expect("A"), ends.next().expect("B"));
//!
//! assert!(b.send("A", Greeting::Bye).await.is_err(), "it is not B's turn");
//! a.send("B", Greeting::Hello).await?;
//! assert!(matches!(b.receive("A").await?, Greeting::Hello));
//! b.send("A", Greeting::Bye).await?;
//! assert!(matches!(a.receive("B").await?, Greeting::Bye));
//! # Ok(())
//! # }
//! ```

use std::{fmt, future::poll_fn, sync::Arc, task::Poll};

use tokio::sync::mpsc::{Permit, Receiver, Sender, channel, error::TrySendError};

use super::{Handle, Monitor, Options, Plan, PlanError, Verdict, Violation};
use crate::{
    data::Value,
    session::{OpenPlan, Payload},
};

/// A host's messages.
pub trait Message {
    /// The labels that there are.
    const LABELS: &'static [&'static str];

    /// Which of [`Message::LABELS`] it has.
    fn label(&self) -> usize;

    /// What is shown of its payload: something of its own, or values that it puts into `values`, which is empty.
    fn payload<'m>(&'m self, values: &'m mut Vec<Option<Value>>) -> Payload<'m> {
        let _ = values;
        Payload::default()
    }
}

/// The microseconds since some start, as the endpoint's monitor is to know them.
pub type Clock = fn() -> i64;

/// Why a message was not sent.
pub enum SendError<T> {
    /// It must not be, now; with the message.
    Refused(T, Arc<Violation>),
    /// The session is in quarantine; with the message, and what brought it there.
    Quarantined(T, Arc<Violation>),
    /// There is room for none more ([`Endpoint::try_send`] only).
    Full(T),
    /// The receiver is gone.
    Gone(T),
    /// There is no queue to that role.
    NoPeer(T),
}

/// Why no message was received.
pub enum Error<T> {
    /// What arrived is not allowed here; it is taken off the queue, and given back.
    Refused(T, Arc<Violation>),
    /// The session is in quarantine, and this is what brought it there.
    Quarantined(Arc<Violation>),
    /// The sender is gone, and its queue is empty.
    Gone,
    /// There is no queue from that role.
    NoPeer,
}

impl<T> SendError<T> {
    /// The message, back again.
    pub fn into_message(self) -> T {
        match self {
            Self::Refused(message, _)
            | Self::Quarantined(message, _)
            | Self::Full(message)
            | Self::Gone(message)
            | Self::NoPeer(message) => message,
        }
    }

    /// What is wrong, if it is a matter of the protocol.
    pub fn violation(&self) -> Option<&Arc<Violation>> {
        match self {
            Self::Refused(_, violation) | Self::Quarantined(_, violation) => Some(violation),
            Self::Full(_) | Self::Gone(_) | Self::NoPeer(_) => None,
        }
    }
}

impl<T> Error<T> {
    /// What is wrong, if it is a matter of the protocol.
    pub fn violation(&self) -> Option<&Arc<Violation>> {
        match self {
            Self::Refused(_, violation) | Self::Quarantined(violation) => Some(violation),
            Self::Gone | Self::NoPeer => None,
        }
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(_, violation) => violation.fmt(f),
            Self::Quarantined(_, violation) => write!(f, "in quarantine: {violation}"),
            Self::Full(_) => f.write_str("the queue is full"),
            Self::Gone(_) => f.write_str("the receiver is gone"),
            Self::NoPeer(_) => f.write_str("there is no queue to that role"),
        }
    }
}

impl<T> fmt::Display for Error<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(_, violation) => violation.fmt(f),
            Self::Quarantined(violation) => write!(f, "in quarantine: {violation}"),
            Self::Gone => f.write_str("the sender is gone"),
            Self::NoPeer => f.write_str("there is no queue from that role"),
        }
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T> fmt::Debug for Error<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T> std::error::Error for SendError<T> {}
impl<T> std::error::Error for Error<T> {}

/// A peer: the queues to and from it, and the handles of what goes through them, by label.
struct Peer<T> {
    name: Box<str>,
    to: Option<Sender<T>>,
    from: Option<Receiver<T>>,
    sends: Box<[Option<Handle>]>,
    receives: Box<[Option<Handle>]>,
}

/// One role's end of a session, in one task.
pub struct Endpoint<T> {
    monitor: Monitor,
    peers: Vec<Peer<T>>,
    clock: Clock,
    values: Vec<Option<Value>>,
    /// Whose turn it is to be looked at first.
    next: usize,
}

/// What is left of a judged message.
enum Judged {
    Pass,
    Drop,
    Refuse(Arc<Violation>),
    Quarantine(Arc<Violation>),
}

impl From<Verdict> for Judged {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Conforms | Verdict::Passed(_) => Self::Pass,
            Verdict::Dropped(_) => Self::Drop,
            Verdict::Blocked(violation) => Self::Refuse(violation),
            Verdict::Quarantined(violation) => Self::Quarantine(violation),
        }
    }
}

/// The endpoints of a new session, in role order, with queues of this many messages where the protocol has edges. An edge
/// with a declared bound has that.
///
/// # Errors
///
/// As [`Plan::of_open`].
pub fn network<T: Message>(open: &OpenPlan, room: usize, options: &Options) -> Result<Vec<Endpoint<T>>, PlanError> {
    let plans = open.roles().map(|role| Plan::of_open(open, role, options.clone()));
    let mut ends: Vec<Endpoint<T>> =
        plans.map(|plan| plan.map(|plan| Endpoint::new(plan.monitor(open.name(), 0)))).collect::<Result<_, _>>()?;
    for edge in open.edges().values() {
        let room = match edge.kind {
            crate::protocol::EdgeKind::Bounded(bound) => bound as usize,
            _ => room,
        };
        let (sender, receiver) = channel(room.max(1));
        let (from, to) = (open.role_name(edge.from), open.role_name(edge.to));
        if let Some(end) = ends.get_mut(crate::id::Id::index(edge.from)) {
            end.connect_to(to, sender);
        }
        if let Some(end) = ends.get_mut(crate::id::Id::index(edge.to)) {
            end.connect_from(from, receiver);
        }
    }
    Ok(ends)
}

/// Shows a message to the monitor.
fn judge<T: Message>(
    monitor: &mut Monitor,
    values: &mut Vec<Option<Value>>,
    peer: &Peer<T>,
    message: &T,
    sends: bool,
    now: i64,
) -> Judged {
    let label = message.label();
    let handles = if sends { &peer.sends } else { &peer.receives };
    values.clear();
    let verdict = match handles.get(label).copied().flatten() {
        Some(handle) => monitor.step(handle, message.payload(values), now),
        None => {
            let label = T::LABELS.get(label).copied().unwrap_or("?");
            let payload = message.payload(values);
            if sends {
                monitor.sending(&peer.name, label, payload, now)
            } else {
                monitor.received(&peer.name, label, payload, now)
            }
        }
    };
    verdict.into()
}

/// Where a message to a peer goes: past the monitor, into the queue.
struct Way<'e, T> {
    monitor: &'e mut Monitor,
    values: &'e mut Vec<Option<Value>>,
    peer: &'e Peer<T>,
    queue: &'e Sender<T>,
    clock: Clock,
}

impl<T: Message> Way<'_, T> {
    /// Judges a message for which there is room, and puts it there.
    fn put(self, room: Permit<'_, T>, message: T) -> Result<(), SendError<T>> {
        let now = (self.clock)();
        match judge(self.monitor, self.values, self.peer, &message, true, now) {
            Judged::Pass => {
                room.send(message);
                Ok(())
            }
            Judged::Drop => Ok(()),
            Judged::Refuse(violation) => Err(SendError::Refused(message, violation)),
            Judged::Quarantine(violation) => Err(SendError::Quarantined(message, violation)),
        }
    }
}

impl<T: Message> Endpoint<T> {
    /// An endpoint without queues, where its monitor stands. Time does not pass for it until it gets a clock.
    #[must_use]
    pub fn new(monitor: Monitor) -> Self {
        Self { monitor, peers: Vec::new(), clock: || 0, values: Vec::new(), next: 0 }
    }

    /// Time comes from here.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    fn peer(&mut self, name: &str) -> Option<&mut Peer<T>> {
        let at = match self.peers.iter().position(|peer| *peer.name == *name) {
            Some(at) => at,
            None => {
                let plan = self.monitor.plan();
                let sends = T::LABELS.iter().map(|label| plan.sends(name, label)).collect();
                let receives = T::LABELS.iter().map(|label| plan.receives(name, label)).collect();
                self.peers.push(Peer { name: name.into(), to: None, from: None, sends, receives });
                self.peers.len().checked_sub(1)?
            }
        };
        self.peers.get_mut(at)
    }

    /// Messages to a role go here.
    pub fn connect_to(&mut self, role: &str, queue: Sender<T>) {
        if let Some(peer) = self.peer(role) {
            peer.to = Some(queue);
        }
    }

    /// Messages from a role come from here.
    pub fn connect_from(&mut self, role: &str, queue: Receiver<T>) {
        if let Some(peer) = self.peer(role) {
            peer.from = Some(queue);
        }
    }

    /// Where the endpoint stands.
    #[must_use]
    pub fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    fn find(&self, role: &str) -> Option<usize> {
        self.peers.iter().position(|peer| *peer.name == *role)
    }

    /// Puts the session into quarantine, because the host says so, and lets go of all queues.
    pub fn quarantine(&mut self, reason: &str) -> Arc<Violation> {
        let violation = self.monitor.quarantine(reason, (self.clock)());
        self.let_go();
        violation
    }

    /// Nobody is to wait for this endpoint any more.
    fn let_go(&mut self) {
        for peer in &mut self.peers {
            peer.to = None;
            peer.from = None;
        }
    }

    fn quarantined(&self) -> Option<Arc<Violation>> {
        self.monitor.last_violation().filter(|_| self.monitor.is_quarantined()).cloned()
    }

    /// Sends when there is room. Dropping the future before it is ready has no effect but the loss of the message.
    ///
    /// # Errors
    ///
    /// [`SendError`], with the message. What [`Mode::Suppress`](super::Mode::Suppress) drops is no error.
    pub async fn send(&mut self, to: &str, message: T) -> Result<(), SendError<T>> {
        let (way, message) = self.way(to, message)?;
        let queue = way.queue;
        let permit = match queue.try_reserve() {
            Ok(permit) => permit,
            Err(TrySendError::Closed(())) => return Err(SendError::Gone(message)),
            Err(TrySendError::Full(())) => match queue.reserve().await {
                Ok(permit) => permit,
                Err(_) => return Err(SendError::Gone(message)),
            },
        };
        // From here on nothing is waited for.
        let done = way.put(permit, message);
        self.settle(done)
    }

    /// Sends if there is room now.
    ///
    /// # Errors
    ///
    /// As [`Endpoint::send`], and [`SendError::Full`].
    pub fn try_send(&mut self, to: &str, message: T) -> Result<(), SendError<T>> {
        let (way, message) = self.way(to, message)?;
        let done = match way.queue.try_reserve() {
            Ok(permit) => way.put(permit, message),
            Err(TrySendError::Closed(())) => Err(SendError::Gone(message)),
            Err(TrySendError::Full(())) => Err(SendError::Full(message)),
        };
        self.settle(done)
    }

    /// The way to a role, if there is one.
    fn way(&mut self, to: &str, message: T) -> Result<(Way<'_, T>, T), SendError<T>> {
        if let Some(violation) = self.quarantined() {
            return Err(SendError::Quarantined(message, violation));
        }
        let Self { monitor, peers, values, clock, .. } = self;
        let peer = peers.iter().find(|peer| *peer.name == *to);
        match peer.and_then(|peer| Some((peer, peer.to.as_ref()?))) {
            Some((peer, queue)) => Ok((Way { monitor, values, peer, queue, clock: *clock }, message)),
            None => Err(SendError::NoPeer(message)),
        }
    }

    fn settle(&mut self, done: Result<(), SendError<T>>) -> Result<(), SendError<T>> {
        if matches!(done, Err(SendError::Quarantined(..))) {
            self.let_go();
        }
        done
    }

    /// A message that was taken off its queue.
    fn taken(&mut self, at: usize, message: &T) -> Judged {
        let now = (self.clock)();
        let Self { monitor, peers, values, .. } = self;
        let Some(peer) = peers.get(at) else { return Judged::Drop };
        let judged = judge(monitor, values, peer, message, false, now);
        if matches!(judged, Judged::Quarantine(_)) {
            self.let_go();
        }
        judged
    }

    /// Receives the next message of a role. Dropping the future before it is ready has no effect.
    ///
    /// # Errors
    ///
    /// [`Error`]. What [`Mode::Suppress`](super::Mode::Suppress) drops is passed over.
    pub async fn receive(&mut self, from: &str) -> Result<T, Error<T>> {
        if let Some(violation) = self.quarantined() {
            return Err(Error::Quarantined(violation));
        }
        let at = self.find(from).ok_or(Error::NoPeer)?;
        loop {
            let Some(queue) = self.peers.get_mut(at).and_then(|peer| peer.from.as_mut()) else {
                return Err(Error::NoPeer);
            };
            let Some(message) = queue.recv().await else { return Err(Error::Gone) };
            match self.taken(at, &message) {
                Judged::Pass => return Ok(message),
                Judged::Drop => {}
                Judged::Refuse(violation) => return Err(Error::Refused(message, violation)),
                Judged::Quarantine(violation) => return Err(Error::Quarantined(violation)),
            }
        }
    }

    /// Receives the next message of whoever has one, with the role. Dropping the future before it is ready has no effect.
    ///
    /// # Errors
    ///
    /// As [`Endpoint::receive`]; [`Error::Gone`] when all senders are.
    pub async fn receive_any(&mut self) -> Result<(Box<str>, T), Error<T>> {
        loop {
            if let Some(violation) = self.quarantined() {
                return Err(Error::Quarantined(violation));
            }
            let count = self.peers.len();
            let start = self.next;
            let peers = &mut self.peers;
            let (at, message) = poll_fn(|context| {
                let mut open = false;
                for offset in 0..count {
                    // Each peer is looked at first in its turn.
                    let at = start.wrapping_add(offset).checked_rem(count).unwrap_or(0);
                    let Some(queue) = peers.get_mut(at).and_then(|peer| peer.from.as_mut()) else { continue };
                    match queue.poll_recv(context) {
                        Poll::Ready(Some(message)) => return Poll::Ready(Ok((at, message))),
                        Poll::Ready(None) => {}
                        Poll::Pending => open = true,
                    }
                }
                if open { Poll::Pending } else { Poll::Ready(Err(Error::Gone)) }
            })
            .await?;
            self.next = at.wrapping_add(1);
            match self.taken(at, &message) {
                Judged::Pass => {
                    let name = self.peers.get(at).map(|peer| peer.name.clone()).unwrap_or_default();
                    return Ok((name, message));
                }
                Judged::Drop => {}
                Judged::Refuse(violation) => return Err(Error::Refused(message, violation)),
                Judged::Quarantine(violation) => return Err(Error::Quarantined(violation)),
            }
        }
    }
}

impl<T> fmt::Debug for Endpoint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("role", &self.monitor.plan().role_name()).finish_non_exhaustive()
    }
}
