//! More of something than fits, and types deeper than any stack: refused or right, never a panic.

use std::{fmt::Write as _, sync::Arc};

use polylogue::{
    id::{Id, IdVec, LabelId, RoleId, SortId, StateId},
    protocol::{Act, Arm, Local, State},
    session::{
        By, Code, Compat, Config, Detail, Key, Owner, PlanOptions, Scope, Send, SessionId, Status, Store,
        audit::{Audit, Options},
    },
};

#[test]
fn every_code_is_explained() {
    for code in Code::ALL {
        let explained = polylogue::diag::Code::find(&code.name()).unwrap_or_else(|| panic!("{}", code.name()));
        assert!(explained.explanation().text.len() > 20);
    }
    let numbers: std::collections::BTreeSet<u16> = Code::ALL.iter().map(|code| code.number()).collect();
    let words: std::collections::BTreeSet<&str> = Code::ALL.iter().map(|code| code.word()).collect();
    assert_eq!((numbers.len(), words.len()), (Code::ALL.len(), Code::ALL.len()));
}

fn store() -> (Store, polylogue::session::Supervisor) {
    Store::new(Config { audit: Audit::new(Options { segments: 2, ..Options::default() }), ..Config::default() })
}

/// A star: one role sends to each of so many others, in order.
#[test]
fn seventy_thousand_roles() {
    const N: usize = 70_000;
    let mut text = String::from("system Star(role R0");
    for role in 1..N {
        write!(text, ", role R{role}").unwrap();
    }
    text.push_str(") { R0 = ");
    for role in 1..=3 {
        write!(text, "R{}!hello(). ", [1, 300, N - 1][role - 1]).unwrap();
    }
    text.push_str("end;");
    for role in 1..N {
        match role {
            1 | 300 | 69_999 => write!(text, " R{role} = R0?hello(). end;").unwrap(),
            _ => write!(text, " R{role} = end;").unwrap(),
        }
    }
    text.push('}');
    let spec = match polylogue::parse(&text) {
        Ok(spec) => spec,
        Err(errors) => {
            println!("refused: {}", errors.iter().next().unwrap().text);
            return;
        }
    };
    let plan = match spec.plan_with("Star", &Compat::Unchecked, PlanOptions::default()) {
        Ok(plan) => plan,
        Err(error) => {
            println!("refused: {error}");
            return;
        }
    };
    let (mut store, supervisor) = store();
    let (session, opener) = store.open(&plan, 0).unwrap();
    let hub = store.claim(&opener, Owner(1), &Scope::Fragment(vec![RoleId::from_raw(0)])).unwrap();
    let last = RoleId::from_raw(N as u32 - 1);
    let leaf = store.claim(&opener, Owner(2), &Scope::Fragment(vec![last])).unwrap();
    let label = plan.label("hello").unwrap();
    for to in [1, 300, N as u32 - 1] {
        let send = Send {
            from: RoleId::from_raw(0),
            to: RoleId::from_raw(to),
            label,
            payload: Default::default(),
            witnesses: &[],
            at: 0,
        };
        store.send(&hub, send).unwrap();
    }
    store.receive(&leaf, last, RoleId::from_raw(0), 0).unwrap();
    assert_eq!(
        store.receive(&leaf, RoleId::from_raw(300), RoleId::from_raw(0), 0).unwrap_err().code(),
        Code::OutOfScope
    );
    // As many claims as roles, which end together.
    for role in 1..N - 1 {
        drop(store.claim(&opener, Owner(3), &Scope::Fragment(vec![RoleId::from_raw(role as u32)])).unwrap());
    }
    store.cancel(By::Opener(&opener), "enough", 1).unwrap();
    assert_eq!(store.status(session), Some(Status::Cancelled));
    assert_eq!(store.reap(&supervisor, 1).unwrap(), 1);
}

