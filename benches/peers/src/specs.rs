//! The protocols of the rows, in polylogue's language. Every edge has room for [`BOUND`] messages.

use std::fmt::Write;

use crate::rows::BOUND;

/// Two messages in turn, for ever.
pub const PING_PONG: &str = "
protocol PingPong(role P, role Q) {
  channel P -> Q: bounded(8);
  channel Q -> P: bounded(8);
  rec Again {
    P -> Q: ping(n: int);
    Q -> P: pong(n: int);
    continue Again;
  }
}
";

/// One message, and both roles have finished.
pub const ONCE: &str = "
protocol Once(role P, role Q) {
  channel P -> Q: bounded(8);
  P -> Q: ping(n: int);
}
";

/// A step that consumes a witness, again and again: a local action, so that no queue comes into it.
pub const CHECKED: &str = "
def positive(n: int) = n > 0;
protocol Checked(role P, role Q) {
  channel P -> Q: bounded(8);
  rec Again {
    choice at P { P: pay(n: int) requires positive(n); continue Again; }
    or { P -> Q: done(); }
  }
}
";

/// Two buyers split the price of a book.
pub const TWO_BUYER: &str = "
protocol TwoBuyer(role Alice, role Bob, role Seller) {
  channel Alice -> Seller: bounded(8);
  channel Seller -> Alice: bounded(8);
  channel Seller -> Bob: bounded(8);
  channel Alice -> Bob: bounded(8);
  channel Bob -> Seller: bounded(8);
  channel Bob -> Alice: bounded(8);
  Alice -> Seller: title(name: string);
  Seller -> Alice, Bob: quote(price: int);
  Alice -> Bob: share(mine: int);
  choice at Bob {
    Bob -> Seller: ok(address: string);
    Bob -> Alice: ok();
    Seller -> Bob: date(day: string);
  } or {
    Bob -> Seller, Alice: quit();
  }
}
";

/// A loop that starts with a choice of this many arms, `a0`, `a1` and so on.
#[must_use]
pub fn arms(arms: u64) -> String {
    let mut text = format!(
        "protocol Arms(role P, role Q) {{\n  channel P -> Q: bounded({BOUND});\n  rec Again {{\n    P -> Q: {{\n"
    );
    for arm in 0..arms {
        writeln!(text, "      a{arm}() => {{ continue Again; }},").expect("a string takes what is written");
    }
    text.push_str("    }\n  }\n}\n");
    text
}

/// All of them, with the names of their protocols.
#[must_use]
pub fn all() -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("PingPong", PING_PONG.to_owned()),
        ("Once", ONCE.to_owned()),
        ("Checked", CHECKED.to_owned()),
        ("TwoBuyer", TWO_BUYER.to_owned()),
    ];
    all.extend([4, 16, 64].map(|count| ("Arms", arms(count))));
    all
}
