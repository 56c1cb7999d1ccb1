//! Guarded channels: what goes through, what does not, and that dropped futures change nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::time::Duration;

use polylogue::{
    data::Value,
    guard::{
        Mode, Options,
        channel::{self, Endpoint, Error, Message, SendError},
    },
    session::{Compat, Payload, PlanOptions},
};
use tokio::time::timeout;

#[derive(Clone, Debug, PartialEq)]
enum Trade {
    Ask(String),
    Price(i64),
    Done,
    Unheard,
}

impl Message for Trade {
    const LABELS: &'static [&'static str] = &["ask", "price", "done", "unheard"];

    fn label(&self) -> usize {
        match self {
            Self::Ask(_) => 0,
            Self::Price(_) => 1,
            Self::Done => 2,
            Self::Unheard => 3,
        }
    }

    fn payload<'m>(&'m self, values: &'m mut Vec<Option<Value>>) -> Payload<'m> {
        match self {
            Self::Ask(json) => Payload::Json(json),
            Self::Price(price) => {
                values.push(Some(Value::Int(*price)));
                Payload::Values(values)
            }
            Self::Done | Self::Unheard => Payload::default(),
        }
    }
}

const TEXT: &str = "protocol Trade(role A, role B) {
  rec X { choice at A { A -> B: ask(what: string); B -> A: price(price: int{this > 0}); continue X; }
          or { A -> B: done(); } }
}";