#[test]
fn seventy_thousand_labels() {
    const N: usize = 70_000;
    let labels: Vec<String> = (0..N).map(|label| format!("l{label}(). end")).collect();
    let arms = labels.join(", ");
    let text = format!("system Wide(role A, role B) {{ A = B!{{ {arms} }}; B = A?{{ {arms} }}; }}");
    let spec = polylogue::parse(&text).unwrap();
    let plan = spec.plan_with("Wide", &Compat::Unchecked, PlanOptions::default()).unwrap();
    let (mut store, _supervisor) = store();
    let (a, b) = (plan.role("A").unwrap(), plan.role("B").unwrap());
    for name in ["l0", "l65535", "l65536", "l69999"] {
        let (session, opener) = store.open(&plan, 0).unwrap();
        let cap = store.claim(&opener, Owner(1), &Scope::Session).unwrap();
        let label = plan.label(name).unwrap();
        store.send(&cap, Send { from: a, to: b, label, payload: Default::default(), witnesses: &[], at: 0 }).unwrap();
        assert_eq!(store.queue(session, a, b), [format!("{name}()")]);
        assert_eq!(store.receive(&cap, b, a, 0).unwrap().label, label);
        store.close(By::Opener(&opener), 0).unwrap();
    }
}

/// A chain of a million states, made directly: its text would be as deep.
#[test]
fn a_million_deep() {
    const N: u32 = 1_000_000;
    let chain = |role: u32, peer: u32| {
        let act = if role == 0 { Act::Send(RoleId::from_raw(peer)) } else { Act::Receive(RoleId::from_raw(peer)) };
        let mut states: IdVec<StateId, State> = IdVec::new();
        states.push(State::default()).unwrap();
        for state in 1..=N {
            let arm = Arm {
                act,
                label: LabelId::from_raw(0),
                sort: SortId::from_raw(1),
                then: StateId::from_raw(state + 1),
                span: Default::default(),
            };
            states.push(State { arms: vec![arm], ..State::default() }).unwrap();
        }
        states.push(State { may_stop: true, ..State::default() }).unwrap();
        Local { role: RoleId::from_raw(role), initial: StateId::from_raw(1), states }
    };
    let locals: IdVec<RoleId, Local> = vec![chain(0, 1), chain(1, 0)].into();
    let system = polylogue::machine::System::of(&locals, |_, _| polylogue::protocol::EdgeKind::Fifo).unwrap();
    assert_eq!(system.messages().len(), 1);
    drop(Arc::new(system));
    // And as text, as deep as a parser lets it be.
    for depth in [1_000_usize, 100_000, 1_000_000] {
        let one = "B!m(). ".repeat(depth);
        let other = "A?m(). ".repeat(depth);
        let text = format!("system Deep(role A, role B) {{ A = {one}end; B = {other}end; }}");
        let spec = match polylogue::parse(&text) {
            Ok(spec) => spec,
            Err(errors) => {
                println!("{depth} deep is refused: {}", errors.iter().next().unwrap().text);
                continue;
            }
        };
        let plan = match spec.plan_with("Deep", &Compat::Unchecked, PlanOptions::default()) {
            Ok(plan) => plan,
            Err(error) => {
                println!("{depth} deep is refused: {error}");
                continue;
            }
        };
        println!("{depth} deep has a plan");
        let (mut store, _supervisor) = store();
        let (session, opener) = store.open(&plan, 0).unwrap();
        let cap = store.claim(&opener, Owner(1), &Scope::Session).unwrap();
        let (a, b, label) = (plan.role("A").unwrap(), plan.role("B").unwrap(), plan.label("m").unwrap());
        for _ in 0..depth {
            store
                .send(&cap, Send { from: a, to: b, label, payload: Default::default(), witnesses: &[], at: 0 })
                .unwrap();
            store.receive(&cap, b, a, 0).unwrap();
        }
        let summary = store.summary(session).unwrap();
        assert_eq!((summary.sent, summary.received, summary.finished), (depth as u64, depth as u64, 2));
        store.close(By::Capability(&cap), 0).unwrap();
    }
}

