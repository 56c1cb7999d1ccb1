//! Every side gets out of a few operations of every row what must come out.
#![allow(clippy::unwrap_used, reason = "tests")]

use polylogue_peers::{
    rows::{HISTORY, Row, Shape, price},
    side::Meter,
    sides,
};

#[test]
fn every_row_comes_out_right_on_every_side() {
    for side in sides() {
        for row in Row::ALL {
            // Whole rounds of `ping` and `pong`, and enough messages for more than one session.
            let operations = match row {
                Row::Message | Row::Authenticated => HISTORY + 8,
                Row::RoundRobin(sessions) => 4 * sessions,
                _ => 128,
            };
            let mut meter = Meter::default();
            let found =
                side.run(row, operations, &mut meter).unwrap_or_else(|why| panic!("{}: {row}: {why}", side.name()));
            assert_eq!(found, row.expected(operations), "{}: {row}", side.name());
            assert!(!meter.clock.is_zero() && !side.says(row).is_empty(), "{}: {row}", side.name());
        }
        for shape in Shape::ALL {
            assert_eq!(side.resident(shape, 10, &Meter::default()), Ok(0), "no counter, no bytes");
        }
    }
}

#[test]
fn what_must_come_out_is_known_without_a_store() {
    assert_eq!(Row::Arms(4).expected(12), 1 + 2 + 3 + 1);
    assert_eq!(Row::Message.expected(5), 10);
    assert_eq!(Row::TwoBuyer.expected(2), 2 * 30 + 15 + 2 * 31 + 15);
    assert_eq!((price(0), price(6), price(7)), (30, 36, 30));
}
