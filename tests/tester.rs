//! The tester: right implementations pass under every driver, wrong ones are found with the run that shows it, and the
//! same seed gives the same run.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use polylogue::{
    Specification,
    guard::tester::{Cause, Driver, Endpoint, Error, Machine, Report, Turn},
};

const TRADE: &str = "protocol Trade(role Buyer, role Seller) {
  Buyer -> Seller: title(name: string);
  rec More {
    Seller -> Buyer: quote(price: int{this > 0});
    choice at Buyer { Buyer -> Seller: buy(); Seller -> Buyer: date(day: string); }
    or { Buyer -> Seller: haggle(offer: int{this > 0}); continue More; }
    or { Buyer -> Seller: quit(); }
  }
}";

const METER: &str = "protocol Prepaid(role Client, role Meter) {
  Client -> Meter: open(deposit: int{this > 0});
  rec Serve [balance<Client, Meter>: int{balance >= 0} = deposit] {
    choice at Client {
      Client -> Meter: spend(cost: int{cost > 0}) where cost <= balance;
      Meter -> Client: receipt(left: int{left == balance - cost});
      continue Serve [balance - cost];
    } or {
      Client -> Meter: close();
      Meter -> Client: refund(rest: int{rest == balance});
    }
  }
}";

fn spec(text: &str) -> Specification {
    polylogue::parse(text).unwrap()
}

fn number(payload: &str, field: &str) -> Option<i64> {
    serde_json::from_str::<serde_json::Value>(payload).ok()?[field].as_i64()
}