/// Counters at their end: ids, generations, times.
#[test]
fn counters_at_their_maximum() {
    let spec = polylogue::parse("protocol P(role A, role B) { A -> B: m(); }").unwrap();
    let plan = spec.plan("P").unwrap();
    let (mut store, supervisor) = store();
    // The last session of a slot: the slot is not used again.
    let last = SessionId { slot: 3, generation: u32::MAX };
    let opener = store.open_with_id(&plan, last, i64::MAX).unwrap();
    store.cancel(By::Opener(&opener), "", i64::MAX).unwrap();
    assert_eq!(store.reap(&supervisor, 9).unwrap(), 1);
    for generation in [0, 1, u32::MAX] {
        let again = store.open_with_id(&plan, SessionId { slot: 3, generation }, 0).unwrap_err();
        assert_eq!(again.code(), Code::NotFresh);
    }
    for _ in 0..5_000 {
        let (session, _opener) = store.open(&plan, i64::MIN).unwrap();
        assert_ne!(session.slot, 3);
    }
    let far = store.open_with_id(&plan, SessionId { slot: u32::MAX, generation: 1 }, 0);
    assert_eq!(far.unwrap_err().code(), Code::NotFresh);
    // Generations of capabilities.
    let (session, opener) = store.open_keyed(&plan, "k", i64::MAX).unwrap();
    store.wind_generations(&supervisor, session, u32::MAX - 1);
    let cap = store.claim(&opener, Owner(1), &Scope::Session).unwrap();
    assert_eq!(cap.generation(), u32::MAX);
    let half = Scope::Fragment(vec![plan.role("A").unwrap()]);
    let refused = store.attenuate(cap, &half).unwrap_err();
    assert_eq!(refused.refused.code(), Code::Exhausted);
    let cap = refused.value;
    let receipt = store.begin_transfer(&cap, Owner(2), &Scope::Session).unwrap();
    let refused = store.commit_transfer(Owner(2), receipt).unwrap_err();
    assert_eq!(refused.refused.code(), Code::Exhausted);
    store.rollback_transfer(refused.value).unwrap();
    let label = plan.label("m").unwrap();
    let (a, b) = (plan.role("A").unwrap(), plan.role("B").unwrap());
    store
        .send(&cap, Send { from: a, to: b, label, payload: Default::default(), witnesses: &[], at: i64::MIN })
        .unwrap();
    assert_eq!(store.now(session), Some(i64::MAX));
    assert_eq!(store.issue_timeout(&opener, 0, i64::MAX).unwrap_err().code(), Code::Past);
    assert!(store.tick(&supervisor, i64::MAX).unwrap().is_empty());
    store.release(cap).unwrap();
    assert_eq!(store.claim(&opener, Owner(1), &Scope::Session).unwrap_err().code(), Code::Exhausted);
    assert_eq!(store.resolve(&Key::from("k")), Some(session));
    // A witness that is good for ever does not keep the clock busy.
    let (other, opener) = store.open(&plan, 0).unwrap();
    store.issue_timeout(&opener, 1, i64::MAX).unwrap();
    assert_eq!(store.next_deadline(), Some(i64::MAX));
    assert_eq!(store.tick(&supervisor, i64::MAX).unwrap().len(), 1);
    assert_eq!((store.next_deadline(), store.now(other)), (None, Some(i64::MAX)));
}

/// Ids of the caller's are above all that were given out, whichever plan they are of; what a refusal names is taken.
#[test]
fn ids_of_the_caller_rise() {
    let spec =
        polylogue::parse("protocol P(role A, role B) { A -> B: m(); } protocol Q(role A, role B) { A -> B: m(); }");
    let spec = spec.unwrap();
    let plans = [spec.plan("P").unwrap(), spec.plan("Q").unwrap()];
    let (mut store, supervisor) = store();
    let (mut refused, mut highest): (u32, Option<SessionId>) = (0, None);
    for turn in 0..400_u32 {
        let plan = &plans[(turn % 3 / 2) as usize];
        // Every other one a little above, or at, what was given out.
        let slot = highest.map_or(0, |highest: SessionId| highest.slot + turn % 3);
        let slot = if turn % 2 == 0 { slot } else { turn * 37 % 5_000 };
        let given = SessionId { slot, generation: 1 + turn % 2 };
        let fresh = highest.is_none_or(|highest| given > highest);
        let id = match store.open_with_id(plan, given, 0) {
            Ok(opener) => {
                assert!(fresh, "{given} after {highest:?}");
                opener.session()
            }
            Err(why) => {
                refused += 1;
                assert_eq!(why.code(), Code::NotFresh);
                let Detail::Fresh { given: said, next } = why.detail.clone() else { panic!("{why}") };
                assert_eq!(said, given);
                assert!(highest.is_some_and(|highest| next > highest));
                store.open_with_id(plan, next, 0).unwrap().session()
            }
        };
        highest = Some(id);
        // What the store gives out itself counts as well, also in a slot that is used again.
        if turn % 5 == 0 {
            let (own, opener) = store.open(plan, 0).unwrap();
            highest = highest.max(Some(own));
            store.cancel(By::Opener(&opener), "", 0).unwrap();
            assert_eq!(store.reap(&supervisor, 1).unwrap(), 1);
        }
    }
    assert!((50..380).contains(&refused), "{refused}");
}