fn ask() -> Trade {
    Trade::Ask(r#"{"what":"tea"}"#.to_owned())
}

fn pair(room: usize, mode: Mode) -> (Endpoint<Trade>, Endpoint<Trade>) {
    let spec = polylogue::parse(TEXT).unwrap();
    let plan = spec.plan_with("Trade", &Compat::Unchecked, PlanOptions::default()).unwrap();
    let mut ends = channel::network(&plan, room, &Options { mode, ..Options::default() }).unwrap().into_iter();
    (ends.next().unwrap(), ends.next().unwrap())
}

#[tokio::test]
async fn a_session() {
    let (mut a, mut b) = pair(4, Mode::Block);
    let server = tokio::spawn(async move {
        loop {
            match b.receive_any().await.unwrap() {
                (from, Trade::Ask(_)) => b.send(&from, Trade::Price(3)).await.unwrap(),
                (_, Trade::Done) => return b,
                (_, other) => panic!("{other:?}"),
            }
        }
    });
    for _ in 0..100 {
        a.send("B", ask()).await.unwrap();
        assert_eq!(a.receive("B").await.unwrap(), Trade::Price(3));
    }
    a.send("B", Trade::Done).await.unwrap();
    let b = server.await.unwrap();
    assert!(a.monitor().is_finished() && b.monitor().is_finished());
    assert_eq!(a.monitor().steps(), 201);
}

#[tokio::test]
async fn refused_messages_come_back() {
    let (mut a, mut b) = pair(4, Mode::Block);
    let early = b.send("A", Trade::Price(3)).await.unwrap_err();
    assert_eq!(early.violation().unwrap().code.id(), "PL0610");
    assert_eq!(early.into_message(), Trade::Price(3));
    let unheard = a.send("B", Trade::Unheard).await.unwrap_err();
    assert_eq!(unheard.violation().unwrap().code.id(), "PL0613");
    assert!(matches!(a.send("C", ask()).await, Err(SendError::NoPeer(_))));
    assert!(a.send("B", Trade::Ask("{}".to_owned())).await.is_err());
    a.send("B", ask()).await.unwrap();
    assert_eq!(b.receive("A").await.unwrap(), ask());
    assert!(b.try_send("A", Trade::Price(0)).is_err());
    b.try_send("A", Trade::Price(1)).unwrap();
    assert_eq!(a.receive("B").await.unwrap(), Trade::Price(1));
    drop(a);
    assert!(matches!(b.receive("A").await, Err(Error::Gone)));
    assert!(matches!(b.receive_any().await, Err(Error::Gone)));
}

/// Two asks in a row: what a raw sender may do and the type does not allow.
fn rogue(mode: Mode) -> (tokio::sync::mpsc::Sender<Trade>, Endpoint<Trade>) {
    let plan = polylogue::parse(TEXT).unwrap().guard("Trade", "B", Options { mode, ..Options::default() }).unwrap();
    let mut b = Endpoint::new(plan.monitor("rogue", 0));
    let (raw, queue) = tokio::sync::mpsc::channel(8);
    b.connect_from("A", queue);
    (raw, b)
}

#[tokio::test]
async fn each_mode_on_the_receiving_side() {
    for mode in [Mode::Observe, Mode::Warn, Mode::Block, Mode::Suppress, Mode::FailClosed] {
        let (raw, mut b) = rogue(mode);
        raw.send(Trade::Price(9)).await.unwrap();
        raw.send(ask()).await.unwrap();
        let first = b.receive("A").await;
        match mode {
            Mode::Observe | Mode::Warn => assert_eq!(first.unwrap(), Trade::Price(9)),
            Mode::Block => assert!(matches!(first, Err(Error::Refused(Trade::Price(9), _)))),
            Mode::Suppress => {
                assert_eq!(first.unwrap(), ask());
                continue;
            }
            Mode::FailClosed => {
                assert!(matches!(first, Err(Error::Quarantined(_))));
                // Everybody has a prompt answer.
                assert!(matches!(b.receive("A").await, Err(Error::Quarantined(_))));
                assert!(matches!(b.receive_any().await, Err(Error::Quarantined(_))));
                assert!(matches!(b.send("A", Trade::Price(1)).await, Err(SendError::Quarantined(..))));
                assert!(raw.send(ask()).await.is_err());
                continue;
            }
        }
        assert_eq!(b.receive("A").await.unwrap(), ask(), "{mode:?}");
    }
}

#[tokio::test]
async fn a_quarantine_lets_nobody_wait() {
    let (mut a, mut b) = pair(1, Mode::FailClosed);
    let waiting = tokio::spawn(async move { a.receive("B").await.map(drop) });
    tokio::task::yield_now().await;
    assert!(matches!(b.send("A", Trade::Price(3)).await, Err(SendError::Quarantined(..))));
    let answer = timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
    assert!(matches!(answer, Err(Error::Gone)), "{answer:?}");
}

#[tokio::test]
async fn dropped_futures_change_nothing() {
    let text = "protocol Flood(role A, role B) { rec X { A -> B: ask(what: string); continue X; } }";
    let spec = polylogue::parse(text).unwrap();
    let plan = spec.plan_with("Flood", &Compat::Unchecked, PlanOptions::default()).unwrap();
    let mut ends = channel::network::<Trade>(&plan, 2, &Options::default()).unwrap().into_iter();
    let (mut a, mut b) = (ends.next().unwrap(), ends.next().unwrap());
    let mut received = 0;
    for round in 0..50_u64 {
        while a.try_send("B", ask()).is_ok() {}
        assert!(matches!(a.try_send("B", ask()), Err(SendError::Full(_))));
        let before = a.monitor().steps();
        // The queue is full: a send waits, and is given up.
        let sent = timeout(Duration::from_millis(1), a.send("B", ask())).await;
        assert!(sent.is_err(), "round {round}");
        assert_eq!(a.monitor().steps(), before);
        for _ in 0..2 {
            b.receive("A").await.unwrap();
            received += 1;
        }
        let receive = timeout(Duration::from_millis(1), b.receive("A")).await;
        assert!(receive.is_err());
        let any = timeout(Duration::from_millis(1), b.receive_any()).await;
        assert!(any.is_err());
        assert_eq!((a.monitor().steps(), b.monitor().steps()), (received, received));
    }
}
