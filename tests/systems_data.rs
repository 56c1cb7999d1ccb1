//! Types that are written by hand, with data: their ends check their own conditions.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

const SPEC: &str = "
system S(role P, role Q) {
  P = Q!a(x: int) where (x > 3). Q?b(y: int). end;
  Q = P?a(x: int). P!b(y: int) where (y == x + 1). end;
}";

#[test]
fn both_ends_check_their_own() {
    let spec = polylogue::parse(SPEC).unwrap();
    assert!(spec.check("safe", "S").unwrap().holds());
    let line = |from: &str, to: &str, label: &str, field: &str, value: i64| {
        format!("{{\"from\":\"{from}\",\"to\":\"{to}\",\"label\":\"{label}\",\"payload\":{{\"{field}\":{value}}}}}\n")
    };
    let log = |x: i64, y: i64| line("P", "Q", "a", "x", x) + &line("Q", "P", "b", "y", y);
    assert!(spec.conform("S", &log(4, 5)).unwrap().conforms());
    for (x, y, at) in [(3, 4, 0), (4, 4, 1), (4, 6, 1)] {
        let report = spec.conform("S", &log(x, y)).unwrap();
        assert_eq!(report.sessions[0].at, Some(at), "{x} {y}");
    }
}