/// Knows the rules, and refuses what does not follow them.
fn seller(ep: &mut Endpoint<'_, '_>) -> Result<(), Error> {
    let next = |ep: &mut Endpoint<'_, '_>, labels: &[&str]| loop {
        let got = ep.receive()?;
        let bad = match got.label.as_str() {
            "haggle" => number(&got.payload, "offer").is_none_or(|offer| offer <= 0),
            "title" => !got.payload.contains("\"name\":\""),
            _ => false,
        };
        if labels.contains(&got.label.as_str()) && !bad {
            return Ok::<_, Error>(got);
        }
        ep.refuse(&got)?;
    };
    next(ep, &["title"])?;
    loop {
        ep.send("Buyer", "quote", r#"{"price":30}"#)?;
        match next(ep, &["buy", "haggle", "quit"])?.label.as_str() {
            "buy" => return ep.send("Buyer", "date", r#"{"day":"Monday"}"#),
            "quit" => return Ok(()),
            _ => {}
        }
    }
}

/// Knows its balance.
fn meter(ep: &mut Endpoint<'_, '_>, off_by: i64) -> Result<(), Error> {
    let mut balance = number(&ep.receive()?.payload, "deposit").unwrap();
    loop {
        let got = ep.receive()?;
        if got.label == "close" {
            return ep.send("Client", "refund", &format!(r#"{{"rest":{balance}}}"#));
        }
        balance -= number(&got.payload, "cost").unwrap();
        ep.send("Client", "receipt", &format!(r#"{{"left":{}}}"#, balance + off_by))?;
    }
}

#[test]
fn right_ones_pass() {
    let tester = spec(TRADE).tester("Trade").unwrap().runs(200);
    let report = tester.role("Seller", seller);
    report.assert_conforms();
    assert_eq!((report.runs, report.covered(), report.arms()), (200, 6, 6), "{report}");
    let tester = tester.driver(Driver::Hostile);
    let report = tester.role("Seller", seller);
    report.assert_conforms();
    assert!(report.refusals > 20, "{report}");
}

#[test]
fn data_is_played_too() {
    let tester = spec(METER).tester("Prepaid").unwrap().runs(60);
    let report = tester.role("Meter", |ep| meter(ep, 0));
    report.assert_conforms();
    assert_eq!(report.covered(), report.arms(), "{report}");
    let report = tester.role("Meter", |ep| meter(ep, 1));
    let failure = report.failure.unwrap();
    let Cause::Violation(violation) = &failure.cause else { panic!("{failure}") };
    assert_eq!((violation.code.id(), violation.blame.as_deref()), ("PL0650", Some("Meter")));
    assert!(violation.place.as_ref().is_some_and(|place| place.line == 6), "{violation}");
    assert!(failure.run.last().unwrap().starts_with("Meter?Client:spend"), "{failure}");
    // The other way round the world must answer with what the balance is: it has to find that.
    let report = tester.role("Client", |ep| {
        ep.send("Meter", "open", r#"{"deposit":777}"#)?;
        ep.send("Meter", "spend", r#"{"cost":111}"#)?;
        assert_eq!(ep.receive()?.payload, r#"{"left":666}"#);
        ep.send("Meter", "close", "{}")?;
        assert_eq!(ep.receive_from("Meter")?.payload, r#"{"rest":666}"#);
        Ok(())
    });
    report.assert_conforms();
}

#[test]
fn wrong_ones_are_found() {
    let tester = spec(TRADE).tester("Trade").unwrap();
    let cause = |report: Report| report.failure.unwrap().cause;
    // Stops too early.
    let Cause::Violation(early) = cause(tester.role("Seller", |ep| ep.receive().map(drop))) else { panic!() };
    assert_eq!(early.code.id(), "PL0620");
    // Waits for what nobody sends.
    let deadlock = cause(tester.role("Buyer", |ep| ep.receive().map(drop)));
    assert_eq!(deadlock, Cause::Deadlock);
    // Goes on for ever.
    let endless = tester.role("Buyer", |ep| {
        ep.send("Seller", "title", r#"{"name":"x"}"#)?;
        loop {
            ep.receive()?;
            ep.send("Seller", "haggle", r#"{"offer":1}"#)?;
        }
    });
    assert_eq!(cause(endless), Cause::Steps);
    let server = spec("protocol Echo(role C, role S) { rec X { C -> S: ping(); S -> C: pong(); continue X; } }");
    let report = server.tester("Echo").unwrap().runs(5).steps(100).endless().role("S", |ep| {
        loop {
            ep.receive()?;
            ep.send("C", "pong", "{}")?;
        }
    });
    report.assert_conforms();
    assert_eq!(report.covered(), 2);
    // Refuses what is right.
    let rude = cause(tester.role("Seller", |ep| {
        let got = ep.receive()?;
        ep.refuse(&got)
    }));
    assert!(matches!(rude, Cause::Refused(_)), "{rude}");
    // Believes everything.
    let naive = tester.driver(Driver::Hostile).role("Seller", |ep| {
        loop {
            match ep.receive()?.label.as_str() {
                "buy" => return ep.send("Buyer", "date", r#"{"day":"Monday"}"#),
                "quit" => return Ok(()),
                _ => ep.send("Buyer", "quote", r#"{"price":30}"#)?,
            }
        }
    });
    let naive = cause(naive);
    assert!(matches!(naive, Cause::Accepted(_)), "{naive}");
}

#[test]
fn equal_seeds_give_equal_runs() {
    let quits = |ep: &mut Endpoint<'_, '_>| {
        ep.receive()?;
        ep.send("Buyer", "quote", r#"{"price":30}"#)?;
        ep.receive()?;
        ep.send("Buyer", "date", r#"{"day":"Monday"}"#)
    };
    for driver in [Driver::Explore, Driver::Hostile] {
        let tester = || spec(TRADE).tester("Trade").unwrap().driver(driver).seed(40);
        let (one, other) = (tester().role("Seller", quits), tester().role("Seller", quits));
        assert_eq!(one, other);
        // The seed of the failed run alone leads there, but for what was covered before.
        let failure = one.failure.unwrap();
        assert!(tester().seed(failure.seed).role("Seller", quits).failure.is_some());
    }
}

#[test]
fn machines_together() {
    let text = "protocol Ring(role A, role B, role C) {
      rec X { choice at A { A -> B: go(); B -> C: go(); C -> A: go(); continue X; }
              or { A -> B: stop(); B -> C: stop(); } }
    }";
    /// Hands on what it gets.
    struct Relay(&'static str, bool);
    impl Machine for Relay {
        fn turn(&mut self, ep: &mut Endpoint<'_, '_>) -> Result<Turn, Error> {
            if self.1 {
                return Ok(Turn::Done);
            }
            let Some(got) = ep.poll()? else { return Ok(Turn::Waiting) };
            self.1 = got.label == "stop";
            if !(self.1 && self.0 == "A") {
                ep.send(self.0, &got.label, "{}")?;
            }
            Ok(Turn::Acted)
        }
    }
    let tester = spec(text).tester("Ring").unwrap().runs(50).steps(10_000);
    let report = tester.machines(&["B", "C"], || vec![Box::new(Relay("C", false)), Box::new(Relay("A", false))]);
    report.assert_conforms();
    assert_eq!(report.covered(), report.arms());
    // One of them never stops relaying to the wrong role.
    let report = tester.machines(&["B", "C"], || vec![Box::new(Relay("A", false)), Box::new(Relay("A", false))]);
    let failure = report.failure.unwrap();
    assert!(failure.to_string().contains("`B` never sends"), "{failure}");
    // A machine that does nothing.
    let report = tester.machines(&["C"], || vec![Box::new(|_: &mut Endpoint<'_, '_>| Ok(Turn::Waiting))]);
    assert_eq!(report.failure.unwrap().cause, Cause::Deadlock);
}

#[test]
fn roles_that_there_are_not() {
    let report = spec(TRADE).tester("Trade").unwrap().role("Thief", |_| Ok(()));
    assert!(report.failure.unwrap().to_string().starts_with("there is no role `Thief`"));
}
